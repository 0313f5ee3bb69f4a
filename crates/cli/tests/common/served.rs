//! `kineframe serve` as a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::kineframe;

/// A running service; killed when dropped.
pub struct Served {
    pub child: Child,
    /// What it said when it was ready.
    pub ready: Value,
}

impl Served {
    /// Starts it, with its data in memory.
    pub fn start(flags: &[&str]) -> Served {
        Served::of(kineframe().args(["serve", "--json", "--data", ":memory:"]).args(flags))
    }

    /// Starts it by a command with --json.
    pub fn of(command: &mut Command) -> Served {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the command starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        Served { child, ready: serde_json::from_str(&line).expect("a JSON object") }
    }

    /// A field of what it said.
    pub fn text(&self, name: &str) -> String {
        self.ready[name].as_str().expect("text").to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
