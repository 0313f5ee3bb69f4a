//! From a Matroska track to the sample entry that says the same in MP4 (ISO/IEC 14496-12 §8.5.2, 14496-14 and -15, the
//! bindings of AV1, VP9 and Opus), and from its frames to samples.

use bytes::Bytes;
use kineframe_bitstream::h264::AvcConfig;
use kineframe_bitstream::h265::{HevcConfig, NalType};
use kineframe_bitstream::{
    FramingError, LengthPrefixedUnits, NalUnits, StartCodeUnits, begins_with_start_code, detect_framing, identify,
    start_codes_to_lengths,
};
use kineframe_codec::Codec;
use kineframe_matroska::{TrackEntry, TrackType, Video};
use mp4_atom::esds::{DecoderConfig, DecoderSpecific, EsDescriptor};
use mp4_atom::{Audio, BufMut, Colr, Encode, Esds, Pasp, Result as AtomResult, Visual};

use super::{WriteError, vpx};

/// What of a track goes into its boxes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SampleEntry {
    /// The box, whole.
    pub bytes: Bytes,
    pub kind: Kind,
    pub convert: Convert,
    /// Frames may be shown in another order than they are decoded in.
    pub reorders: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// With the size at which it is shown, in pixels, and clockwise quarter turns.
    Video {
        width: u16,
        height: u16,
        turns: u8,
    },
    Audio,
}

/// What is done to frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Convert {
    AsIs,
    /// NAL units get lengths of four bytes; `CodecPrivate` announces lengths of this size, if any.
    Nal {
        declared: Option<u8>,
    },
}

impl SampleEntry {
    /// The sample entry of a track.
    ///
    /// # Errors
    /// MP4 has no form for it, or too little is known of it.
    pub fn new(entry: &TrackEntry) -> Result<SampleEntry, WriteError> {
        let refuse = |why| WriteError::Track { track: entry.number, codec_id: entry.codec_id.clone(), why };
        // Beyond what a CodecPrivate is, and within what a box can hold.
        let private = match entry.decoded_codec_private(16 << 20) {
            Some(Ok(private)) => private,
            Some(Err(_)) => return Err(refuse("its CodecPrivate has an encoding that cannot be undone")),
            None => Bytes::new(),
        };
        match entry.track_type {
            TrackType::VIDEO => video(entry, &private).map_err(refuse),
            TrackType::AUDIO => audio(entry, &private).map_err(refuse),
            _ => Err(refuse("only video and audio are written as MP4")),
        }
    }

    /// A frame as MP4 stores it. A handle on the same bytes, unless its NAL units need other lengths.
    ///
    /// # Errors
    /// The NAL units cannot be told apart.
    pub fn sample(&self, track: u64, data: &Bytes) -> Result<Bytes, WriteError> {
        let Convert::Nal { declared } = self.convert else { return Ok(data.clone()) };
        let framing = |error: FramingError| WriteError::Framing { track, len: data.len(), error };
        if let Some(size) = declared {
            match LengthPrefixedUnits::new(data, size).find_map(Result::err) {
                None if size == 4 => return Ok(data.clone()),
                None => return Ok(with_long_lengths(data, size)),
                Some(error) if !begins_with_start_code(data) => return Err(framing(error)),
                Some(_) => {}
            }
        }
        let converted = start_codes_to_lengths(data.clone());
        converted.damage.map_or(Ok(converted.data), |error| Err(framing(error)))
    }
}

/// `entry` with the `avcC` or `hvcC` record that MP4 needs, where its own `CodecPrivate` has no parameter sets: taken
/// from `frame`, a random access point of the track. Tracks of other codecs, and those that are complete, as they are.
pub fn with_parameter_sets(entry: &TrackEntry, frame: &[u8]) -> TrackEntry {
    let mut entry = entry.clone();
    let private = entry.decoded_codec_private(16 << 20).and_then(Result::ok).unwrap_or_default();
    // Whatever the track was called, these are what hold such records.
    let codec = identify(&entry.codec_id, &private).map(|known| known.codec);
    let (codec_id, known) = match codec {
        Some(Codec::H264) => ("V_MPEG4/ISO/AVC", avc_record(&private)),
        Some(Codec::H265) => ("V_MPEGH/ISO/HEVC", hevc_record(&private)),
        _ => return entry,
    };
    let Some(framing) = detect_framing(frame).filter(|_| known.is_none()) else { return entry };
    let units = &mut NalUnits::new(frame, framing).filter_map(Result::ok);
    let record = if codec == Some(Codec::H264) { avc_record_of_sets(units) } else { hevc_record_of_sets(units) };
    if let Some(record) = record {
        entry.codec_id = codec_id.to_owned();
        entry.encodings.clear();
        entry.codec_private = Some(record);
    }
    entry
}

