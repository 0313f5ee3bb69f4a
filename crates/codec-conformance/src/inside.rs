//! The streams that the kit carries.

/// Name, extension, bytes, truth, planes where a sample may differ by one.
pub(crate) type Inside = (&'static str, &'static str, &'static [u8], &'static str, &'static [u8]);

macro_rules! stream {
    ($name:literal) => {
        stream!("", "../streams/", $name, "264")
    };
    ($codec:literal, $folder:literal, $name:literal, $kind:literal) => {
        (
            concat!($codec, $name),
            $kind,
            include_bytes!(concat!($folder, $name, ".", $kind)),
            include_str!(concat!($folder, $name, ".framemd5")),
            &[],
        )
    };
    (mjpeg $name:literal) => {
        (
            concat!("mjpeg_", $name),
            "jpg",
            include_bytes!(concat!("../streams-mjpeg/", $name, ".jpg")),
            include_str!(concat!("../streams-mjpeg/", $name, ".framemd5")),
            include_bytes!(concat!("../streams-mjpeg/", $name, ".yuv")),
        )
    };
    (vp8 $name:literal) => {
        stream!("vp8_", "../streams-vp8/", $name, "ivf")
    };
    (vp9 $name:literal) => {
        stream!("vp9_", "../streams-vp9/", $name, "ivf")
    };
    (h265 $name:literal) => {
        stream!("h265_", "../streams-h265/", $name, "265")
    };
    (av1 $name:literal) => {
        stream!("av1_", "../streams-av1/", $name, "ivf")
    };
}

/// Every stream inside, by codec and name.
pub(crate) const ALL: &[Inside] = &[
    stream!("gen_aud_sei_hrd"),
    stream!("gen_baseline_cavlc"),
    stream!("gen_baseline_slices4"),
    stream!("gen_bt709_full"),
    stream!("gen_colour_change"),
    stream!("gen_crop_318x178"),
    stream!("gen_crop_all_sides"),
    stream!("gen_fake_interlaced"),
    stream!("gen_frame_num_gaps"),
    stream!("gen_frame_num_gaps_forbidden"),
    stream!("gen_high10"),
    stream!("gen_high422_10"),
    stream!("gen_high_8x8_cqm_jvt"),
    stream!("gen_high_direct_temporal"),
    stream!("gen_high_intra_refresh"),
    stream!("gen_high_open_gop"),
    stream!("gen_high_pyramid_strict"),
    stream!("gen_high_qp2"),
    stream!("gen_main_cabac_b2"),
    stream!("gen_main_cavlc_b2"),
    stream!("gen_mbaff_cavlc_422"),
    stream!("gen_mbaff_tff"),
    stream!("gen_mono_high"),
    stream!("gen_odd_321x181_444"),
    stream!("gen_resolution_change"),
    stream!("gen_size_34x18"),
    stream!("gen_skip_heavy"),
    stream!("gen_sps_id_5"),
    stream!("gen_start_codes_3_byte"),
    stream!("gen_start_open_gop_i"),
    stream!("gen_start_recovery_point"),
    stream!("gen_trailing_zeros"),
    stream!("gen_unknown_nal_types"),
    stream!("gen_zerolatency_sliced"),
    stream!("oh_Error_I_P"),
    stream!("oh_MIDR_MW_D"),
    stream!("oh_MR1_BT_A"),
    stream!("oh_QCIF_2P_I_allIPCM"),
    stream!("oh_SVA_BA2_D"),
    stream!("oh_SVA_Base_B"),
    stream!("oh_test_qcif_cabac"),
    stream!("oh_test_scalinglist_jm"),
    stream!(av1 "d1_10-bit_film_grain_av1-1-b10-23-film_grain-50"),
    stream!(av1 "d1_12-bit_data_00000692"),
    stream!(av1 "d1_8-bit_features_long_leb"),
    stream!(av1 "d1_8-bit_resize_av1-1-b8-03-sizedown"),
    stream!(av1 "d1_8-bit_size_av1-1-b8-01-size-66x66"),
    stream!(av1 "d1_8-bit_svc_av1-1-b8-22-svc-L1T2"),
    stream!(av1 "gen_error_resilient"),
    stream!(av1 "gen_fwd_kf"),
    stream!(av1 "gen_hdr10"),
    stream!(av1 "gen_high444"),
    stream!(av1 "gen_lossless"),
    stream!(av1 "gen_main"),
    stream!(av1 "gen_main10"),
    stream!(av1 "gen_odd_321x181"),
    stream!(av1 "gen_professional422_10"),
    stream!(av1 "gen_professional_12"),
    stream!(av1 "gen_reduced_still"),
    stream!(av1 "gen_resize"),
    stream!(av1 "gen_rgb"),
    stream!(av1 "gen_size_16x16"),
    stream!(av1 "gen_superres"),
    stream!(av1 "gen_svt_film_grain"),
    stream!(h265 "gen_format_change"),
    stream!(h265 "gen_full_range_601"),
    stream!(h265 "gen_gbr"),
    stream!(h265 "gen_main10_hlg"),
    stream!(h265 "gen_main12"),
    stream!(h265 "gen_main422_10"),
    stream!(h265 "gen_main444"),
    stream!(h265 "gen_main_bpyramid"),
    stream!(h265 "gen_main_crop_322x182"),
    stream!(h265 "gen_main_field_seq_tff"),
    stream!(h265 "gen_main_hash_sei"),
    stream!(h265 "gen_main_hrd_sei"),
    stream!(h265 "gen_main_intra_refresh"),
    stream!(h265 "gen_main_lossless"),
    stream!(h265 "gen_main_open_gop"),
    stream!(h265 "gen_main_radl"),
    stream!(h265 "gen_main_scaling_list"),
    stream!(h265 "gen_main_slices"),
    stream!(h265 "gen_main_weightp_fade"),
    stream!(h265 "gen_main_wpp_ctu16"),
    stream!(h265 "gen_mono"),
    stream!(h265 "gen_start_cra_rasl"),
    stream!(mjpeg "gen_411"),
    stream!(mjpeg "gen_420"),
    stream!(mjpeg "gen_420_limited"),
    stream!(mjpeg "gen_422"),
    stream!(mjpeg "gen_444"),
    stream!(mjpeg "gen_exif_like_comment"),
    stream!(mjpeg "gen_grey_progressive"),
    stream!(mjpeg "gen_no_dht"),
    stream!(mjpeg "gen_odd_321x181"),
    stream!(mjpeg "gen_progressive_420"),
    stream!(mjpeg "gen_progressive_444"),
    stream!(mjpeg "gen_quality_1"),
    stream!(mjpeg "gen_rgb_components"),
    stream!(vp8 "gen_dropped_frames"),
    stream!(vp8 "gen_odd_321x181"),
    stream!(vp8 "gen_profile1"),
    stream!(vp8 "gen_profile2"),
    stream!(vp8 "gen_size_16x16"),
    stream!(vp8 "gen_static"),
    stream!(vp8 "gen_two_temporal_layers"),
    stream!(vp9 "gen_p0_altref"),
    stream!(vp9 "gen_p0_frame_parallel"),
    stream!(vp9 "gen_p0_intra_only"),
    stream!(vp9 "gen_p0_lossless"),
    stream!(vp9 "gen_p0_odd_321x181"),
    stream!(vp9 "gen_p0_resize_dynamic"),
    stream!(vp9 "gen_p0_still"),
    stream!(vp9 "gen_p1_440"),
    stream!(vp9 "gen_p1_gbr"),
    stream!(vp9 "gen_p2_10"),
    stream!(vp9 "gen_p2_12"),
    stream!(vp9 "gen_p3_444_10"),
];
