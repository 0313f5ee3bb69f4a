//! `cargo xtask setup`: what the build and the tests need beyond a Rust toolchain and a C/C++ compiler.

use crate::args::Args;
use crate::clients;
use crate::shell::{self, Result, has, has_all};

/// Who needs a tool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum For {
    /// The plain build: `cargo xtask demo`, `cargo build`.
    Build,
    /// The tests and `.ci/run`.
    Tests,
    /// The full build, `--features full`.
    Full,
    /// The tests that play in a browser, which are skipped where there is none.
    Browser,
}

/// A program or library outside Cargo, how to see whether it is there, and its package with each package manager.
struct Tool {
    program: &'static str,
    /// With which it ends well where the thing is there; more than one with blanks between them.
    argument: &'static str,
    needed: &'static [For],
    why: &'static str,
    apt: &'static str,
    dnf: &'static str,
    brew: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "cc",
        argument: "--version",
        needed: &[For::Build, For::Tests, For::Full],
        why: "links Rust programs and compiles OpenH264",
        apt: "gcc",
        dnf: "gcc",
        brew: "gcc",
    },
    Tool {
        program: "c++",
        argument: "--version",
        needed: &[For::Build, For::Tests, For::Full],
        why: "compiles OpenH264",
        apt: "g++",
        dnf: "gcc-c++",
        brew: "gcc",
    },
    Tool {
        program: "cmake",
        argument: "--version",
        needed: &[For::Tests, For::Full],
        why: "builds libjpeg-turbo",
        apt: "cmake",
        dnf: "cmake",
        brew: "cmake",
    },
    Tool {
        program: "nasm",
        argument: "-v",
        needed: &[For::Tests, For::Full],
        why: "assembles the fast paths of libjpeg-turbo",
        apt: "nasm",
        dnf: "nasm",
        brew: "nasm",
    },
    Tool {
        program: "python3",
        argument: "--version",
        needed: &[For::Tests],
        why: "runs boto3 and the AWS command line against the local service",
        apt: "python3-venv",
        dnf: "python3",
        brew: "python3",
    },
    Tool {
        program: "pkg-config",
        argument: "--version",
        needed: &[For::Tests, For::Full],
        why: "finds the system's libraries",
        apt: "pkg-config",
        dnf: "pkgconf-pkg-config",
        brew: "pkgconf",
    },
    Tool {
        program: "pkg-config",
        argument: "--exists dav1d",
        needed: &[For::Tests, For::Full],
        why: "builds the fast AV1 decoder on libdav1d",
        apt: "libdav1d-dev",
        dnf: "libdav1d-devel",
        brew: "dav1d",
    },
    Tool {
        program: "pkg-config",
        argument: "--exists vpx",
        needed: &[For::Tests, For::Full],
        why: "builds the fast VP8 and VP9 decoder on libvpx",
        apt: "libvpx-dev",
        dnf: "libvpx-devel",
        brew: "libvpx",
    },
    Tool {
        program: "pkg-config",
        argument: "--exists libavcodec libavutil",
        needed: &[For::Tests],
        why: "builds the decoder on the system's FFmpeg (feature `ffmpeg`)",
        apt: "libavcodec-dev",
        dnf: "libavcodec-free-devel",
        brew: "ffmpeg",
    },
    Tool {
        program: "ffprobe",
        argument: "-version",
        needed: &[For::Tests],
        why: "plays what split and merge write",
        apt: "ffmpeg",
        dnf: "ffmpeg-free",
        brew: "ffmpeg",
    },
    Tool {
        program: "mkvinfo",
        argument: "--version",
        needed: &[For::Tests],
        why: "reads what split and merge write",
        apt: "mkvtoolnix",
        dnf: "mkvtoolnix",
        brew: "mkvtoolnix",
    },
    Tool {
        program: "chromium",
        argument: "--version",
        needed: &[For::Browser],
        why: "plays the page of the local service, and what merge writes",
        apt: "chromium",
        dnf: "chromium",
        brew: "chromium",
    },
];

/// Installs what is missing for the plain build and the tests, and with `--full` for the full build.
pub fn run(args: &mut Args) -> Result<()> {
    let full = args.flag("--full");
    args.finish()?;
    components()?;
    let wanted: &[For] = if full { &[For::Build, For::Tests, For::Full] } else { &[For::Build, For::Tests] };
    match ensure(wanted)?.as_slice() {
        [] => println!("setup: everything is there"),
        missing => return Err(format!("still missing: {}", missing.join(", ")).into()),
    }
    Ok(())
}

