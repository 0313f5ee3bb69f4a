//! What the kit found, as a table.

use std::fmt;
use std::time::Duration;

use crate::Damage;

/// What the kit found of one back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The back end's name.
    pub factory: String,
    /// A row for each stream.
    pub rows: Vec<Row>,
}

/// What the kit found on one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The stream.
    pub stream: String,
    /// Pictures that it has.
    pub pictures: usize,
    /// Whether equality is asked.
    pub disputed: bool,
    /// The whole of it.
    pub whole: Verdict,
    /// How long the whole took, its MD5 sums included.
    pub time: Duration,
    /// The other checks, by name; those that do not apply are left out.
    pub checks: Vec<(&'static str, Outcome)>,
    /// What came of damaged packets, by kind.
    pub damage: Vec<(Damage, DamageCount)>,
}

/// What came out of a whole stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every picture equal, in order, by the right packet, none marked damaged.
    Exact,
    /// As `Exact`, but pictures are marked damaged, and rightly so: frames are missing by `frame_num` where the SPS
    /// forbids that, so that nobody can know that they were not needed.
    Cautious(Mismatch),
    /// The back end said beforehand that it is not exact, for this reason.
    Refused(String),
    /// It said that it is exact, then found in the stream that it cannot serve it, and ended in
    /// [`Unsupported`](kineframe_codec::DecodeErrorKind::Unsupported) with
    /// [`Reopen`](kineframe_codec::Recovery::Reopen). Nothing wrong was shown; the next back end replays.
    GaveUp(Mismatch),
    /// It said that it is exact, and is not.
    Wrong(Mismatch),
    /// Of a disputed stream: no contract was broken.
    Tolerated(Mismatch),
    /// The contract was broken: a panic let through, a picture of no packet, planes too short, …
    Broken(String),
}

/// How the pictures differ from the truth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mismatch {
    /// Pictures that came.
    pub shown: usize,
    /// Pictures of the truth that came at their place in order.
    pub equal: usize,
    /// The first place that differs.
    pub first: Option<usize>,
    /// Pictures marked damaged.
    pub marked: usize,
    /// The first error.
    pub error: Option<String>,
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As it must be.
    Passed,
    /// Not so, because.
    Failed(String),
}

/// Pictures of streams in which a packet was damaged, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DamageCount {
    /// Runs.
    pub runs: usize,
    /// Pictures that came and are equal.
    pub equal: usize,
    /// Pictures that came, differ, and are marked.
    pub marked: usize,
    /// Pictures that came, differ, and are not marked.
    pub unmarked: usize,
    /// Pictures that did not come.
    pub missing: usize,
    /// Runs in which the back end reported an error.
    pub errors: usize,
}

impl Report {
    /// Whether the back end keeps the contract: exact wherever it says so, and every check passed.
    pub fn passed(&self) -> bool {
        self.rows.iter().all(Row::passed)
    }

    /// Streams of which every picture is equal.
    pub fn exact(&self) -> usize {
        self.rows.iter().filter(|row| row.whole.is_exact()).count()
    }

