//! What the parts share: the builds of the command, a folder for what they write, and the measuring of processes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::table::{Row, Target};
use crate::shell::{self, Result};

/// Names the Python that has OpenCV and PyAV.
const PYTHON: &str = "KINEFRAME_PEER_PYTHON";

/// One run of the task.
pub struct Bench {
    /// Where captures are looked for.
    pub media: PathBuf,
    /// Turns of each race.
    pub rounds: usize,
    /// What the programs write; memory where the system has a folder in memory. Gone at the end.
    scratch: PathBuf,
}

/// What a process took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Seconds of processor time, its own and the kernel's for it.
    pub cpu: f64,
    /// Seconds.
    pub wall: f64,
}

impl Bench {
    /// Makes the folder for what will be written.
    pub fn new(media: PathBuf, rounds: usize) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let scratch = base.join(format!("kineframe-bench-{}", std::process::id()));
        std::fs::create_dir_all(&scratch)?;
        Ok(Self { media, rounds, scratch })
    }

    /// A fresh, empty folder.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.scratch.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Streams that were made by an earlier run stay here.
    pub fn cache(&self) -> Result<PathBuf> {
        let folder = target().join("bench");
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// A file of this name anywhere under the media folder.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        find(&self.media, name)
    }

    /// The full build with FFmpeg as a decoder.
    pub fn build_with_ffmpeg(&self) -> Result<PathBuf> {
        self.build_of("kineframe-ffmpeg", "full,ffmpeg")
    }

    /// The command in the release profile: plain, for every x86-64 processor that `.cargo/config.toml` is for; or full,
    /// for those with AVX2 and BMI2 where this is one, as somebody who wants speed would build it.
    pub fn build(&self, full: bool) -> Result<PathBuf> {
        if full { self.build_of("kineframe-full", "full") } else { self.build_of("kineframe-plain", "") }
    }

    fn build_of(&self, name: &str, features: &str) -> Result<PathBuf> {
        let mut build = shell::cargo();
        build.args(["build", "--release", "--locked", "-p", "kineframe-cli", "--features", features]);
        let mut folder = target();
        if !features.is_empty() && has_v3() {
            folder = self.cache()?.join("v3");
            build.arg("--target-dir").arg(&folder).env("RUSTFLAGS", "-C target-cpu=x86-64-v3");
        }
        shell::run(&mut build)?;
        let place = self.cache()?.join(name);
        std::fs::copy(folder.join("release").join("kineframe"), &place)?;
        Ok(place)
    }

    /// Runs the commands in turns, each into a fresh folder: for each turn, what each took.
    pub fn turns<const N: usize>(
        &self,
        turns: usize,
        commands: [&dyn Fn(&Path) -> Command; N],
    ) -> Result<Vec<[Cost; N]>> {
        let mut all = Vec::new();
        for _ in 0..turns {
            let mut costs = [Cost { cpu: 0.0, wall: 0.0 }; N];
            for (value, command) in costs.iter_mut().zip(commands) {
                *value = cost(&mut command(&self.folder("out")?))?;
            }
            all.push(costs);
        }
        Ok(all)
    }

    /// Runs the two in turns and compares what `measure` takes of their costs.
    pub fn race(
        &self,
        what: &str,
        target: Target,
        measure: fn(Cost) -> f64,
        commands: [&dyn Fn(&Path) -> Command; 2],
    ) -> Result<Row> {
        Ok(row(what, target, measure, &self.turns(self.rounds, commands)?))
    }
}

/// The first in the second, turn by turn.
pub fn row(what: &str, target: Target, measure: fn(Cost) -> f64, turns: &[[Cost; 2]]) -> Row {
    let pairs: Vec<[f64; 2]> = turns.iter().map(|turn| turn.map(measure)).collect();
    let row = Row::of_pairs(what, &pairs, target, |seconds| format!("{seconds:.2} s"));
    println!("{what}: {:.3}", row.ratio[0]);
    row
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.scratch) {
            eprintln!("{}: {error}", self.scratch.display());
        }
    }
}

/// Whether this processor has what `x86-64-v3` means.
#[cfg(target_arch = "x86_64")]
pub fn has_v3() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("movbe")
}

/// Whether this processor has what `x86-64-v3` means.
#[cfg(not(target_arch = "x86_64"))]
pub fn has_v3() -> bool {
    false
}

/// Where Cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| shell::root().join("target"), |name| shell::root().join(name))
}

/// The Python with the peers, where one is named and has this module.
pub fn python(module: &str) -> Option<String> {
    let name = std::env::var(PYTHON).ok()?;
    shell::has_all(&name, &["-c", &format!("import {module}")]).then_some(name)
}

/// The note on a peer that is left out.
pub fn absent(peer: &str) -> String {
    let hint = if peer.contains("ffmpeg") {
        "not installed".to_owned()
    } else {
        format!("{PYTHON} names no Python that has it")
    };
    let note = format!("{peer} takes no part: {hint}");
    println!("{note}");
    note
}

/// What else the machine does, where the system tells: processes that want a processor, over the last minute.
pub fn load() -> Option<String> {
    let line = std::fs::read_to_string("/proc/loadavg").ok()?;
    let processors = std::thread::available_parallelism().ok()?;
    Some(format!("{} processes wanted a processor before the run, of {processors}", line.split(' ').next()?))
}

/// Runs a process to its end with nothing printed.
pub fn cost(command: &mut Command) -> Result<Cost> {
    let (cpu, start) = (children_cpu()?, Instant::now());
    shell::output(command)?;
    let wall = start.elapsed().as_secs_f64();
    Ok(Cost { cpu: children_cpu()? - cpu, wall })
}

/// Processor seconds of all ended children, from fields 16 and 17 of the process's line (proc_pid_stat(5)), which
/// count in hundredths on every Linux.
fn children_cpu() -> Result<f64> {
    let line = std::fs::read_to_string("/proc/self/stat")
        .map_err(|error| format!("processor time of children is read from /proc/self/stat: {error}"))?;
    cpu_of(&line).ok_or_else(|| "/proc/self/stat is not as expected".into())
}

fn cpu_of(line: &str) -> Option<f64> {
    // The second field is a name in parentheses and may hold blanks.
    let (_, fields) = line.rsplit_once(") ")?;
    let ticks: Vec<u64> = fields.split_ascii_whitespace().skip(13).take(2).filter_map(|f| f.parse().ok()).collect();
    match ticks[..] {
        [user, system] => Some((user + system) as f64 / 100.0),
        _ => None,
    }
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        if entry.path().is_dir() {
            folders.push(entry.path());
        } else if entry.file_name() == name {
            return Some(entry.path());
        }
    }
    folders.sort();
    folders.iter().find_map(|folder| find(folder, name))
}

/// A program that reads nothing.
pub fn quiet(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_a_name_with_blanks() {
        let line = "7 (a ) b) S 1 7 7 0 -1 4194304 100 200 0 0 11 12 250 50 20 0 1 0 5 6 7";
        assert_eq!(cpu_of(line), Some(3.0));
        assert_eq!(cpu_of("7 (a)"), None);
    }
}
