//! Running other programs, and where the repository is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tasks end in one line that says what went wrong.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The top folder of the repository.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// A program to be started in the top folder of the repository.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The Cargo that runs this task.
pub fn cargo() -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Cargo sets these for the tasks; what the tasks start must not take them for their own.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(name);
    }
    command
}

/// Prints the command line, runs it, and fails unless it ends well.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    let status = command.status().map_err(|error| format!("cannot start {}: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", line(command)).into()) }
}

/// Runs quietly and returns standard output; standard error is shown only on failure.
pub fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("cannot start {}: {error}", line(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} ended with {}\n{}", line(command), output.status, reason.trim_end()).into())
}

/// Whether a program of this name can be started, tried with one argument that every version knows.
pub fn has(program: &str, argument: &str) -> bool {
    has_all(program, &[argument])
}

/// Whether a program of this name ends well with these arguments.
pub fn has_all(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(program.as_os_str()).to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}

/// The files of the repository, as Git knows them: committed or new, never what is ignored. Sorted, relative paths.
pub fn repository_files() -> Result<Vec<String>> {
    let list = output(command("git").args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]))?;
    let mut files: Vec<String> = list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    files.retain(|path| root().join(path).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

/// The text of a file of the repository.
pub fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}").into())
}

/// Prints what was found; an error when it is anything at all.
pub fn verdict(task: &str, broken: &[String], looked_at: &str) -> Result<()> {
    if broken.is_empty() {
        println!("{task}: {looked_at}, nothing broken");
        return Ok(());
    }
    broken.iter().for_each(|line| println!("{line}"));
    Err(format!("{task}: {} broken", broken.len()).into())
}
