//! Rows of figures, and the tables that they make.

use crate::shell::{self, Result};

/// Where the tables stand, each between a pair of comments that name its part.
const DOCUMENT: &str = "docs/benchmarks.md";

/// What a ratio is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Told for comparison.
    None,
}

impl Target {
    /// From `>= 1.0`, `<= 1.0`, or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some((">=", value)) => value.parse().ok().map(Self::AtLeast),
            Some(("<=", value)) => value.parse().ok().map(Self::AtMost),
            _ => text.is_empty().then_some(Self::None),
        }
    }

    fn text(self, ratio: f64) -> String {
        let (text, met) = match self {
            Self::AtLeast(value) => (format!("≥ {value}"), ratio >= value),
            Self::AtMost(value) => (format!("≤ {value}"), ratio <= value),
            Self::None => return String::new(),
        };
        format!("{text}, {}", if met { "met" } else { "**missed**" })
    }
}

/// One comparison: the middle of each side, and of their ratios.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub what: String,
    pub ours: String,
    pub theirs: String,
    /// Median, least, greatest.
    pub ratio: [f64; 3],
    pub target: Target,
}

impl Row {
    /// Ratios of paired samples, ours by theirs.
    pub fn of_pairs(what: &str, pairs: &[[f64; 2]], target: Target, unit: impl Fn(f64) -> String) -> Self {
        let [ours, ..] = spread(pairs.iter().map(|pair| pair[0]).collect());
        let [theirs, ..] = spread(pairs.iter().map(|pair| pair[1]).collect());
        let ratio = spread(pairs.iter().map(|[ours, theirs]| ours / theirs).collect());
        Self { what: what.to_owned(), ours: unit(ours), theirs: unit(theirs), ratio, target }
    }
}

/// Median, least, greatest; zeros of nothing.
pub fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    match (values.get(values.len() / 2), values.first(), values.last()) {
        (Some(&median), Some(&least), Some(&greatest)) => [median, least, greatest],
        _ => [0.0; 3],
    }
}

/// The figures of one part.
#[derive(Debug, Default)]
pub struct Section {
    pub rows: Vec<Row>,
    /// What is not a ratio: who takes no part, counts, checks.
    pub notes: Vec<String>,
}

impl Section {
    /// The table and the notes below it.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        if !self.rows.is_empty() {
            text.push_str("| what | ours | theirs | ratio | least – greatest | target |\n|---|---|---|---|---|---|\n");
        }
        for Row { what, ours, theirs, ratio: [median, least, greatest], target } in &self.rows {
            let target = target.text(*median);
            text.push_str(&format!(
                "| {what} | {ours} | {theirs} | {median:.3} | {least:.3} – {greatest:.3} | {target} |\n"
            ));
        }
        if !self.notes.is_empty() && !text.is_empty() {
            text.push('\n');
        }
        self.notes.iter().for_each(|note| text.push_str(&format!("- {note}\n")));
        text
    }

    /// Puts the section in place of the one of this name in the document.
    pub fn write(&self, name: &str) -> Result<()> {
        let document = replaced(&shell::read(DOCUMENT)?, name, &self.markdown())
            .ok_or_else(|| format!("{DOCUMENT} has no place for `{name}`"))?;
        std::fs::write(shell::root().join(DOCUMENT), document)?;
        println!("{DOCUMENT}: `{name}` written");
        Ok(())
    }
}

/// The document with what stands between the two comments of this name replaced.
fn replaced(document: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- bench {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = document.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{text}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_pair() {
        let row = Row::of_pairs("x", &[[1.0, 2.0], [10.0, 10.0], [3.0, 12.0]], Target::AtMost(0.5), |v| format!("{v}"));
        assert_eq!((row.ours.as_str(), row.theirs.as_str()), ("3", "10"));
        assert_eq!(row.ratio, [0.5, 0.25, 1.0]);
        let section = Section { rows: vec![row], notes: vec!["no y".to_owned()] };
        let text = section.markdown();
        assert!(text.contains("| x | 3 | 10 | 0.500 | 0.250 – 1.000 | ≤ 0.5, met |"), "{text}");
        assert!(text.ends_with("\n\n- no y\n"), "{text}");
    }

    #[test]
    fn targets_are_read_and_judged() {
        assert_eq!(Target::parse(">= 1.5"), Some(Target::AtLeast(1.5)));
        assert_eq!(Target::parse(""), Some(Target::None));
        assert_eq!(Target::parse("> 1"), None);
        assert_eq!(Target::AtLeast(1.5).text(1.4), "≥ 1.5, **missed**");
    }

    #[test]
    fn only_the_named_part_is_replaced() {
        let document = "a\n<!-- bench x -->\nold\n<!-- end x -->\nb\n<!-- bench y -->\nkept\n<!-- end y -->\n";
        let new = replaced(document, "x", "| new |\n").unwrap();
        assert_eq!(
            new,
            "a\n<!-- bench x -->\n\n| new |\n\n<!-- end x -->\nb\n<!-- bench y -->\nkept\n<!-- end y -->\n"
        );
        assert_eq!(replaced(document, "z", ""), None);
    }
}
