//! What a track holds, told from CodecID, CodecPrivate, Audio and Name.

use kineframe_matroska::TrackEntry;

use crate::aac::AacConfig;
use crate::wave_format::{TAG_A_LAW, TAG_FLOAT, TAG_MU_LAW, TAG_PCM, TAG_RAW_AAC, WaveFormat};
use crate::{FormatError, Law};

/// The names of Amazon Connect's two tracks: what the customer says, and what the customer hears.
pub const CONNECT_TRACKS: [&str; 2] = ["AUDIO_FROM_CUSTOMER", "AUDIO_TO_CUSTOMER"];
/// `SamplingFrequency` where none is said (RFC 9559 §5.1.4.1.29.1); that of Amazon Connect too.
const DEFAULT_RATE: u32 = 8_000;

/// How samples are stored in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coding {
    /// Integers, the bytes of a sample in WAV's order: little endian, 8 bits without a sign, more with one.
    Integer,
    /// Integers with a sign, big endian.
    IntegerBigEndian,
    /// Bytes with a sign.
    SignedBytes,
    /// IEEE 754, little endian.
    Float,
    /// IEEE 754, big endian.
    FloatBigEndian,
    /// G.711: a byte each, decoded to 16 bits.
    G711(Law),
}

/// Linear samples, as they are written to WAV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcmFormat {
    /// How they are stored in the stream.
    pub coding: Coding,
    /// Samples a second; not 0.
    pub rate: u32,
    /// Channels; not 0.
    pub channels: u16,
    /// Bits of a sample in the file: 8, 16, 24, 32, or 64 for floats.
    pub bits: u16,
}

impl PcmFormat {
    /// Bytes of a sample of every channel, in the file.
    pub fn block_align(&self) -> usize {
        usize::from(self.channels) * usize::from(self.bits / 8)
    }

    /// Bytes of a sample of every channel, in the stream.
    pub fn stored_align(&self) -> usize {
        match self.coding {
            Coding::G711(_) => usize::from(self.channels),
            _ => self.block_align(),
        }
    }

    fn new(coding: Coding, rate: u32, channels: u64, bits: u64) -> Result<Self, FormatError> {
        let what = match coding {
            Coding::Float | Coding::FloatBigEndian => " as floating point",
            Coding::IntegerBigEndian if bits == 8 => ", big endian (with a sign or without, nobody says)",
            _ => "",
        };
        let known = match coding {
            Coding::Integer => matches!(bits, 8 | 16 | 24 | 32),
            Coding::IntegerBigEndian => matches!(bits, 16 | 24 | 32),
            Coding::SignedBytes => bits == 8,
            Coding::Float | Coding::FloatBigEndian => matches!(bits, 32 | 64),
            Coding::G711(_) => bits == 16,
        };
        if !known {
            return Err(FormatError::BitDepth { bits, what });
        }
        // WAV counts the bytes of a sample of all channels in 16 bits.
        let fits = channels.checked_mul(bits / 8).is_some_and(|align| (1..=u64::from(u16::MAX)).contains(&align));
        match u16::try_from(channels) {
            Ok(count) if fits => Ok(PcmFormat { coding, rate, channels: count, bits: bits as u16 }),
            _ => Err(FormatError::Channels { channels }),
        }
    }
}

/// What a track holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Samples: a WAV file.
    Pcm(PcmFormat),
    /// AAC: a file of ADTS frames. `None` where only the frames themselves can tell what it is.
    Aac(Option<AacConfig>),
}

