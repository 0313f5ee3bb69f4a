//! A stored body as MP4 files.

use std::fs;
use std::path::{Path, PathBuf};

use kineframe::fragment::{Event, Options, Splitter};
use kineframe::mp4::{FragmentedWriter, Layout, WriteFrame, Writer};

use super::testdata;

/// A body with B pictures and sound.
pub const BODY: &str = "generated/h264-high-bframes-aac.mkv";

/// A body as MP4: with the description behind the media, before it, and fragmented.
pub fn made(folder: &Path) -> [PathBuf; 3] {
    let mut splitter = Splitter::new(Options::default());
    splitter.push(fs::read(testdata(BODY)).expect("it is there").into());
    splitter.finish();
    let (mut origin, mut start, mut tracks) = (None, 0, None);
    let mut fragments: Vec<Vec<WriteFrame>> = Vec::new();
    while let Some(event) = splitter.next_event().expect("not strict") {
        match event {
            Event::Started(head) => {
                let time = head.producer_timestamp.expect("told").0;
                start = i64::try_from(time - *origin.get_or_insert(time)).expect("within years");
                tracks = head.tracks.clone();
                fragments.push(Vec::new());
            }
            Event::Frame(frame) => {
                let frame = WriteFrame::of(&frame, start).expect("it has a time");
                fragments.last_mut().expect("it has started").push(frame);
            }
            _ => {}
        }
    }
    let entries = &tracks.expect("tracks").entries;
    let plain = |layout| {
        let mut writer = Writer::new(layout, entries).expect("tracks");
        fragments.iter().flatten().for_each(|frame| writer.frame(frame.clone()).expect("a frame"));
        let mut file = writer.take_chunks().concat();
        let end = writer.finish().expect("an end");
        file.extend(end.chunks.concat());
        for patch in end.patches {
            file[patch.offset as usize..][..patch.bytes.len()].copy_from_slice(&patch.bytes);
        }
        file
    };
    let mut writer = FragmentedWriter::new(entries).expect("tracks");
    let mut fragmented = writer.init_segment().expect("it fits").to_vec();
    fragments.iter().for_each(|frames| fragmented.extend(writer.media_segment(frames, None).expect("it fits")));
    let files = [("last", plain(Layout::MoovLast)), ("first", plain(Layout::MoovFirst)), ("fragmented", fragmented)];
    files.map(|(name, bytes)| {
        // The name says nothing: inputs are recognised by content.
        let path = folder.join(format!("{name}.bin"));
        fs::write(&path, bytes).expect("written");
        path
    })
}
