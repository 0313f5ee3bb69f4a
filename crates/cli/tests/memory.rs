//! Memory: it does not grow with the length of the input, nor with the size of a fragment beyond one frame.
//!
//! A body of any length comes from a capture repeated into standard input. `KINEFRAME_SLOW=1` takes long ones (2 GiB,
//! 64 MiB); without it shorter ones hold the same bounds.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use common::{kineframe, testdata};
use kineframe_testkit as testkit;

const MIB: u64 = 1 << 20;

fn slow() -> bool {
    std::env::var_os("KINEFRAME_SLOW").is_some()
}

/// The input of a run: a stretch of bytes, `times` over.
struct Body {
    bytes: Vec<u8>,
    times: u64,
}

impl Body {
    fn capture() -> Body {
        Body { bytes: fs::read(testdata("captures/output_get_media.mkv")).expect("a capture"), times: 1 }
    }

    /// Repeated to at least so many bytes.
    fn to(self, bytes: u64) -> Body {
        Body { times: bytes.div_ceil(self.bytes.len() as u64), ..self }
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64 * self.times
    }

    fn write(&self, mut pipe: ChildStdin) {
        for _ in 0..self.times {
            match pipe.write_all(&self.bytes) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return,
                written => written.expect("the command reads"),
            }
        }
    }
}

/// The high-water mark of the resident set, in bytes, and the last line of standard output.
fn peak(mut command: Command, body: &Body) -> (u64, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command starts");
    let (stdin, mut stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let text = thread::scope(|scope| {
        scope.spawn(|| body.write(stdin));
        let reader = scope.spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).expect("text");
            text
        });
        // The mark never falls, so that the last look before the end holds all but the last instant.
        let ended = loop {
            if let Some(mark) = high_water(&status) {
                peak = mark;
            }
            if let Some(ended) = child.try_wait().expect("waited for") {
                break ended;
            }
            thread::sleep(Duration::from_millis(1));
        };
        assert!(ended.success(), "{ended}");
        reader.join().expect("read")
    });
    assert!(peak > 0, "the high-water mark was read");
    (peak, text.lines().last().unwrap_or_default().to_owned())
}

/// `VmHWM` of proc_pid_status(5), in bytes; `None` when the process is gone.
fn high_water(status: &str) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn frames(flags: &[&str], body: &Body) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = kineframe();
    command.args(["frames", "-", "--json", "-o"]).arg(folder.path()).args(flags);
    let (peak, last) = peak(command, body);
    assert!(last.contains(&format!("\"bytes_read\":{}", body.len())), "{last}");
    println!("frames {}: {:.1} MiB at most for {} MiB", flags.join(" "), mib(peak), body.len() / MIB);
    peak
}

fn fragments(flags: &[&str], body: &Body) -> u64 {
    let mut command = kineframe();
    command.args(["fragments", "-"]).args(flags);
    let (peak, last) = peak(command, body);
    assert!(last.contains(&body.len().to_string()), "{last}");
    println!("fragments {}: {:.1} MiB at most for {} MiB", flags.join(" "), mib(peak), body.len() / MIB);
    peak
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB as f64
}

#[test]
fn pictures_take_what_they_take_of_a_short_input() {
    let lengths = if slow() { [2048 * MIB, 64 * MIB] } else { [96 * MIB, 12 * MIB] };
    for (flags, length) in [(&["--keyframes", "--size", "160x"][..], lengths[0]), (&["--size", "160x"], lengths[1])] {
        let short = frames(flags, &Body::capture());
        let long = frames(flags, &Body::capture().to(length));
        assert!(long <= short + 64 * MIB, "{flags:?}: {:.1} MiB, short {:.1} MiB", mib(long), mib(short));
    }
}

#[test]
fn fragments_take_32_mib_at_most() {
    let length = if slow() { 2048 * MIB } else { 256 * MIB };
    for flags in [&["--json"][..], &[]] {
        let peak = fragments(flags, &Body::capture().to(length));
        assert!(peak <= 32 * MIB, "{flags:?}: {:.1} MiB", mib(peak));
    }
}

/// Fragments of 10 MiB and of 56 MiB in frames of 64 KiB, and of 24 and 96 MiB in three frames.
#[test]
fn large_fragments_take_no_more() {
    let many = |frames: i16, bytes: usize| {
        let mut fragment = testkit::Fragment::new(0);
        fragment.frames = (0..frames).map(|at| testkit::Frame::h264(1, at * 33, at == 0, bytes, at as u64)).collect();
        Body { bytes: testkit::body(&[fragment]).bytes, times: 1 }
    };
    let length = if slow() { 2048 * MIB } else { 128 * MIB };
    for body in [many(160, 64 << 10), many(900, 64 << 10), many(3, 8 << 20), many(3, 32 << 20)] {
        println!("fragments of {:.1} MiB", mib(body.len()));
        let peak = fragments(&["--json"], &body.to(length));
        assert!(peak <= 32 * MIB, "{:.1} MiB", mib(peak));
    }
}
