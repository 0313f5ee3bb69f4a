//! Fuzz bodies: the invariants that hold for any input. The targets in `fuzz/` are one line each.

use std::collections::HashMap;
use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use kineframe_fragment::{Options, Splitter};
use kineframe_matroska::{Audio, TrackEntry, TrackType};

use crate::{AacConfig, Format, Output, RecordOptions, Recorder, WaveFormat, wav_header};

/// Reads `data` as each kind of CodecPrivate; what is accepted can be written.
pub fn codec_private(data: &[u8]) {
    if let Ok(format) = WaveFormat::parse(data) {
        assert!(format.extra.len() <= data.len());
    }
    if let Ok(config) = AacConfig::parse(data) {
        assert!(config.rate() > 0 && config.channels() > 0);
        if let Some(frame) = config.silent_frame() {
            assert!(frame.len() < 64);
        }
    }
    let ids = ["A_AAC", "A_AAC/MPEG4/LC", "A_MS/ACM", "A_PCM/INT/LIT", "A_PCM/INT/BIG", "A_PCM/FLOAT/IEEE"];
    let Some((first, private)) = data.split_first() else { return };
    let mut track = TrackEntry::new(1, TrackType::AUDIO, ids[usize::from(*first) % ids.len()]);
    if first & 0x40 != 0 {
        track.name = Some("AUDIO_TO_CUSTOMER".to_owned());
    }
    if let (0x80.., Some(eight)) = (*first, private.first_chunk::<8>()) {
        let [.., channels, bits] = *eight;
        let sampling_frequency = f64::from_be_bytes(*eight);
        track.audio = Some(Audio { sampling_frequency, channels: channels.into(), bit_depth: Some(bits.into()) });
    }
    track.codec_private = Some(Bytes::copy_from_slice(private));
    if let Ok(Format::Pcm(pcm)) = Format::of(&track) {
        assert!(pcm.rate > 0 && (1..=usize::from(u16::MAX)).contains(&pcm.block_align()));
        assert_eq!(wav_header(&pcm, None).len(), wav_header(&pcm, Some(data.len() as u64)).len());
    }
}

/// Records `data`, a body, with silence and without: each file is as long as is said, and both hold the same frames.
pub fn recorder(data: &[u8]) {
    let [filled, plain] = [true, false].map(|fill| {
        let options = RecordOptions { fill, longest_gap: Duration::from_secs(1) };
        let (mut recorder, mut splitter) = (Recorder::new(options), Splitter::new(Options::default()));
        splitter.push(Bytes::copy_from_slice(data));
        splitter.finish();
        while let Ok(Some(event)) = splitter.next_event() {
            recorder.push(&event);
        }
        recorder.finish();
        let (mut files, mut counted) = (HashMap::<u64, (u64, Cursor<Vec<u8>>)>::new(), Vec::new());
        while let Some(output) = recorder.next_output() {
            let Some(index) = output.recording() else { continue };
            let (len, file) = files.entry(index).or_default();
            match &output {
                Output::Data { data, .. } => *len += data.len() as u64,
                Output::Repeat { data, times, .. } => *len += data.len() as u64 * times,
                Output::End(end) => {
                    assert_eq!(*len, end.len);
                    assert!(end.samples >= end.silence && (fill || end.silence == 0));
                    counted.push((end.start.track, end.frames, end.samples - end.silence));
                }
                _ => {}
            }
            // No more than a few megabytes of silence for the fuzzer's sake.
            if *len < 4 << 20 {
                output.write_to(file).expect("memory takes everything");
            }
        }
        assert!(files.values().all(|(len, file)| *len >= 4 << 20 || *len == file.get_ref().len() as u64));
        counted
    });
    assert_eq!(filled, plain);
}
