//! File names by template.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::str::FromStr;

/// What a picture's name may tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameFields<'a> {
    /// `{fragment}`: the fragment number; `doc-` and the document's number in six digits where there is none.
    pub fragment: Option<&'a str>,
    /// `{document}`: which EBML document of the input, from 0.
    pub document: u64,
    /// `{offset_ms}`: frame time less the time of the fragment's first Cluster; may be negative.
    pub offset_ms: i64,
    /// `{index}`: pictures are counted from 0.
    pub index: u64,
    /// `{producer_ms}`: milliseconds since the Unix epoch by the producer's clock, else `unknown`.
    pub producer_ms: Option<i64>,
    /// `{server_ms}`: the same by the server's clock.
    pub server_ms: Option<i64>,
    /// `{stream}`: the stream's name, else `unknown`.
    pub stream: Option<&'a str>,
    /// `{track}`: the track's number.
    pub track: u64,
}

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A name in braces that no picture has.
    #[error(
        "{{{0}}} is not one of {{fragment}}, {{offset_ms}}, {{index}}, {{producer_ms}}, {{server_ms}}, {{stream}}, \
         {{track}}, {{document}}"
    )]
    UnknownField(String),
    /// What follows the colon is not a width.
    #[error("{0:?} is not a width: write 06 for at least six digits (at most 099)")]
    Width(String),
    /// A brace without its partner; a brace that is meant is written twice.
    #[error("a brace at byte {0} has no partner; write {{{{ or }}}} for a brace in the name")]
    Brace(usize),
    /// The name would not stay inside the folder, or is no name.
    #[error("{0:?} does not name a file inside the output folder")]
    Outside(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Fragment,
    OffsetMs,
    Index,
    ProducerMs,
    ServerMs,
    Stream,
    Track,
    Document,
}

impl Field {
    fn from_name(name: &str) -> Option<Field> {
        Some(match name {
            "fragment" => Field::Fragment,
            "offset_ms" => Field::OffsetMs,
            "index" => Field::Index,
            "producer_ms" => Field::ProducerMs,
            "server_ms" => Field::ServerMs,
            "stream" => Field::Stream,
            "track" => Field::Track,
            "document" => Field::Document,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field, usize),
}

/// A template for names, such as `{fragment}-{offset_ms:06}`: text, and fields of [`NameFields`] in braces, with
/// zeros in front of numbers up to a width. `/` makes folders below the output folder.
///
/// Text from the stream cannot leave the folder: in fields everything but letters, digits, `-`, `_` and inner dots
/// becomes `_`.
///
/// ```
/// use kineframe_image_export::{NameFields, NameTemplate};
///
/// let template: NameTemplate = "{fragment}-{offset_ms:06}".parse()?;
/// let fields = NameFields { fragment: Some("../9134"), offset_ms: 40, ..NameFields::default() };
/// assert_eq!(template.render(&fields), "_._9134-000040");
/// # Ok::<(), kineframe_image_export::TemplateError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTemplate {
    parts: Vec<Part>,
}

impl NameTemplate {
    /// The default for input with fragment numbers: `{fragment}-{offset_ms:06}`.
    pub fn by_fragment() -> Self {
        let dash = Part::Text("-".to_owned());
        NameTemplate { parts: vec![Part::Field(Field::Fragment, 0), dash, Part::Field(Field::OffsetMs, 6)] }
    }

    /// The default for other files: `{index:06}`.
    pub fn by_index() -> Self {
        NameTemplate { parts: vec![Part::Field(Field::Index, 6)] }
    }

    /// The same with `t{track}-` in front of the file's name, for pictures of several tracks.
    pub fn with_track(mut self) -> Self {
        // Behind the last folder.
        let last = self.parts.iter().rposition(|part| matches!(part, Part::Text(text) if text.contains('/')));
        let mut at = 0;
        if let Some(index) = last
            && let Part::Text(text) = &mut self.parts[index]
            && let Some(slash) = text.rfind('/')
        {
            let rest = text.split_off(slash + 1);
            self.parts.insert(index + 1, Part::Text(rest));
            at = index + 1;
        }
        let prefix = [Part::Text("t".to_owned()), Part::Field(Field::Track, 0), Part::Text("-".to_owned())];
        self.parts.splice(at..at, prefix);
        self
    }

