//! Writes each EBML Document of a stream as a Matroska file of its own: `remux INPUT OUTPUT-PREFIX`.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use bytes::Bytes;
use kineframe_matroska::{Block, DemuxOptions, Demuxer, Event, MuxFrame, MuxOptions, Muxer, Recover, SegmentTicks};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(input), Some(prefix)) = (args.next(), args.next()) else {
        return Err("usage: remux INPUT OUTPUT-PREFIX".into());
    };
    let mut input = File::open(input)?;
    let mut demuxer = Demuxer::new(DemuxOptions::default().recover(Recover::Resync));
    let mut part = Part::default();
    let mut count = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = input.read(&mut buffer)?;
        match read {
            0 => demuxer.finish(),
            _ => demuxer.push(Bytes::copy_from_slice(&buffer[..read])),
        }
        while let Some(event) = demuxer.next_event()? {
            match event {
                Event::Info(info) => part.options.timestamp_scale = info.timestamp_scale,
                Event::Tracks(tracks) if part.muxer.is_none() && !tracks.entries.is_empty() => {
                    let file = File::create(format!("{prefix}{count:03}.mkv"))?;
                    part.muxer = Some((Muxer::new(part.options.clone(), &tracks.entries)?, file));
                    count += 1;
                }
                Event::Tags(tags) => {
                    if let Some((muxer, _)) = &mut part.muxer {
                        muxer.tags(&tags.tags)?;
                    }
                }
                Event::Block(block) => part.block(block)?,
                Event::Damage { offset, length, error } => eprintln!("{length} bytes lost at {offset}: {error}"),
                Event::SegmentEnd { .. } => std::mem::take(&mut part).finish()?,
                _ => {}
            }
        }
        if demuxer.is_done() {
            return Ok(());
        }
    }
}

/// The file that is being written.
#[derive(Default)]
struct Part {
    options: MuxOptions,
    muxer: Option<(Muxer, File)>,
    first: Option<i64>,
}

impl Part {
    fn block(&mut self, block: Block) -> Result<(), Box<dyn Error>> {
        let (Some((muxer, file)), Some(at)) = (&mut self.muxer, block.timestamp) else { return Ok(()) };
        let first = *self.first.get_or_insert(at.0);
        for frame in block.frames {
            let time = SegmentTicks((at.0 - first).max(0));
            muxer.frame(MuxFrame::new(block.track_number, time, block.keyframe, frame.data?))?;
        }
        for chunk in muxer.take_chunks() {
            file.write_all(&chunk)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Box<dyn Error>> {
        let Some((mut muxer, mut file)) = self.muxer else { return Ok(()) };
        let chunks = muxer.take_chunks();
        let end = muxer.finish()?;
        for chunk in chunks.iter().chain(&end.chunks) {
            file.write_all(chunk)?;
        }
        for patch in end.patches {
            file.seek(SeekFrom::Start(patch.offset))?;
            file.write_all(&patch.bytes)?;
        }
        Ok(())
    }
}
