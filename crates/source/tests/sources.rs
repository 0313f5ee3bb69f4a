//! Sources and wrappers through the public interface.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use kineframe_fragment::FragmentNumber;
use kineframe_source::{
    Chopped, FaultKind, Faulty, File, MediaSource, Memory, SourceError, SourceErrorKind, StartSelector, Throttled,
    Trigger, reader,
};
use proptest::prelude::*;

const START: StartSelector = StartSelector::Earliest;

fn body(len: usize) -> Bytes {
    (0..len).map(|index| (index * 7 + index / 256) as u8).collect::<Vec<_>>().into()
}

fn blocking(source: &dyn MediaSource) -> (Vec<Bytes>, Option<SourceError>) {
    let mut pieces = Vec::new();
    let mut error = None;
    for item in source.open_blocking(&START) {
        assert_eq!(error, None, "nothing comes after an error");
        match item {
            Ok(piece) => pieces.push(piece),
            Err(one) => error = Some(one),
        }
    }
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    (pieces, error)
}

async fn streamed(source: &dyn MediaSource) -> (Vec<Bytes>, Option<SourceError>) {
    let mut pieces = Vec::new();
    let mut error = None;
    let mut stream = source.open(&START);
    while let Some(item) = stream.next().await {
        match item {
            Ok(piece) => pieces.push(piece),
            Err(one) => error = Some(one),
        }
    }
    (pieces, error)
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

#[test]
fn a_file_is_read_whole_in_both_forms_without_a_runtime() {
    let data = body(1_000_000);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&data).unwrap();
    for size in [1 << 10, 100_000, 256 << 10] {
        let source = File::new(file.path()).with_piece_size(size);
        let (pieces, error) = blocking(&source);
        assert_eq!(error, None);
        assert!(pieces.iter().all(|piece| piece.len() <= size));
        assert_eq!(pieces.concat(), data);
        let (pieces, error) = kineframe_source::block_on(streamed(&source));
        assert_eq!((pieces.concat(), error), (data.to_vec(), None));
    }
}

#[test]
fn buffers_are_used_again_once_nobody_holds_them() {
    let data = body(64 << 10);
    let mut addresses = std::collections::HashSet::new();
    let mut read = Vec::new();
    for piece in reader("r", &data[..], 1024) {
        let piece = piece.unwrap();
        addresses.insert(piece.as_ptr());
        read.extend_from_slice(&piece);
    }
    assert_eq!(read, data);
    assert!(addresses.len() <= 5, "{} buffers for 64 pieces", addresses.len());
    // Held pieces keep what they say.
    let held: Vec<Bytes> = reader("r", &data[..], 1024).map(Result::unwrap).collect();
    assert_eq!(held.concat(), data);
}

/// Gives one byte a read, as a slow pipe does.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = self.0.len().min(1).min(into.len());
        into[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

#[test]
fn what_is_there_is_handed_out_and_small_reads_share_a_buffer() {
    let data = body(3000);
    let pieces: Vec<Bytes> = reader("r", Slow(&data, false), 1024).map(Result::unwrap).collect();
    assert_eq!(pieces.len(), 3000);
    assert_eq!(pieces.concat(), data);
    let gap = pieces[1].as_ptr() as usize - pieces[0].as_ptr() as usize;
    assert_eq!(gap, 1, "the second byte lies behind the first");
}

#[test]
fn errors_say_what_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let (_, error) = blocking(&File::new(dir.path()));
    assert_eq!(error.unwrap().kind, SourceErrorKind::IsDirectory);
    let (_, error) = blocking(&File::new(dir.path().join("none")));
    let error = error.unwrap();
    assert_eq!(error.kind, SourceErrorKind::NotFound);
    assert!(error.to_string().ends_with("none: no such file; check the path"), "{error}");

    struct Broken(bool);
    impl Read for Broken {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("the disk went away"));
            }
            into[..10].fill(1);
            Ok(10)
        }
    }
    let items: Vec<_> = reader("disk", Broken(false), 64).collect();
    assert_eq!(items.len(), 2);
    let error = items[1].clone().unwrap_err();
    assert_eq!((&*error.input, error.offset), ("disk", 10));
    assert!(error.to_string().contains("the disk went away"));
}

#[test]
fn a_stored_body_has_one_start() {
    let start = StartSelector::AfterFragment(FragmentNumber::new("17").unwrap());
    for source in [Arc::new(Memory::new("m", body(3))) as Arc<dyn MediaSource>, Arc::new(File::new("/none"))] {
        let first = source.open_blocking(&start).next().unwrap().unwrap_err();
        assert_eq!(first.kind, SourceErrorKind::Start("after fragment 17".to_owned()));
    }
    assert_eq!(Memory::new("m", body(3)).open_blocking(&StartSelector::Now).count(), 1);
    assert_eq!(Memory::new("m", Bytes::new()).open_blocking(&START).count(), 0);
}