    /// Streams that it said it is not exact on.
    pub fn refused(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.whole, Verdict::Refused(_))).count()
    }

    /// What is not as it must be, a line each.
    pub fn failures(&self) -> Vec<String> {
        self.rows.iter().flat_map(Row::failures).collect()
    }

    /// All damage counts summed, by kind.
    pub fn damage(&self) -> Vec<(Damage, DamageCount)> {
        let of = |kind| {
            let counts = self.rows.iter().flat_map(|row| &row.damage).filter(move |(other, _)| *other == kind);
            counts.fold(DamageCount::default(), |sum, (_, count)| sum.plus(*count))
        };
        Damage::ALL.into_iter().map(|kind| (kind, of(kind))).filter(|(_, count)| count.runs > 0).collect()
    }

    /// The report as tables in Markdown.
    pub fn to_markdown(&self) -> String {
        let mut out = format!("### {}\n\n{}\n\n", self.factory, self.summary());
        out.push_str("| stream | equal | result | ms | checks |\n|---|---:|---|---:|---|\n");
        for row in &self.rows {
            let equal = row.equal().map_or("–".to_owned(), |equal| equal.to_string());
            let (result, checks) = (row.whole.to_string().replace('|', "/"), row.checks_text().replace('|', "/"));
            let time = if matches!(row.whole, Verdict::Refused(_)) {
                "–".to_owned()
            } else {
                row.time.as_millis().to_string()
            };
            out.push_str(&format!("| {} | {equal} of {} | {result} | {time} | {checks} |\n", row.stream, row.pictures));
        }
        let damage = self.damage();
        if !damage.is_empty() {
            out.push_str("\n| damage | runs | equal | marked | unmarked | missing | runs with an error |\n");
            out.push_str("|---|---:|---:|---:|---:|---:|---:|\n");
            for (kind, count) in damage {
                let DamageCount { runs, equal, marked, unmarked, missing, errors } = count;
                out.push_str(&format!(
                    "| {kind} | {runs} | {equal} | {marked} | {unmarked} | {missing} | {errors} |\n"
                ));
            }
        }
        out
    }

    fn summary(&self) -> String {
        format!(
            "{} streams: {} exact, {} refused, {} otherwise; {}.",
            self.rows.len(),
            self.exact(),
            self.refused(),
            self.rows.len() - self.exact() - self.refused(),
            match self.failures().len() {
                0 => "every check passed".to_owned(),
                1 => "1 check failed".to_owned(),
                count => format!("{count} checks failed"),
            }
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.factory, self.summary())?;
        let width = self.rows.iter().map(|row| row.stream.len()).max().unwrap_or(0);
        for row in &self.rows {
            writeln!(f, "{:width$} {:>4}  {}  {}", row.stream, row.pictures, row.whole, row.checks_text())?;
        }
        for (kind, count) in self.damage() {
            let DamageCount { runs, equal, marked, unmarked, missing, errors } = count;
            writeln!(
                f,
                "{kind:8} {runs:3} runs: {equal} equal, {marked} marked, {unmarked} unmarked, {missing} missing; \
                 {errors} runs with an error"
            )?;
        }
        Ok(())
    }
}

impl Row {
    /// Whether nothing is other than it must be.
    pub fn passed(&self) -> bool {
        !matches!(self.whole, Verdict::Wrong(_) | Verdict::Broken(_))
            && self.checks.iter().all(|(_, outcome)| *outcome == Outcome::Passed)
    }

    /// Pictures that came at their place in order and are equal; `None` where the stream was refused.
    pub fn equal(&self) -> Option<usize> {
        match &self.whole {
            Verdict::Exact => Some(self.pictures),
            Verdict::Cautious(mismatch)
            | Verdict::GaveUp(mismatch)
            | Verdict::Wrong(mismatch)
            | Verdict::Tolerated(mismatch) => Some(mismatch.equal),
            Verdict::Refused(_) => None,
            Verdict::Broken(_) => Some(0),
        }
    }

    fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if matches!(self.whole, Verdict::Wrong(_) | Verdict::Broken(_)) {
            failures.push(format!("{}: {}", self.stream, self.whole));
        }
        for (name, outcome) in &self.checks {
            if let Outcome::Failed(why) = outcome {
                failures.push(format!("{}: {name}: {why}", self.stream));
            }
        }
        failures
    }

    fn checks_text(&self) -> String {
        if self.checks.is_empty() {
            return "–".to_owned();
        }
        let failed: Vec<String> = self
            .checks
            .iter()
            .filter_map(|(name, outcome)| match outcome {
                Outcome::Passed => None,
                Outcome::Failed(why) => Some(format!("{name}: {why}")),
            })
            .collect();
        if failed.is_empty() { format!("{} passed", self.checks.len()) } else { failed.join("; ") }
    }
}

impl Verdict {
    /// Whether every picture is equal.
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Exact | Self::Cautious(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Cautious(mismatch) => write!(f, "exact, {} marked damaged", mismatch.marked),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
            Self::GaveUp(mismatch) => write!(f, "gave up: {mismatch}"),
            Self::Wrong(mismatch) => write!(f, "WRONG: {mismatch}"),
            Self::Tolerated(mismatch) => write!(f, "disputed: {mismatch}"),
            Self::Broken(what) => write!(f, "BROKEN: {what}"),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shown, {} equal", self.shown, self.equal)?;
        if let Some(first) = self.first {
            write!(f, ", other from picture {first}")?;
        }
        if self.marked > 0 {
            write!(f, ", {} marked damaged", self.marked)?;
        }
        if let Some(error) = &self.error {
            write!(f, ", {error}")?;
        }
        Ok(())
    }
}

impl DamageCount {
    pub(crate) fn plus(self, other: DamageCount) -> DamageCount {
        DamageCount {
            runs: self.runs + other.runs,
            equal: self.equal + other.equal,
            marked: self.marked + other.marked,
            unmarked: self.unmarked + other.unmarked,
            missing: self.missing + other.missing,
            errors: self.errors + other.errors,
        }
    }
}
