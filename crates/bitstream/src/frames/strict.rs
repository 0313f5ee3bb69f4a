//! A decoder that refuses packets which break a rule, with one beside it that shows them all the same.
//!
//! Some decoders tell damage inside of a frame only where they are asked to hold it against all rules, and then give
//! nothing of it, nor of the frames that refer to it. A viewer wants the picture, marked. So packets since the last key
//! frame are kept; with the first that is refused a second decoder, which is not as strict, takes them in once more and
//! goes along to the next key frame. What the strict one refuses is shown as the other has it, and marked.
//!
//! Sound streams are decoded once. A stream that breaks a rule all along is decoded twice, plus its frames from a key
//! frame to the first refused one: three times at most.

use bytes::Bytes;
use kineframe_codec::DecodeOptions;

use super::backend::{Decoded, Engine, EngineError};
use crate::av1;

/// How many packets since a key frame are kept: 20 seconds, the longest fragment of Kinesis Video, at 60 a second.
const MAX_PACKETS: usize = 1_200;

/// How many bytes of packets since a key frame are kept.
const MAX_BYTES: usize = 32 << 20;

/// The packets since a key frame.
#[derive(Debug, Default)]
struct Kept {
    packets: Vec<Bytes>,
    bytes: usize,
}

impl Kept {
    fn push(mut self, packet: &Bytes) -> Option<Self> {
        self.bytes = self.bytes.saturating_add(packet.len());
        self.packets.push(packet.clone());
        (self.packets.len() <= MAX_PACKETS && self.bytes <= MAX_BYTES).then_some(self)
    }
}

/// Two decoders of AV1 as one [`Engine`]. With [`check_slices`](DecodeOptions::check_slices) off it is one decoder.
///
/// The decoder that `make` opens is to be strict where its options have `check_slices` on.
#[derive(Debug)]
pub struct Strict<E> {
    make: fn(&DecodeOptions) -> Result<E, EngineError>,
    options: DecodeOptions,
    strict: E,
    /// The strict one has refused a packet since it was opened.
    refused: bool,
    /// From a refused packet to the next key frame.
    lenient: Option<E>,
    stream: av1::Stream,
    /// `None` before the first key frame, after more than is kept, and where nothing is checked.
    kept: Option<Kept>,
}

impl<E: Engine> Strict<E> {
    /// Opens the strict decoder.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn open(
        options: &DecodeOptions,
        make: fn(&DecodeOptions) -> Result<E, EngineError>,
    ) -> Result<Self, EngineError> {
        Ok(Strict {
            make,
            options: options.clone(),
            strict: make(options)?,
            refused: false,
            lenient: None,
            stream: av1::Stream::default(),
            kept: None,
        })
    }

    /// A decoder that knows the sequence header in force.
    fn another(&self, check_slices: bool) -> Result<E, EngineError> {
        let mut engine = (self.make)(&DecodeOptions { check_slices, ..self.options.clone() })?;
        let sequence = self.stream.sequence_unit();
        if !sequence.is_empty() {
            engine.parameter_set(sequence)?;
        }
        Ok(engine)
    }

    /// Begins anew with a key frame.
    fn begin(&mut self) -> Result<(), EngineError> {
        self.lenient = None;
        self.kept = Some(Kept::default());
        if std::mem::take(&mut self.refused) {
            self.strict = self.another(true)?;
        }
        Ok(())
    }

    /// What the second decoder makes of a packet. It is opened with the first that is `refused`.
    fn all_the_same(&mut self, packet: &Bytes, refused: bool) -> Result<Vec<Decoded>, EngineError> {
        let mut shown = Vec::new();
        if self.lenient.is_none()
            && refused
            && let Some(kept) = self.kept.take()
        {
            let mut lenient = self.another(false)?;
            for earlier in kept.packets.iter().rev().skip(1).rev() {
                // A packet that it cannot decode either was told when it came.
                let _ = lenient.packet(earlier, &mut shown);
                shown.clear();
            }
            self.lenient = Some(lenient);
        }
        if let Some(lenient) = &mut self.lenient {
            lenient.packet(packet, &mut shown)?;
        }
        Ok(shown)
    }
}

impl<E: Engine> Engine for Strict<E> {
    fn parameter_set(&mut self, unit: &Bytes) -> Result<(), EngineError> {
        // One that cannot be read is the decoder's to refuse.
        let _ = self.stream.insert(unit);
        self.strict.parameter_set(unit)
    }

    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        if !self.options.check_slices {
            return self.strict.packet(packet, shown);
        }
        let frames = self.stream.packet(packet).unwrap_or_default();
        if frames.first().is_some_and(|frame| frame.clean) {
            self.begin()?;
        }
        self.kept = self.kept.take().and_then(|kept| kept.push(packet));
        let before = shown.len();
        let found = self.strict.packet(packet, shown);
        let nothing = shown.len() == before && frames.iter().any(|frame| frame.shown);
        let refused = nothing || matches!(found, Err(EngineError::Damaged(_)));
        self.refused |= refused;
        let second = self.all_the_same(packet, refused);
        if refused
            && let Ok(second) = second
            && !second.is_empty()
        {
            shown.truncate(before);
            shown.extend(second.into_iter().map(|decoded| Decoded { damaged: true, ..decoded }));
            return Ok(());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many packets of this size are kept before they are too many.
    fn kept(size: usize) -> usize {
        let packet = Bytes::from(vec![0; size]);
        let mut kept = Some(Kept::default());
        (0..=MAX_PACKETS)
            .take_while(|_| {
                kept = kept.take().and_then(|kept| kept.push(&packet));
                kept.is_some()
            })
            .count()
    }

    #[test]
    fn what_is_kept_is_bounded_in_packets_and_in_bytes() {
        assert_eq!(kept(10), MAX_PACKETS);
        assert_eq!(kept(1 << 20), MAX_BYTES >> 20);
        assert_eq!(kept(MAX_BYTES + 1), 0);
    }
}