#[test]
fn throttling_takes_the_time_of_the_bytes() {
    paused().block_on(async {
        let source = Throttled::new(Chopped::every(Memory::new("m", body(1000)), 100), 1000)
            .with_latency(Duration::from_secs(60));
        let began = tokio::time::Instant::now();
        let (pieces, error) = streamed(&source).await;
        assert_eq!((pieces.concat(), error), (body(1000).to_vec(), None));
        assert_eq!(pieces.len(), 10);
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(61) && took < Duration::from_millis(61_100), "{took:?}");
    });
}

#[test]
fn faults_happen_where_they_were_asked_for() {
    let data = body(1000);
    for size in [1, 7, 300, 1000] {
        let inner = || Chopped::every(Memory::new("m", data.clone()), size);
        let (pieces, error) = blocking(&Faulty::new(inner(), 1).with(FaultKind::Cut, Trigger::Bytes(500)));
        assert_eq!((pieces.concat(), error), (data[..500].to_vec(), None));

        let faulty = Faulty::new(inner(), 1).with(FaultKind::Error("reset by peer".into()), Trigger::Bytes(0));
        let (pieces, error) = blocking(&faulty);
        assert!(pieces.is_empty());
        assert_eq!(error.unwrap().kind, SourceErrorKind::Injected("reset by peer".into()));

        let (pieces, _) = blocking(&Faulty::new(inner(), 1).with(FaultKind::Garbage(33), Trigger::Bytes(10)));
        let out = pieces.concat();
        assert_eq!((out.len(), &out[..10], &out[43..]), (1033, &data[..10], &data[10..]));

        let lossy = Faulty::new(inner(), 1)
            .with(FaultKind::Lose(20), Trigger::Bytes(10))
            .with(FaultKind::Lose(5), Trigger::Bytes(990));
        let (pieces, _) = blocking(&lossy);
        assert_eq!(pieces.concat(), [&data[..10], &data[30..990], &data[995..]].concat());
    }
}

#[test]
fn chance_is_seeded_and_a_stall_only_takes_time() {
    let inner = || Chopped::every(Memory::new("m", body(10_000)), 100);
    let run = |seed| blocking(&Faulty::new(inner(), seed).with(FaultKind::Cut, Trigger::Probability(0.1))).0.len();
    assert_eq!(run(5), run(5));
    let lengths: std::collections::HashSet<usize> = (0..20).map(run).collect();
    assert!(lengths.len() > 3, "{lengths:?}");
    paused().block_on(async {
        let faulty = Faulty::new(inner(), 1).with(FaultKind::Stall(Duration::from_secs(3600)), Trigger::Bytes(50));
        let began = tokio::time::Instant::now();
        assert_eq!(streamed(&faulty).await.0.concat(), body(10_000));
        assert_eq!(began.elapsed().as_secs(), 3600);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn wrappers_change_pieces_and_never_bytes(
        len in 0_usize..5000, size in 0_usize..700, seed: u64, cuts in prop::collection::vec(0_u64..6000, 0..20)
    ) {
        let data = body(len);
        let inner = || Chopped::random(Memory::new("m", data.clone()), 900, seed);
        let sources: [Box<dyn MediaSource>; 4] = [
            Box::new(Chopped::every(inner(), size)),
            Box::new(Chopped::random(inner(), size, seed)),
            Box::new(Chopped::at(inner(), cuts)),
            Box::new(Faulty::new(inner(), seed)),
        ];
        for source in sources {
            let (pieces, error) = blocking(&source);
            prop_assert_eq!(error, None);
            prop_assert_eq!(pieces.concat(), &data[..]);
            let (again, _) = paused().block_on(streamed(&source));
            prop_assert_eq!(pieces, again);
        }
    }

    #[test]
    fn cuts_fall_where_they_are_asked_for(len in 1_usize..3000, cuts in prop::collection::btree_set(0_u64..3000, 0..20)) {
        let (pieces, _) = blocking(&Chopped::at(Memory::new("m", body(len)), cuts.iter().copied().collect()));
        let mut ends = Vec::new();
        let mut end = 0;
        for piece in &pieces {
            end += piece.len() as u64;
            ends.push(end);
        }
        let mut expected: Vec<u64> = cuts.into_iter().filter(|cut| *cut > 0 && *cut < len as u64).collect();
        expected.push(len as u64);
        prop_assert_eq!(ends, expected);
    }
}
