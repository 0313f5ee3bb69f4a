//! AAC: AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) to ADTS headers (ISO/IEC 13818-7 §6.2, 14496-3 §1.A.2.2), and
//! frames of silence.

mod pce;
mod silence;

use crate::FormatError;
use crate::bits::{BitReader, BitWriter};

/// `samplingFrequencyIndex` (ISO/IEC 14496-3 table 1.18).
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// Bytes of an ADTS header without a checksum.
pub const ADTS_HEADER: usize = 7;
/// Samples of a channel in one frame.
pub const FRAME_SAMPLES: u64 = 1024;
/// Longest ADTS frame with its header: its length has 13 bits.
const MAX_ADTS_FRAME: usize = (1 << 13) - 1;

/// What an ADTS header says of its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AacConfig {
    /// The audio object type: 1 Main, 2 LC, 3 SSR, 4 LTP; that of the core where SBR or PS lie on top.
    pub object_type: u8,
    /// `samplingFrequencyIndex`, 0 to 12; that of the core.
    rate_index: u8,
    /// `channelConfiguration`, 0 to 7; 0 where a program config element tells it.
    pub channel_configuration: u8,
    /// The program config element as the first element of a raw data block.
    program: Vec<u8>,
    /// Channels of the program config element.
    program_channels: u16,
}

impl AacConfig {
    /// Reads an AudioSpecificConfig.
    ///
    /// SBR and PS that it declares are left to the decoder to find in the frames, as ADTS has it.
    ///
    /// ```
    /// use kineframe_audio::AacConfig;
    ///
    /// let config = AacConfig::parse(&[0x11, 0x90])?;
    /// assert_eq!((config.object_type, config.rate(), config.channels()), (2, 48_000, 2));
    /// let header = config.adts_header(100).expect("short enough");
    /// assert_eq!(header, [0xff, 0xf1, 0x4c, 0x80, 0x0d, 0x7f, 0xfc]);
    /// # Ok::<(), kineframe_audio::FormatError>(())
    /// ```
    ///
    /// # Errors
    /// It is cut, or says what ADTS cannot: other object types, a rate that has no index, frames of 960 samples, more
    /// than seven channel configurations.
    pub fn parse(private: &[u8]) -> Result<Self, FormatError> {
        read(&mut BitReader::new(private)).unwrap_or(Err(FormatError::ConfigCut { len: private.len() }))
    }

    /// What old CodecIDs (`A_AAC/MPEG4/LC`) say, with the rate and the channels of the track.
    pub(crate) fn of_profile(object_type: u8, rate: u32, channels: u64) -> Result<Self, FormatError> {
        let configuration = match channels {
            1..=6 => channels as u8,
            8 => 7,
            _ => return Err(FormatError::Channels { channels }),
        };
        Self::new(object_type, rate, configuration)
    }

    fn new(object_type: u8, rate: u32, channel_configuration: u8) -> Result<Self, FormatError> {
        let unfit = |what: String| Err(FormatError::Adts { what });
        if !(1..=4).contains(&object_type) {
            return unfit(format!("audio object type {object_type}"));
        }
        let Some(rate_index) = RATES.iter().position(|known| *known == rate) else {
            return unfit(format!("{rate} samples a second"));
        };
        if channel_configuration > 7 {
            return unfit(format!("channel configuration {channel_configuration}"));
        }
        let rate_index = rate_index as u8;
        Ok(AacConfig { object_type, rate_index, channel_configuration, program: Vec::new(), program_channels: 0 })
    }

    /// Samples a second of the core.
    pub fn rate(&self) -> u32 {
        RATES.get(usize::from(self.rate_index)).copied().unwrap_or(RATES[3])
    }

    /// Channels.
    pub fn channels(&self) -> u16 {
        match self.channel_configuration {
            0 => self.program_channels,
            7 => 8,
            configuration => u16::from(configuration),
        }
    }