    /// The name of a picture, without extension, relative to the output folder, with `/` between folders.
    pub fn render(&self, fields: &NameFields<'_>) -> String {
        let mut name = String::new();
        for part in &self.parts {
            let number = match *part {
                Part::Text(ref text) => {
                    name.push_str(text);
                    continue;
                }
                Part::Field(Field::Fragment, _) => {
                    match fields.fragment {
                        Some(number) => push_safe(&mut name, number),
                        None => push_number(&mut name, "doc-", i128::from(fields.document), 6),
                    }
                    continue;
                }
                Part::Field(Field::Stream, _) => {
                    push_safe(&mut name, fields.stream.unwrap_or("unknown"));
                    continue;
                }
                Part::Field(Field::OffsetMs, width) => (Some(i128::from(fields.offset_ms)), width),
                Part::Field(Field::Index, width) => (Some(i128::from(fields.index)), width),
                Part::Field(Field::ProducerMs, width) => (fields.producer_ms.map(i128::from), width),
                Part::Field(Field::ServerMs, width) => (fields.server_ms.map(i128::from), width),
                Part::Field(Field::Track, width) => (Some(i128::from(fields.track)), width),
                Part::Field(Field::Document, width) => (Some(i128::from(fields.document)), width),
            };
            match number {
                (Some(number), width) => push_number(&mut name, "", number, width),
                (None, _) => name.push_str("unknown"),
            }
        }
        name
    }
}

fn push_number(name: &mut String, prefix: &str, number: i128, width: usize) {
    // Writing to a String does not fail.
    let _ = write!(name, "{prefix}{number:0width$}");
}

/// The longest text that a field contributes, in bytes: a fragment number has 128 digits at most.
const LONGEST_FIELD: usize = 128;

/// Text from the input, as a piece of a file's name on any system.
fn push_safe(name: &mut String, text: &str) {
    let start = name.len();
    for character in text.chars() {
        // A dot in front would hide the file or make a path of it, and one behind is lost on Windows.
        let inner_dot = character == '.' && name.len() > start;
        let safe =
            if character.is_alphanumeric() || matches!(character, '-' | '_') || inner_dot { character } else { '_' };
        if name.len() + safe.len_utf8() > start + LONGEST_FIELD {
            break;
        }
        name.push(safe);
    }
    if name.len() == start {
        name.push('_');
    } else if name.ends_with('.') {
        name.pop();
        name.push('_');
    }
}

impl FromStr for NameTemplate {
    type Err = TemplateError;

    fn from_str(template: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some(character) = rest.chars().next() {
            let at = template.len() - rest.len();
            if rest.starts_with("{{") || rest.starts_with("}}") {
                text.push(character);
                rest = &rest[2..];
            } else if character == '{' {
                let end = rest.find('}').ok_or(TemplateError::Brace(at))?;
                let inner = &rest[1..end];
                let (field, width) = inner.split_once(':').map_or((inner, None), |(field, width)| (field, Some(width)));
                let field = Field::from_name(field).ok_or_else(|| TemplateError::UnknownField(field.to_owned()))?;
                let width = width.map_or(Ok(0), parse_width)?;
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Field(field, width));
                rest = &rest[end + 1..];
            } else if character == '}' {
                return Err(TemplateError::Brace(at));
            } else {
                text.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let parsed = NameTemplate { parts };
        // Fields are never empty and never hold a separator or begin with a dot: one example stands for all.
        let example = parsed.render(&NameFields::default());
        let sound = |folder: &str| !matches!(folder, "" | "." | "..");
        let plain = |character: char| !character.is_control() && character != '\\';
        // A drive (`C:`) is a path of its own on Windows.
        if !example.split('/').all(sound) || !example.chars().all(plain) || example.contains(':') {
            return Err(TemplateError::Outside(template.to_owned()));
        }
        Ok(parsed)
    }
}

fn parse_width(width: &str) -> Result<usize, TemplateError> {
    let digits = width.strip_prefix('0').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|digits| digits.parse().ok())
        .filter(|width| *width <= 99)
        .ok_or_else(|| TemplateError::Width(width.to_owned()))
}

/// Hands out names, each once: a clash appends `-2`, `-3`, ….
///
/// Sixteen bytes are kept for each name, so that a run over days stays small.
#[derive(Debug)]
pub struct Names {
    template: NameTemplate,
    extension: &'static str,
    /// A name's hash, and the number that its next clash tries first.
    taken: HashMap<u64, u32>,
    hasher: RandomState,
}

impl Names {
    /// Names by a template, with a dot and the extension behind.
    pub fn new(template: NameTemplate, extension: &'static str) -> Self {
        Names { template, extension, taken: HashMap::new(), hasher: RandomState::new() }
    }

    /// The name of the next picture, relative to the output folder.
    pub fn next(&mut self, fields: &NameFields<'_>) -> PathBuf {
        let stem = self.template.render(fields);
        let base = self.hash(&stem);
        let mut name = stem.clone();
        if let Some(first) = self.taken.get(&base) {
            let mut number = *first;
            loop {
                name.truncate(stem.len());
                push_number(&mut name, "-", i128::from(number), 0);
                number = number.saturating_add(1);
                let hash = self.hash(&name);
                if let Entry::Vacant(free) = self.taken.entry(hash) {
                    free.insert(2);
                    break;
                }
            }
            self.taken.insert(base, number);
        } else {
            self.taken.insert(base, 2);
        }
        name.push('.');
        name.push_str(self.extension);
        PathBuf::from(name)
    }

