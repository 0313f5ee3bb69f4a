//! An input taken apart into fragments, with what was read, lost and reported on the way.

use std::time::Instant;

use kineframe::fragment::{Damage, Event, Options, Payload, ServiceError};
use kineframe::mp4::{AnySplitter, ReadError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{Common, Input as InputArgs};
use crate::input::{Input, without_media};
use crate::kvs::reported;
use crate::outcome::{Failure, Outcome};

/// Fragment events of an input.
pub struct Body {
    input: Input,
    splitter: AnySplitter,
    ended: bool,
    started: Instant,
    report: Report,
}

/// What was read, lost and reported.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// The input as the user named it.
    pub input: String,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes that no element could be made of.
    pub bytes_skipped: u64,
    /// Where, and why: the first of them where there are very many.
    pub damage: Vec<DamageObject>,
    /// Damaged stretches, also those that `damage` has no room for.
    pub damaged: u64,
    /// Fragments that ended.
    pub fragments: u64,
    /// Frames seen, of all tracks.
    pub frames_seen: u64,
    /// Fragments that were cut or lack their closing tags.
    pub truncated: u64,
    /// Listed fragments that the service reported as absent, and other errors in band.
    pub service_errors: u64,
    /// The first of them, by name, number and fragment.
    pub service_errors_named: Vec<String>,
    /// Milliseconds since the command began to read.
    pub wall_ms: u64,
}

/// One damaged stretch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DamageObject {
    /// The first byte lost.
    pub offset: u64,
    /// How many.
    pub length: u64,
    /// The elements around it.
    pub path: String,
    /// What was wrong.
    pub reason: String,
}

impl DamageObject {
    /// The object of a damaged stretch.
    pub fn new(damage: &Damage) -> DamageObject {
        DamageObject {
            offset: damage.offset,
            length: damage.length,
            path: damage.error.path.to_string(),
            reason: damage.error.kind.to_string(),
        }
    }
}

/// Damaged stretches that a summary names; all are counted.
const DAMAGE_NAMED: usize = 1000;

/// Errors in band that a person is told by name.
const ERRORS_NAMED: usize = 5;

impl Body {
    /// Opens an input; with [`Payload::Skip`] the bytes of frames are let go of.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(input: &InputArgs, payload: Payload, common: &Common) -> Result<Body, Failure> {
        let mut options = Options::default();
        options.strict = common.strict;
        options.payload = payload;
        let input = Input::open(input, common)?;
        let report = Report { input: input.name().to_owned(), ..Report::default() };
        let mut splitter = AnySplitter::new(options).with_movie(input.movie());
        if let Some(size) = common.max_memory {
            splitter = splitter.with_memory(size.0);
        }
        Ok(Body { input, splitter, ended: false, started: Instant::now(), report })
    }

    /// The next event; `None` at the end of the input.
    ///
    /// # Errors
    /// The input cannot be read further; with `--strict` also the first damage.
    pub fn next_event(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            let event = self.splitter.next_event().map_err(|error| {
                let name = self.input.name();
                Failure::Work(match error {
                    ReadError::Damaged(error) => {
                        format!("{name}: {error}; without --strict damage is skipped and reported")
                    }
                    // --max-memory is what allows more.
                    other => format!("{name}: {other} (--max-memory)"),
                })
            })?;
            match event {
                Some(event) => {
                    self.note(&event);
                    return Ok(Some(event));
                }
                None if self.ended => return Ok(None),
                None => match self.input.next_piece()? {
                    Some(piece) => self.splitter.push(piece),
                    None => {
                        self.ended = true;
                        self.splitter.finish();
                    }
                },
            }
        }
    }

    /// What was read, lost and reported so far.
    pub fn report(&self) -> Report {
        let wall_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Report { bytes_read: self.input.bytes_read, wall_ms, ..self.report.clone() }
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Frame(_) => self.report.frames_seen += 1,
            Event::Finished(tail) => {
                self.report.fragments += 1;
                self.report.truncated += u64::from(tail.truncated || !tail.complete);
            }
            Event::ServiceError(error) => self.report.note_service_error(error),
            Event::Damage(damage) => self.report.note_damage(damage),
            _ => {}
        }
    }
}

impl Report {
    /// Counts an error in band, and names it while there is room.
    fn note_service_error(&mut self, error: &ServiceError) {
        self.service_errors += 1;
        if self.service_errors_named.len() < ERRORS_NAMED {
            let number = error.fragment_number.as_ref().map(|number| format!(", at fragment {number}"));
            self.service_errors_named.push(reported(error) + &number.unwrap_or_default());
        }
    }

    /// Counts a damaged stretch, and names it while there is room.
    pub fn note_damage(&mut self, damage: &Damage) {
        self.damaged += 1;
        self.bytes_skipped = self.bytes_skipped.saturating_add(damage.length);
        if self.damage.len() < DAMAGE_NAMED {
            self.damage.push(DamageObject::new(damage));
        }
    }

    /// The fields of a summary.
    pub fn json(&self) -> Value {
        json!({
            "frames_seen": self.frames_seen,
            "bytes_read": self.bytes_read,
            "bytes_skipped": self.bytes_skipped,
            "damage": self.damage,
            "wall_ms": self.wall_ms,
            "cpu_ms": cpu_ms(),
        })
    }

    /// How the command ends by what was found; says it on standard error.
    pub fn outcome(&self, common: &Common) -> Outcome {
        if !common.quiet {
            if self.fragments == 0
                && let Some(why) = without_media(&self.input, self.bytes_read)
            {
                eprintln!("kineframe: {}: {why}", self.input);
            }
            for damage in self.damage.iter().take(10) {
                let path = if damage.path.is_empty() { String::new() } else { format!("{}: ", damage.path) };
                let DamageObject { offset, length, reason, .. } = damage;
                eprintln!("kineframe: {}: byte {offset}: {path}{reason}; {length} bytes skipped", self.input);
            }
            if self.damaged > 10 {
                eprintln!("kineframe: {}: {} damaged places in all; --json names them", self.input, self.damaged);
            }
            if self.truncated > 0 {
                let plural = if self.truncated == 1 { " is" } else { "s are" };
                eprintln!("kineframe: {}: {} fragment{plural} cut or not closed", self.input, self.truncated);
            }
            if self.service_errors > 0 {
                for error in &self.service_errors_named {
                    eprintln!("kineframe: {}: the service reported {error}", self.input);
                }
                let more = self.service_errors.saturating_sub(self.service_errors_named.len() as u64);
                if more > 0 {
                    eprintln!("kineframe: {}: the service reported {more} more errors", self.input);
                }
            }
        }
        let sound = self.damaged == 0 && self.truncated == 0 && self.service_errors == 0;
        if sound { Outcome::Good } else { Outcome::Damaged }
    }
}

/// Milliseconds of processor time that this process has used; `None` where the system does not tell.
pub fn cpu_ms() -> Option<u64> {
    // Fields 14 and 15 of proc_pid_stat(5), behind the name in parentheses, in ticks of 10 ms.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * 10)
}
