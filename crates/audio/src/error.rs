//! Why a track gives no sound.

/// Why a track cannot be written. Each says what the track says of itself and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Neither PCM nor G.711 nor AAC.
    #[error("{codec_id} is not written (PCM, G.711 and AAC are); `split` or `merge` keep it, for a player or ffmpeg")]
    Codec {
        /// `CodecID`.
        codec_id: String,
    },
    /// `A_MS/ACM` of a format that is neither PCM nor G.711 nor raw AAC.
    #[error("A_MS/ACM of format tag {tag:#06x} is not written (PCM, G.711 and AAC are); `split` or `merge` keep it")]
    WaveFormatTag {
        /// `wFormatTag`, or the first part of `SubFormat`.
        tag: u16,
    },
    /// CodecPrivate is no WAVEFORMATEX.
    #[error("CodecPrivate of {len} bytes is no WAVEFORMATEX, which has 16 at least; the producer has to send one")]
    WaveFormat {
        /// Its length in bytes.
        len: usize,
    },
    /// Samples of a width that WAV has no use for, or that cannot be told apart.
    #[error("PCM with {bits} bits a sample{what} is not written; `split` or `merge` keep it, for ffmpeg")]
    BitDepth {
        /// Bits of a sample.
        bits: u64,
        /// What kind of sample, in words, with a blank in front.
        what: &'static str,
    },
    /// No channels, or more than WAV can count.
    #[error("{channels} channels cannot be written to a WAV file; the track's Channels or WAVEFORMATEX is wrong")]
    Channels {
        /// Channels that the track declares.
        channels: u64,
    },
    /// A rate that is none, or that WAV cannot hold.
    #[error("{rate} samples a second cannot be written; the track's SamplingFrequency or WAVEFORMATEX is wrong")]
    Rate {
        /// Declared samples a second, as text, since it may be no number.
        rate: String,
    },
    /// AudioSpecificConfig ends early.
    #[error("CodecPrivate of {len} bytes ends inside AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1); send it whole")]
    ConfigCut {
        /// Its length in bytes.
        len: usize,
    },
    /// AAC of a kind for which ADTS has no words.
    #[error("AAC with {what} does not fit into ADTS (ISO/IEC 13818-7 §6.2); `split` or `merge` keep it in Matroska")]
    Adts {
        /// What does not fit.
        what: String,
    },
    /// AAC that says nothing of its rate and channels.
    #[error("AAC with neither AudioSpecificConfig in CodecPrivate nor ADTS headers: the producer has to send one")]
    NoConfig,
}