/// Lengths of four bytes for lengths of another size, which are known to lead to the end.
fn with_long_lengths(data: &Bytes, size: u8) -> Bytes {
    let mut out = Vec::with_capacity(data.len().saturating_add(16));
    for unit in LengthPrefixedUnits::new(data, size).map_while(Result::ok) {
        // A length of at most four bytes was read for it.
        out.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        out.extend_from_slice(unit);
    }
    out.into()
}

type Refused = &'static str;

fn video(entry: &TrackEntry, private: &Bytes) -> Result<SampleEntry, Refused> {
    let identified = identify(&entry.codec_id, private).ok_or("its codec has no form in MP4")?;
    let private = identified.private;
    let mut convert = Convert::AsIs;
    let mut reorders = false;
    // The four-character code and the box with the decoder's configuration.
    let (code, config): (&[u8; 4], Config) = match identified.codec {
        Codec::H264 => {
            let record = avc_record(&private).or_else(|| avc_record_of_sets(&mut StartCodeUnits::new(&private)));
            let record = record.ok_or("its CodecPrivate has no parameter sets")?;
            // Baseline has no B slices.
            reorders = record.get(1) != Some(&66);
            convert = Convert::Nal { declared: avc_record(&private).map(|record| length_size(&record, 4)) };
            (b"avc1", Config::Raw(b"avcC", four_byte_lengths(&record, 4)))
        }
        Codec::H265 => {
            let record = hevc_record(&private).or_else(|| hevc_record_of_sets(&mut StartCodeUnits::new(&private)));
            let record = record.ok_or("its CodecPrivate has no parameter sets")?;
            convert = Convert::Nal { declared: hevc_record(&private).map(|record| length_size(&record, 21)) };
            reorders = true;
            (b"hvc1", Config::Raw(b"hvcC", four_byte_lengths(&record, 21)))
        }
        Codec::AV1 => {
            // Marker and version 1, and the four bytes before the configuration OBUs.
            if private.first() != Some(&0x81) || private.len() < 4 {
                return Err("its CodecPrivate is no AV1CodecConfigurationRecord");
            }
            (b"av01", Config::Raw(b"av1C", private))
        }
        Codec::VP8 => (b"vp08", Config::Vpx),
        Codec::VP9 => (b"vp09", Config::Vpx),
        Codec::MJPEG => (b"mp4v", Config::Esds { object: 0x6c, stream: 4, specific: Bytes::new() }),
        _ => return Err("its codec has no form in MP4"),
    };
    let video = entry.video.as_ref().ok_or("its size is not known")?;
    let size = |pixels: u64| u16::try_from(pixels).map_err(|_| "its pictures are too large");
    let (width, height) = (size(video.pixel_width)?, size(video.pixel_height)?);
    let aspect = sample_aspect(video);
    let visual = Visual { data_reference_index: 1, width, height, ..Visual::default() };
    let bytes = boxed(code, |buf| {
        visual.encode(buf)?;
        config.encode(entry, buf)?;
        colour(video).encode(buf)?;
        aspect.map(|(h_spacing, v_spacing)| Pasp { h_spacing, v_spacing }).encode(buf)
    })?;
    let (across, down) = aspect.unwrap_or((1, 1));
    let shown = u64::from(width) * u64::from(across) / u64::from(down.max(1));
    let kind = Kind::Video {
        width: u16::try_from(shown).unwrap_or(u16::MAX),
        height,
        turns: clockwise_turns(video.pose_roll),
    };
    Ok(SampleEntry { bytes, kind, convert, reorders })
}

