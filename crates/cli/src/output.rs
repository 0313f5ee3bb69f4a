//! Standard output: lines for a person, or JSON objects for a script.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use crate::outcome::Failure;

/// Standard output, buffered.
pub struct Output {
    out: io::BufWriter<io::Stdout>,
    json: bool,
    silent: bool,
}

impl Output {
    /// Standard output; with `json` it holds JSON objects and nothing else.
    pub fn new(json: bool) -> Output {
        Output { out: io::BufWriter::new(io::stdout()), json, silent: false }
    }

    /// Nothing comes out: for a step of a larger command.
    pub fn silent() -> Output {
        Output { silent: true, ..Self::new(false) }
    }

    /// One item: as an object where scripts read, else as a line.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn item(&mut self, object: &impl Serialize, line: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.silent {
            return Ok(());
        }
        if self.json {
            let text = serde_json::to_string(object).map_err(|error| Failure::Work(format!("JSON: {error}")))?;
            return self.line(text);
        }
        let line = line();
        if line.is_empty() { Ok(()) } else { self.line(line) }
    }

    /// A line that only a person reads.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn say(&mut self, line: impl Display) -> Result<(), Failure> {
        if self.json || self.silent { Ok(()) } else { self.line(line) }
    }

    /// Hands over what is buffered: after each item of a live input.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::output("standard output", &error))
    }

    fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        writeln!(self.out, "{line}").map_err(|error| Failure::output("standard output", &error))
    }
}

/// Bytes as they are, on standard output.
///
/// # Errors
/// Standard output is closed or full.
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::output("standard output", &error))
}
