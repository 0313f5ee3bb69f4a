//! VP8: the frame header (RFC 6386 §9 and §19.2), and whether what follows it is whole.

mod bool_decoder;
mod coefficient_tables;
mod data;
mod header;
mod modes;
mod motion;
mod tables;
mod tokens;

use kineframe_codec::Size;

use crate::Error;
use crate::frames::CodedFrame;
pub use data::{DataCheck, DataError};
pub use header::Header;
use header::{ALTREF, GOLDEN, LAST};

/// Follows a track. By default nothing is known of it.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    size: Option<Size>,
    generation: u64,
    data: Box<DataCheck>,
}

impl Stream {
    /// The frame of a packet.
    ///
    /// # Errors
    /// A header that cannot be read, or partitions that do not fit into the packet.
    pub fn packet(&mut self, packet: &[u8]) -> Result<Vec<CodedFrame>, Error> {
        let header = Header::parse(packet).inspect_err(|_| self.data.lose())?;
        let clean = header.key_frame_size.is_some();
        if clean && self.size != header.key_frame_size {
            self.size = header.key_frame_size;
            self.generation += 1;
        }
        let uses = if clean { 0 } else { LAST | GOLDEN | ALTREF };
        let Header { shown, refreshes, state, .. } = header;
        Ok(vec![CodedFrame { shown, clean, size: self.size, uses, refreshes, state, shows: None }])
    }

    /// Reads all of a packet. Each packet of a track goes through it, in order and after [`packet`](Self::packet).
    ///
    /// # Errors
    /// Data that no encoder makes, and frames that begin with what damaged ones left. See [`DataCheck`].
    pub fn check_data(&mut self, packet: &[u8]) -> Result<(), DataError> {
        self.data.check(packet)
    }

    /// The size of the last key frame.
    pub fn size(&self) -> Option<Size> {
        self.size
    }

    /// Goes up when a key frame has another size.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

#[cfg(test)]
mod tests;