    /// Names that differ in case alone are one on some file systems. Two names with equal hashes, one pair in
    /// billions of names, cost a number that was not needed.
    fn hash(&self, name: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for character in name.chars().flat_map(char::to_lowercase) {
            hasher.write_u32(u32::from(character));
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn render(template: &str, fields: &NameFields<'_>) -> String {
        template.parse::<NameTemplate>().unwrap_or_else(|error| panic!("{template}: {error}")).render(fields)
    }

    #[test]
    fn every_field() {
        let fields = NameFields {
            fragment: Some("91343852333181432392682062607743920146264056"),
            document: 3,
            offset_ms: -40,
            index: 7,
            producer_ms: Some(1_511_852_108_513),
            server_ms: None,
            stream: Some("door cam"),
            track: 2,
        };
        assert_eq!(render("{index:06}", &fields), "000007");
        assert_eq!(render("{offset_ms:06}", &fields), "-00040", "as wide with the sign");
        assert_eq!(render("{offset_ms}", &fields), "-40");
        assert_eq!(render("{stream}/{track}-{document}", &fields), "door_cam/2-3");
        assert_eq!(render("{producer_ms}_{server_ms}", &fields), "1511852108513_unknown");
        assert_eq!(render("{{{index}}}", &fields), "{7}");
        let none = NameFields { fragment: None, ..fields };
        assert_eq!(NameTemplate::by_fragment().render(&none), "doc-000003--00040");
        assert_eq!("{fragment}-{offset_ms:06}".parse(), Ok(NameTemplate::by_fragment()));
        assert_eq!("{index:06}".parse(), Ok(NameTemplate::by_index()));
    }

    #[test]
    fn the_track_goes_in_front_of_the_file() {
        let fields = NameFields { track: 2, index: 5, stream: Some("s"), ..NameFields::default() };
        let with_track =
            |template: &str| template.parse::<NameTemplate>().map(|template| template.with_track().render(&fields));
        assert_eq!(with_track("{index}").as_deref(), Ok("t2-5"));
        assert_eq!(with_track("{stream}/x{index}").as_deref(), Ok("s/t2-x5"));
        assert_eq!(with_track("a/{stream}/{index}").as_deref(), Ok("a/s/t2-5"));
    }

    #[test]
    fn bad_templates_say_why() {
        let error = |template: &str| template.parse::<NameTemplate>().err();
        assert_eq!(error("{frame}"), Some(TemplateError::UnknownField("frame".to_owned())));
        assert_eq!(error("{index:6}"), Some(TemplateError::Width("6".to_owned())));
        assert_eq!(error("{index:0999}"), Some(TemplateError::Width("0999".to_owned())));
        assert_eq!(error("a{index"), Some(TemplateError::Brace(1)));
        assert_eq!(error("a}"), Some(TemplateError::Brace(1)));
        for outside in ["", "/etc/{index}", "../{index}", "a/../{index}", "a//b", "a/", ".", "C:{index}", "a\\b", "a\0"]
        {
            assert_eq!(error(outside), Some(TemplateError::Outside(outside.to_owned())));
        }
    }

    #[test]
    fn clashes_are_numbered() {
        let mut names = Names::new("{fragment}".parse().expect("a template"), "jpg");
        let mut next = |fragment| {
            let name = names.next(&NameFields { fragment: Some(fragment), ..NameFields::default() });
            name.to_string_lossy().into_owned()
        };
        assert_eq!([next("a"), next("a"), next("A"), next("b")], ["a.jpg", "a-2.jpg", "A-3.jpg", "b.jpg"]);
        assert_eq!([next("c-2"), next("c"), next("c"), next("c-2")], ["c-2.jpg", "c.jpg", "c-3.jpg", "c-2-2.jpg"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_text_leaves_the_folder(fragment in ".{0,200}", stream in "[./\\\\:a\u{0}\\-]{0,6}") {
            let fields = NameFields { fragment: Some(&fragment), stream: Some(&stream), ..NameFields::default() };
            let mut names = Names::new("{stream}/{fragment}".parse().expect("a template"), "png");
            let name = names.next(&fields);
            let parts: Vec<_> = name.components().collect();
            prop_assert_eq!(parts.len(), 2);
            prop_assert!(parts.iter().all(|part| matches!(part, std::path::Component::Normal(_))), "{:?}", name);
            prop_assert!(parts.iter().all(|part| part.as_os_str().len() <= 255));
        }
    }
}
