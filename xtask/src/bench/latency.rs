//! How long one waits: for the first word of the command, and for a fragment's line from a pipe.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use super::run::{Bench, quiet};
use super::table::{Section, spread};
use crate::shell::{self, Result};

/// A real body of five fragments.
const CAPTURE: &str = "testdata/captures/output_get_media.mkv";
/// A line that takes longer than this does not come.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(bench: &Bench) -> Result<Section> {
    let kineframe = bench.build(false)?;
    let mut section = Section::default();
    let mut starts = Vec::new();
    for _ in 0..bench.rounds * 10 {
        let start = Instant::now();
        shell::output(quiet(&kineframe).arg("--version"))?;
        starts.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let [median, least, greatest] = spread(starts);
    let verdict = if median <= 10.0 { "met" } else { "**missed**" };
    section.notes.push(format!(
        "`--version`: {median:.1} ms ({least:.1} – {greatest:.1}) from start to end of the process; within 10 ms, {verdict}"
    ));

    let body = std::fs::read(shell::root().join(CAPTURE))?;
    let ends = ends(&body, &kineframe)?;
    let mut waits = Vec::new();
    for _ in 0..bench.rounds {
        let child = quiet(&kineframe)
            .args(["fragments", "-", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        waits.extend(lines(child, &body, &ends)?);
    }
    let [median, least, greatest] = spread(waits);
    section.notes.push(format!(
        "line of `fragments` from a pipe, {} fragments, the next one held back: {median:.2} ms ({least:.2} – \
         {greatest:.2}) after the last byte of the fragment's closing tags was written",
        ends.len()
    ));
    Ok(section)
}

/// Where each fragment ends, as the command itself tells for the whole file.
fn ends(body: &[u8], kineframe: &std::path::Path) -> Result<Vec<usize>> {
    let lines = shell::output(quiet(kineframe).arg("fragments").arg(shell::root().join(CAPTURE)).arg("--json"))?;
    let mut ends = Vec::new();
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line)?;
        if let (Some(offset), Some(length)) = (value["offset"].as_u64(), value["length"].as_u64()) {
            ends.push((offset + length) as usize);
        }
    }
    if ends.is_empty() || ends.iter().any(|end| *end > body.len()) || !ends.is_sorted() {
        return Err("`fragments` tells no places".into());
    }
    Ok(ends)
}

/// Milliseconds from the last byte of each fragment to its line; nothing of the next fragment is written before.
fn lines(mut child: Child, body: &[u8], ends: &[usize]) -> Result<Vec<f64>> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("no pipes".into());
    };
    let told = reader(output);
    let (mut from, mut waits) = (0, Vec::new());
    for &end in ends {
        input.write_all(&body[from..end])?;
        input.flush()?;
        let written = Instant::now();
        let line = told.recv_timeout(PATIENCE);
        let Ok(at) = line else {
            child.kill()?;
            child.wait()?;
            return Err(format!("no line within {PATIENCE:?} of the fragment that ends at byte {end}").into());
        };
        waits.push(at.saturating_duration_since(written).as_secs_f64() * 1e3);
        from = end;
    }
    drop(input);
    child.wait()?;
    Ok(waits)
}

/// Tells when each line came.
fn reader(output: impl Read + Send + 'static) -> Receiver<Instant> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            if line.is_err() || tell.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    told
}
