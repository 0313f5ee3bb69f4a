//! What a decoder may be asked to do at most.

use crate::{DecodeError, DecodeErrorKind, Recovery, Size};

/// Bounds that are checked before anything is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest side of a picture in samples. Default 16,384.
    pub side: u32,
    /// Most luma samples in a picture. Default 8192 × 4320.
    pub samples: u64,
    /// Most bytes of one packet. Default 64 MiB.
    pub packet_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { side: 16_384, samples: 8192 * 4320, packet_bytes: 64 << 20 }
    }
}

impl Limits {
    /// Refuses a coded size beyond the limits, as an error of the back end named `factory`.
    pub fn check_size(&self, factory: &str, size: Size) -> Result<(), DecodeError> {
        let samples = u64::from(size.width) * u64::from(size.height);
        if size.width > self.side || size.height > self.side || samples > self.samples {
            let what = format!(
                "a picture of {}×{} is beyond the limits ({} a side, {} samples in all)",
                size.width, size.height, self.side, self.samples
            );
            return Err(DecodeError::new(factory, DecodeErrorKind::Limit(what), Recovery::Reopen));
        }
        Ok(())
    }

    /// Refuses a packet of more bytes than the limits allow, as an error of the back end named `factory`.
    pub fn check_packet(&self, factory: &str, bytes: usize) -> Result<(), DecodeError> {
        if bytes > self.packet_bytes {
            let what = format!("a packet of {bytes} bytes is beyond the limit of {}", self.packet_bytes);
            return Err(DecodeError::new(factory, DecodeErrorKind::Limit(what), Recovery::NextRandomAccess));
        }
        Ok(())
    }
}
