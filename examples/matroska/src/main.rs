//! Lists the key frames of a Matroska file: track, time, size.
//!
//! `keyframe-times FILE`, or without a file a capture from the test data.

use bytes::Bytes;
use kineframe_matroska::{DemuxOptions, Demuxer, Event, Recover, TimestampScale};
use std::error::Error;
use std::fs::File;
use std::io::Read;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/generated/h264-high-bframes-aac.mkv").to_owned()
    });
    let mut file = File::open(path)?;
    let mut demuxer = Demuxer::new(DemuxOptions::default().recover(Recover::Resync));
    let mut scale = TimestampScale::default();
    let mut keyframes = 0;
    let mut over = false;
    while !over {
        let mut piece = vec![0; 64 << 10];
        let read = file.read(&mut piece)?;
        piece.truncate(read);
        over = read == 0;
        if over {
            demuxer.finish();
        } else {
            demuxer.push(Bytes::from(piece));
        }
        while let Some(event) = demuxer.next_event()? {
            match event {
                Event::Info(info) => scale = info.timestamp_scale,
                Event::Block(block) if block.keyframe => {
                    let nanoseconds = block.timestamp.map(|ticks| ticks.to_nanos(scale) as f64);
                    let seconds = nanoseconds.map_or("?".to_owned(), |time| format!("{:.3}", time / 1e9));
                    let bytes: u64 = block.frames.iter().map(|frame| frame.stored_len).sum();
                    println!("track {}  {seconds} s  {bytes} bytes", block.track_number);
                    keyframes += 1;
                }
                Event::Damage { offset, length, error } => println!("{length} bytes lost at {offset}: {error}"),
                _ => {}
            }
        }
    }
    println!("{keyframes} key frames");
    if keyframes == 0 { Err("no key frame".into()) } else { Ok(()) }
}