impl Format {
    /// What a track says that it holds.
    ///
    /// Amazon Connect's tracks say `A_AAC` and hold 16-bit samples: a track of one of [`CONNECT_TRACKS`] is taken for
    /// AAC only where its Audio element and its AudioSpecificConfig agree on rate and channels.
    ///
    /// # Errors
    /// Codecs that are not written; parameters that are missing or make no sense.
    pub fn of(track: &TrackEntry) -> Result<Self, FormatError> {
        let private = track.codec_private.as_deref();
        let codec_id = track.codec_id.as_str();
        let (rate, channels, bits) = match &track.audio {
            Some(audio) => (hertz(audio.sampling_frequency)?, audio.channels, audio.bit_depth),
            None => (DEFAULT_RATE, 1, None),
        };
        // Without BitDepth, which is wanted for PCM (RFC 9559 §5.1.4.1.29.4), players take 16 and 32.
        let pcm = |coding, default| PcmFormat::new(coding, rate, channels, bits.unwrap_or(default)).map(Format::Pcm);
        match codec_id {
            "A_PCM/INT/LIT" => pcm(Coding::Integer, 16),
            "A_PCM/INT/BIG" => pcm(Coding::IntegerBigEndian, 16),
            "A_PCM/FLOAT/IEEE" => pcm(Coding::Float, 32),
            "A_MS/ACM" => acm(private.unwrap_or_default()),
            "A_QUICKTIME" => match private.and_then(quicktime) {
                Some((coding, bits)) => PcmFormat::new(coding, rate, channels, bits).map(Format::Pcm),
                None => {
                    let kind = private.and_then(|entry| entry.get(4..8)).unwrap_or_default();
                    let codec_id = format!("A_QUICKTIME '{}'", String::from_utf8_lossy(kind).trim());
                    Err(FormatError::Codec { codec_id })
                }
            },
            _ if codec_id == "A_AAC" || codec_id.starts_with("A_AAC/") => {
                let config = private.filter(|private| !private.is_empty()).map(AacConfig::parse);
                if track.name.as_deref().is_some_and(|name| CONNECT_TRACKS.contains(&name)) {
                    let said = track.audio.as_ref().map(|_| (rate, channels));
                    let meant = config.as_ref().and_then(|config| config.as_ref().ok());
                    if said.is_none() || said != meant.map(|config| (config.rate(), u64::from(config.channels()))) {
                        return PcmFormat::new(Coding::Integer, rate, channels, 16).map(Format::Pcm);
                    }
                }
                match (config, profile(codec_id)) {
                    (Some(config), _) => config.map(|config| Format::Aac(Some(config))),
                    (None, Some(object)) if track.audio.is_some() => {
                        AacConfig::of_profile(object, rate, channels).map(|config| Format::Aac(Some(config)))
                    }
                    _ => Ok(Format::Aac(None)),
                }
            }
            _ => Err(FormatError::Codec { codec_id: codec_id.chars().take(64).collect() }),
        }
    }

    /// The ending of its file.
    pub fn extension(&self) -> &'static str {
        match self {
            Format::Pcm(_) => "wav",
            Format::Aac(_) => "aac",
        }
    }
}

/// The audio object type that an old CodecID names (`A_AAC/MPEG4/LC`); that of the core below SBR.
fn profile(codec_id: &str) -> Option<u8> {
    let (_, profile) = codec_id.strip_prefix("A_AAC/")?.split_once('/')?;
    Some(match profile {
        "MAIN" => 1,
        "LC" | "LC/SBR" => 2,
        "SSR" => 3,
        "LTP" => 4,
        _ => return None,
    })
}

fn hertz(rate: f64) -> Result<u32, FormatError> {
    let rounded = rate.round();
    if (1.0..=f64::from(u32::MAX)).contains(&rounded) {
        // In range, and whole.
        return Ok(rounded as u32);
    }
    Err(FormatError::Rate { rate: rate.to_string() })
}

/// Samples for which Matroska has no name of its own, as a QuickTime sample entry describes them: its size, its name, and
/// from there on the sound description.
fn quicktime(entry: &[u8]) -> Option<(Coding, u64)> {
    let number = |at: usize| entry.get(at..)?.first_chunk::<2>().map(|bytes| u16::from_be_bytes(*bytes));
    match (entry.get(4..8)?, number(26)?) {
        (b"sowt" | b"twos", 8) => Some((Coding::SignedBytes, 8)),
        // With the sign in front: the others are called by Matroska's name.
        (b"fl32", _) => Some((Coding::FloatBigEndian, 32)),
        (b"fl64", _) => Some((Coding::FloatBigEndian, 64)),
        _ => None,
    }
}

fn acm(private: &[u8]) -> Result<Format, FormatError> {
    let format = WaveFormat::parse(private)?;
    if format.rate == 0 {
        return Err(FormatError::Rate { rate: "0".to_owned() });
    }
    let pcm =
        |coding, bits: u16| PcmFormat::new(coding, format.rate, format.channels.into(), bits.into()).map(Format::Pcm);
    match format.tag {
        TAG_PCM => pcm(Coding::Integer, format.bits),
        TAG_FLOAT => pcm(Coding::Float, format.bits),
        TAG_A_LAW => pcm(Coding::G711(Law::A), 16),
        TAG_MU_LAW => pcm(Coding::G711(Law::Mu), 16),
        TAG_RAW_AAC => AacConfig::parse(format.extra).map(|config| Format::Aac(Some(config))),
        tag => Err(FormatError::WaveFormatTag { tag }),
    }
}

#[cfg(test)]
mod tests;