    /// What stands before a frame of `len` bytes: the header and, where the channels need one, a program config
    /// element. `None` where the frame is too long for ADTS, which ends at 8,191 bytes.
    pub fn adts_header(&self, len: usize) -> Option<Vec<u8>> {
        let whole = len.checked_add(ADTS_HEADER + self.program.len()).filter(|whole| *whole <= MAX_ADTS_FRAME)?;
        let mut bits = BitWriter::default();
        bits.put(12, 0xfff);
        // MPEG-4, layer 0, no checksum.
        bits.put(4, 0b0001);
        bits.put(2, u32::from(self.object_type - 1));
        bits.put(4, u32::from(self.rate_index));
        bits.put(1, 0);
        bits.put(3, u32::from(self.channel_configuration));
        // Original, home, copyright.
        bits.put(4, 0);
        bits.put(13, whole as u32);
        // Variable rate; one raw data block.
        bits.put(11, 0x7ff);
        bits.put(2, 0);
        let mut header = bits.finish();
        header.extend_from_slice(&self.program);
        Some(header)
    }

    /// A whole ADTS frame of silence; `None` where a program config element orders the channels.
    pub fn silent_frame(&self) -> Option<Vec<u8>> {
        let block = silence::block(self.channel_configuration)?;
        let mut frame = self.adts_header(block.len())?;
        frame.extend_from_slice(&block);
        Some(frame)
    }
}

fn read(bits: &mut BitReader<'_>) -> Option<Result<AacConfig, FormatError>> {
    let mut object_type = object_type(bits)?;
    let rate = match rate(bits)? {
        Ok(rate) => rate,
        Err(error) => return Some(Err(error)),
    };
    let channels = bits.take(4)? as u8;
    if matches!(object_type, 5 | 29) {
        // SBR, PS: their rate, and the core below.
        if let Err(error) = self::rate(bits)? {
            return Some(Err(error));
        }
        object_type = self::object_type(bits)?;
    }
    let mut config = match AacConfig::new(object_type, rate, channels) {
        Ok(config) => config,
        error => return Some(error),
    };
    // GASpecificConfig (§4.4.1).
    let unfit = |what: &str| Some(Err(FormatError::Adts { what: what.to_owned() }));
    if bits.flag()? {
        return unfit("frames of 960 samples");
    }
    if bits.flag()? {
        return unfit("a core coder below");
    }
    bits.flag()?;
    if channels == 0 {
        let element = pce::read(bits)?;
        (config.program, config.program_channels) = (element.block, element.channels);
        if config.program_channels == 0 {
            return unfit("no channels");
        }
    }
    Some(Ok(config))
}

fn object_type(bits: &mut BitReader<'_>) -> Option<u8> {
    Some(match bits.take(5)? as u8 {
        31 => 32 + bits.take(6)? as u8,
        known => known,
    })
}

fn rate(bits: &mut BitReader<'_>) -> Option<Result<u32, FormatError>> {
    let index = bits.take(4)?;
    Some(match RATES.get(index as usize) {
        Some(rate) => Ok(*rate),
        None if index == 15 => Ok(bits.take(24)?),
        None => Err(FormatError::Adts { what: format!("the reserved sampling frequency index {index}") }),
    })
}

/// What is found in a frame that is ADTS already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AdtsFrames {
    /// What its first header says.
    pub config: AacConfig,
    /// Raw data blocks in all.
    pub blocks: u64,
}

/// Whether `data` is nothing but whole ADTS frames.
///
/// A raw data block does not begin with the sync word: its first three bits would be the element that ends it.
pub(crate) fn adts_frames(data: &[u8]) -> Option<AdtsFrames> {
    let (mut rest, mut found) = (data, None::<AdtsFrames>);
    while !rest.is_empty() {
        let mut bits = BitReader::new(rest);
        if bits.take(12)? != 0xfff {
            return None;
        }
        let (_version, layer, no_checksum) = (bits.take(1)?, bits.take(2)?, bits.flag()?);
        let (profile, index) = (bits.take(2)? as u8, bits.take(4)?);
        let (_private, channels) = (bits.take(1)?, bits.take(3)? as u8);
        let (_copyright, len) = (bits.take(4)?, bits.take(13)? as usize);
        let (_fullness, more) = (bits.take(11)?, bits.take(2)?);
        let least = if no_checksum { ADTS_HEADER } else { ADTS_HEADER + 2 };
        if layer != 0 || len < least {
            return None;
        }
        rest = rest.get(len..)?;
        let blocks = u64::from(more) + 1;
        match &mut found {
            Some(found) => found.blocks += blocks,
            None => {
                let mut config = AacConfig::new(profile + 1, *RATES.get(index as usize)?, channels).ok()?;
                // The element that orders them stands in the frame.
                config.program_channels = u16::from(channels == 0);
                found = Some(AdtsFrames { config, blocks });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