fn audio(entry: &TrackEntry, private: &Bytes) -> Result<SampleEntry, Refused> {
    let declared = entry.audio.as_ref();
    let mut channels = declared.map_or(1, |audio| audio.channels);
    let mut rate = declared.map_or(0.0, |audio| audio.sampling_frequency);
    let mut sample_size = 16;
    let id = entry.codec_id.trim_end_matches(['\0', ' ']);
    let esds = |object, specific| Config::Esds { object, stream: 5, specific };
    let (code, config): (&[u8; 4], Config) = match id {
        "A_AAC" if private.len() >= 2 => (b"mp4a", esds(0x40, private.clone())),
        "A_AAC" => return Err("its CodecPrivate is no AudioSpecificConfig"),
        _ if id.starts_with("A_AAC/") => {
            let config = if private.len() >= 2 { private.clone() } else { aac_config(rate, channels)? };
            (b"mp4a", esds(0x40, config))
        }
        "A_MPEG/L3" | "A_MPEG/L2" | "A_MPEG/L1" => (b"mp4a", esds(0x6b, Bytes::new())),
        "A_OPUS" => {
            rate = 48_000.0;
            (b"Opus", Config::Raw(b"dOps", opus_config(private).ok_or("its CodecPrivate is no OpusHead")?))
        }
        "A_PCM/INT/LIT" | "A_PCM/INT/BIG" => {
            let bits = declared.and_then(|audio| audio.bit_depth).and_then(|bits| u8::try_from(bits).ok());
            let bits = bits.filter(|bits| matches!(bits, 16 | 24 | 32)).ok_or("only 16, 24 and 32 bits have a form")?;
            sample_size = u16::from(bits);
            (b"ipcm", Config::Pcm { little: id.ends_with("LIT"), bits })
        }
        "A_MS/ACM" => {
            // WAVEFORMATEX: format, channels, samples a second, little endian.
            let format = private.first_chunk::<8>().ok_or("its CodecPrivate is no WAVEFORMATEX")?;
            let [tag_low, tag_high, channels_low, channels_high, rate_bytes @ ..] = *format;
            channels = u64::from(u16::from_le_bytes([channels_low, channels_high]));
            rate = f64::from(u32::from_le_bytes(rate_bytes));
            match u16::from_le_bytes([tag_low, tag_high]) {
                6 => (b"alaw", Config::None),
                7 => (b"ulaw", Config::None),
                1 => {
                    sample_size = 16;
                    (b"ipcm", Config::Pcm { little: true, bits: 16 })
                }
                _ => return Err("its format has no form in MP4"),
            }
        }
        _ => return Err("its codec has no form in MP4"),
    };
    let audio = Audio {
        data_reference_index: 1,
        channel_count: u16::try_from(channels).unwrap_or(u16::MAX),
        sample_size,
        // 16 bits hold the usual rates; for a higher one the codec's own configuration counts. A cast saturates.
        sample_rate: (if rate > 65_535.0 { 0 } else { rate.round() as u16 }).into(),
    };
    let bytes = boxed(code, |buf| {
        audio.encode(buf)?;
        config.encode(entry, buf)
    })?;
    Ok(SampleEntry { bytes, kind: Kind::Audio, convert: Convert::AsIs, reorders: false })
}