/// Installs what is missing for these uses where that is possible, says what to install where it is not, and returns
/// the packages that are still missing, as Debian names them.
pub fn ensure(wanted: &[For]) -> Result<Vec<&'static str>> {
    let missing = ensure_tools(wanted);
    if wanted.contains(&For::Tests) {
        clients::ensure();
        // Apart, since not every system has a package of it: that must not keep the others from being installed.
        if !ensure_tools(&[For::Browser])?.is_empty() {
            println!("setup: no Chromium; the tests with it are skipped");
        }
    }
    missing
}

fn ensure_tools(wanted: &[For]) -> Result<Vec<&'static str>> {
    let tools = lacking(wanted);
    if tools.is_empty() {
        return Ok(Vec::new());
    }
    for tool in &tools {
        println!("setup: `{} {}` says no: it {}", tool.program, tool.argument, tool.why);
    }
    match Manager::here() {
        None => println!("setup: install them with the system's package manager"),
        Some(manager) => {
            let packages: Vec<&str> = tools.iter().map(|tool| manager.package(tool)).collect();
            if let Err(error) = manager.install(&packages) {
                println!("setup: {error}\nsetup: to install by hand: {}", manager.by_hand(&packages));
            }
        }
    }
    Ok(missing(wanted))
}

/// The packages that are missing for these uses, as Debian names them.
pub fn missing(wanted: &[For]) -> Vec<&'static str> {
    lacking(wanted).into_iter().map(|tool| tool.apt).collect()
}

fn lacking(wanted: &[For]) -> Vec<&'static Tool> {
    let needed = TOOLS.iter().filter(|tool| tool.needed.iter().any(|need| wanted.contains(need)));
    needed.filter(|tool| !has_all(tool.program, &tool.argument.split(' ').collect::<Vec<_>>())).collect()
}

/// The parts of the Rust toolchain that lints need and a minimal install leaves out.
pub fn components() -> Result<()> {
    for (program, component) in [("cargo-fmt", "rustfmt"), ("cargo-clippy", "clippy")] {
        if !has(program, "--version") {
            shell::run(shell::command("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Manager {
    Apt,
    Dnf,
    Brew,
}

impl Manager {
    fn here() -> Option<Self> {
        let known = [(Self::Apt, "apt-get"), (Self::Dnf, "dnf"), (Self::Brew, "brew")];
        known.into_iter().find(|(_, program)| has(program, "--version")).map(|(manager, _)| manager)
    }

    fn package(self, tool: &Tool) -> &'static str {
        match self {
            Self::Apt => tool.apt,
            Self::Dnf => tool.dnf,
            Self::Brew => tool.brew,
        }
    }

    /// The command lines that install packages, without what makes the caller an administrator.
    fn lines(self, packages: &[&str]) -> Vec<Vec<String>> {
        let line = |words: &[&str]| words.iter().chain(packages).map(|word| word.to_string()).collect();
        match self {
            Self::Apt => vec![
                ["apt-get", "update", "-qq"].map(str::to_owned).to_vec(),
                line(&["apt-get", "install", "-y", "-qq", "--no-install-recommends"]),
            ],
            Self::Dnf => vec![line(&["dnf", "install", "-y"])],
            Self::Brew => vec![line(&["brew", "install"])],
        }
    }

    fn by_hand(self, packages: &[&str]) -> String {
        let prefix = if self == Self::Brew { "" } else { "sudo " };
        let lines = self.lines(packages);
        lines.iter().map(|line| format!("{prefix}{}", line.join(" "))).collect::<Vec<_>>().join(" && ")
    }

    /// Installs without asking: as root, or through sudo where that needs no password.
    fn install(self, packages: &[&str]) -> Result<()> {
        let root = self == Self::Brew || shell::output(shell::command("id").arg("-u"))?.trim() == "0";
        if !root && !shell::command("sudo").args(["-n", "true"]).output().is_ok_and(|output| output.status.success()) {
            return Err("installing needs an administrator".into());
        }
        for line in self.lines(packages) {
            let mut command = shell::command(if root { &line[0] } else { "sudo" });
            command.args(if root { &line[1..] } else { &line[..] }).env("DEBIAN_FRONTEND", "noninteractive");
            shell::run(command.stdin(std::process::Stdio::null()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_build_needs_a_compiler_alone() {
        let plain: Vec<_> =
            TOOLS.iter().filter(|tool| tool.needed.contains(&For::Build)).map(|tool| tool.program).collect();
        assert_eq!(plain, ["cc", "c++"]);
    }

    #[test]
    fn says_how_to_install_by_hand() {
        let line = Manager::Apt.by_hand(&["cmake", "nasm"]);
        assert!(line.starts_with("sudo apt-get update") && line.ends_with("cmake nasm"), "{line}");
        assert_eq!(Manager::Brew.by_hand(&["cmake"]), "brew install cmake");
    }
}
