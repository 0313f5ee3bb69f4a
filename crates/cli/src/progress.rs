//! Progress on standard error, for a person.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Common, When};

/// A bar over the bytes read, where one is wanted.
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar on a terminal, or always; over `length` bytes where that is known.
    pub fn new(common: &Common, length: Option<u64>) -> Progress {
        let wanted = match common.progress {
            When::Auto => !common.quiet && std::io::stderr().is_terminal(),
            When::Always => true,
            When::Never => false,
        };
        let bar = wanted.then(|| {
            let (bar, template) = match length {
                Some(length) => {
                    (ProgressBar::new(length), "{bar:30} {bytes}/{total_bytes}  {msg}  {elapsed}, {eta} to go")
                }
                None => (ProgressBar::no_length(), "{spinner} {bytes}  {msg}  {elapsed}"),
            };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Progress { bar }
    }

    /// This many bytes are read and this many pictures written.
    pub fn at(&self, bytes: u64, pictures: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
            bar.set_message(format!("{pictures} pictures"));
        }
    }

    /// A line on standard error, above the bar.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Takes the bar away.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