/// The box with the decoder's configuration.
enum Config {
    None,
    Raw(&'static [u8; 4], Bytes),
    Vpx,
    Esds { object: u8, stream: u8, specific: Bytes },
    Pcm { little: bool, bits: u8 },
}

impl Config {
    fn encode(&self, entry: &TrackEntry, buf: &mut Vec<u8>) -> AtomResult<()> {
        match self {
            Config::None => Ok(()),
            Config::Raw(code, bytes) => buf.encode_atom(**code, |buf| {
                buf.append_slice(bytes);
                Ok(())
            }),
            Config::Vpx => vpx::record(entry).encode(buf),
            Config::Esds { object, stream, specific } => {
                let dec_specific = (!specific.is_empty())
                    .then(|| DecoderSpecific { raw: specific.to_vec(), ..DecoderSpecific::default() });
                let dec_config = DecoderConfig {
                    object_type_indication: *object,
                    stream_type: *stream,
                    dec_specific,
                    ..DecoderConfig::default()
                };
                Esds { es_desc: EsDescriptor { dec_config, ..EsDescriptor::default() } }.encode(buf)
            }
            // ISO/IEC 23003-5: a full box of version 0 with the endianness and the size of a sample.
            Config::Pcm { little, bits } => buf.encode_atom(*b"pcmC", |buf| {
                buf.append_slice(&[0, 0, 0, 0, u8::from(*little), *bits]);
                Ok(())
            }),
        }
    }
}

fn boxed(code: &[u8; 4], body: impl FnOnce(&mut Vec<u8>) -> AtomResult<()>) -> Result<Bytes, Refused> {
    let mut buf = Vec::new();
    buf.encode_atom(*code, body).map_err(|_| "its description does not fit a sample entry")?;
    Ok(buf.into())
}

/// `private` where it is an `avcC` record with parameter sets.
fn avc_record(private: &Bytes) -> Option<Bytes> {
    let config = AvcConfig::parse(private).ok()?;
    (!config.cut && !config.sps.is_empty() && !config.pps.is_empty()).then(|| private.clone())
}

/// `private` where it is an `hvcC` record with parameter sets. Early muxers called its version 0.
fn hevc_record(private: &Bytes) -> Option<Bytes> {
    let config = HevcConfig::parse(private).ok().filter(|config| !config.cut)?;
    let has = |kind| config.arrays.iter().any(|array| array.kind == kind && !array.units.is_empty());
    let complete = has(NalType::SPS) && has(NalType::PPS);
    complete.then(|| if private.first() == Some(&1) { private.clone() } else { config.to_bytes() })
}

fn hevc_record_of_sets(units: &mut dyn Iterator<Item = &[u8]>) -> Option<Bytes> {
    let mut sets: Vec<Bytes> = Vec::new();
    for unit in units {
        let is_set = NalType(unit.first()? >> 1 & 0x3f).is_parameter_set();
        if is_set && !sets.iter().any(|known| known == unit) {
            sets.push(Bytes::copy_from_slice(unit));
        }
    }
    let record = HevcConfig::new(sets).ok()?;
    record.arrays.iter().any(|array| array.kind == NalType::PPS).then(|| record.to_bytes())
}

fn avc_record_of_sets(units: &mut dyn Iterator<Item = &[u8]>) -> Option<Bytes> {
    let (mut sps, mut pps) = (Vec::new(), Vec::new());
    for unit in units {
        let sets = match unit.first()? & 0x1f {
            7 => &mut sps,
            8 => &mut pps,
            _ => continue,
        };
        let unit = Bytes::copy_from_slice(unit);
        if !sets.contains(&unit) {
            sets.push(unit);
        }
    }
    let record = AvcConfig::new(sps, pps).ok().filter(|record| !record.pps.is_empty())?;
    Some(record.to_bytes())
}

/// Bytes of a NAL unit's length, as the record says in the lowest bits of byte `at`.
fn length_size(record: &[u8], at: usize) -> u8 {
    record.get(at).map_or(4, |byte| (byte & 3) + 1)
}

fn four_byte_lengths(record: &Bytes, at: usize) -> Bytes {
    if length_size(record, at) == 4 {
        return record.clone();
    }
    let mut record = record.to_vec();
    if let Some(byte) = record.get_mut(at) {
        *byte |= 3;
    }
    record.into()
}

/// An AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) for AAC LC, where a track has none.
fn aac_config(rate: f64, channels: u64) -> Result<Bytes, Refused> {
    const RATES: [u32; 13] =
        [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
    let place =
        RATES.iter().position(|known| f64::from(*known) == rate).ok_or("its sampling rate is not one of AAC")?;
    let channels = u16::try_from(channels).ok().filter(|channels| (1..=7).contains(channels));
    let channels = channels.ok_or("its number of channels is not one of AAC")?;
    // Five bits of object type (2: LC), four of rate, four of channels, three flags.
    let config = 2 << 11 | (place as u16) << 7 | channels << 3;
    Ok(Bytes::copy_from_slice(&config.to_be_bytes()))
}

/// `dOps` (Encapsulation of Opus in ISO Base Media File Format §4.3.2) has the fields of OpusHead (RFC 7845 §5.1), in
/// big endian and with version 0.
fn opus_config(head: &[u8]) -> Option<Bytes> {
    let rest = head.strip_prefix(b"OpusHead")?;
    let ([_version, channels, skip0, skip1, r0, r1, r2, r3, gain0, gain1, family], map) =
        rest.split_first_chunk::<11>()?;
    let mut out = vec![0, *channels, *skip1, *skip0, *r3, *r2, *r1, *r0, *gain1, *gain0, *family];
    if *family != 0 {
        out.extend_from_slice(map.get(..usize::from(*channels).checked_add(2)?)?);
    }
    Some(out.into())
}

/// Width to height of a sample, where DisplayWidth and DisplayHeight say that it is no square.
fn sample_aspect(video: &Video) -> Option<(u32, u32)> {
    if !matches!(video.display_unit, 0 | 3) {
        return None;
    }
    let across = video.display_width?.checked_mul(video.pixel_height)?;
    let down = video.display_height?.checked_mul(video.pixel_width)?;
    let divisor = greatest_common_divisor(across, down);
    let across = u32::try_from(across.checked_div(divisor)?).ok()?;
    let down = u32::try_from(down.checked_div(divisor)?).ok()?;
    (across > 0 && down > 0 && across != down).then_some((across, down))
}

pub(crate) fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn colour(video: &Video) -> Option<Colr> {
    let colour = video.colour?;
    // Nothing is said where nothing is known.
    colour.primaries.or(colour.transfer_characteristics).or(colour.matrix_coefficients).or(colour.range)?;
    let code = |value: Option<u64>| value.and_then(|value| u16::try_from(value).ok()).unwrap_or(2);
    Some(Colr::Nclx {
        colour_primaries: code(colour.primaries),
        transfer_characteristics: code(colour.transfer_characteristics),
        matrix_coefficients: code(colour.matrix_coefficients),
        full_range_flag: colour.range == Some(2),
    })
}

/// Clockwise quarter turns of a picture whose roll is told counter-clockwise in degrees; none for other angles.
fn clockwise_turns(roll: f64) -> u8 {
    match (-roll).rem_euclid(360.0) {
        90.0 => 1,
        180.0 => 2,
        270.0 => 3,
        _ => 0,
    }
}
