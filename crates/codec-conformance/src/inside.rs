//! The streams that the kit carries.

/// Name, bytes, truth.
pub(crate) type Inside = (&'static str, &'static [u8], &'static str);

macro_rules! stream {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../streams/", $name, ".264")),
            include_str!(concat!("../streams/", $name, ".framemd5")),
        )
    };
}

/// Every H.264 stream inside, by name.
pub(crate) const H264: &[Inside] = &[
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
];
