//! Every element, with where it stands and how long it is.

use kineframe::ebml::{DataMode, Element, ElementType, EndReason, Item, Limits, Recovery, Walker, value};
use kineframe::matroska::MatroskaSchema;
use serde::Serialize;
use serde_json::json;

use crate::args::{Common, Inspect};
use crate::body::DamageObject;
use crate::input::Input;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;

/// The object of one element.
#[derive(Serialize)]
struct ElementObject<'a> {
    depth: usize,
    name: Option<&'a str>,
    id: String,
    offset: u64,
    header_size: u8,
    data_size: Option<u64>,
}

/// Longest data whose value is shown to a person.
const SHOWN: u64 = 64;
/// Damaged places that the summary names.
const DAMAGE_NAMED: usize = 1000;
/// What to do about an error of `--strict`.
const HINT: &str = "; without --strict damage is reported and passed by";

/// Runs `inspect --tree`.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Inspect, common: &Common) -> Result<Outcome, Failure> {
    let mut input = Input::open(&args.input, common)?;
    if input.is_mp4()? {
        let name = input.name();
        return Err(Failure::Work(format!("{name}: is MP4, and --tree lists EBML elements; leave --tree out")));
    }
    let recovery = if common.strict { Recovery::Stop } else { Recovery::Scan };
    let mut walker = Walker::new(MatroskaSchema, Limits::default(), recovery);
    let mut output = Output::new(common.json);
    let mut damage: Vec<DamageObject> = Vec::new();
    let mut lost = 0u64;
    let mut ended = false;
    // An element whose value is shown waits for its data, which comes next.
    let mut waiting: Option<Element> = None;
    let name = input.name().to_owned();
    let stopped = |error| Failure::Work(format!("{name}: {error}{HINT}"));
    loop {
        while let Some(item) = walker.next().map_err(stopped)? {
            match item {
                Item::Start(element) => {
                    let short = element.header.size.known().is_some_and(|size| size <= SHOWN);
                    if !common.json && short && has_value(&element) && walker.data_of_current(DataMode::Gather) {
                        waiting = Some(element);
                        continue;
                    }
                    output.item(&object(&element), || line(&element, None))?;
                }
                Item::Data { bytes, .. } => {
                    if let Some(element) = waiting.take() {
                        output.say(line(&element, Some(&bytes)))?;
                    }
                }
                // A size that nothing fulfils: the input is cut, or the size is wrong.
                Item::End { element, end, reason: EndReason::Early { missing } } => {
                    let (offset, path) = (element.header.offset, element.name().unwrap_or("(unknown)").to_owned());
                    let reason = format!("it ends at byte {end}, {missing} bytes before the end that its size gives");
                    if common.strict {
                        return Err(Failure::Work(format!("{name}: byte {offset}: {path}: {reason}{HINT}")));
                    }
                    output.say(format!("! byte {offset}: {path}: {reason}"))?;
                    if damage.len() < DAMAGE_NAMED {
                        damage.push(DamageObject { offset, length: 0, path, reason });
                    }
                }
                Item::End { .. } => {}
                Item::Damage(place) => {
                    if let Some(element) = waiting.take() {
                        output.say(line(&element, None))?;
                    }
                    lost = lost.saturating_add(place.lost());
                    let (offset, length) = (place.error.offset, place.lost());
                    let (path, reason) = (place.error.path.to_string(), place.error.kind.to_string());
                    output
                        .say(format!("! byte {offset}: {path}: {reason}; reading goes on at byte {}", place.resume))?;
                    if damage.len() < DAMAGE_NAMED {
                        damage.push(DamageObject { offset, length, path, reason });
                    }
                }
            }
        }
        if ended {
            break;
        }
        match input.next_piece()? {
            Some(piece) => walker.push(piece).map_err(stopped)?,
            None => {
                walker.finish();
                ended = true;
            }
        }
    }
    if let Some(element) = waiting {
        output.say(line(&element, None))?;
    }
    let summary = json!({ "bytes_read": input.bytes_read, "bytes_skipped": lost, "damage": damage });
    output.item(&json!({ "summary": summary }), String::new)?;
    output.flush()?;
    Ok(if damage.is_empty() { Outcome::Good } else { Outcome::Damaged })
}

fn object(element: &Element) -> ElementObject<'_> {
    let header = &element.header;
    ElementObject {
        depth: element.depth,
        name: element.name(),
        id: header.id.to_string(),
        offset: header.offset,
        header_size: header.header_len,
        data_size: header.size.known(),
    }
}

fn has_value(element: &Element) -> bool {
    element.def.is_some_and(|def| !matches!(def.ty, ElementType::Master | ElementType::Binary))
}

fn line(element: &Element, data: Option<&[u8]>) -> String {
    let header = &element.header;
    let name = element.name().unwrap_or("(unknown)");
    let size = header.size.known().map_or_else(|| "unknown size".to_owned(), |size| size.to_string());
    let value = data.and_then(|data| shown(element, data)).map(|value| format!(" = {value}")).unwrap_or_default();
    let odd = if element.misplaced && element.def.is_some() { "  (misplaced)" } else { "" };
    let indent = element.depth * 2;
    format!("{:>10} {:indent$}{name} {} {}+{size}{value}{odd}", header.offset, "", header.id, header.header_len)
}

/// The value of an element as a person reads it; `None` where its data is not of its type.
fn shown(element: &Element, data: &[u8]) -> Option<String> {
    match element.def?.ty {
        ElementType::Unsigned => value::unsigned(data).ok().map(|value| value.to_string()),
        ElementType::Signed | ElementType::Date => value::signed(data).ok().map(|value| value.to_string()),
        ElementType::Float => value::float(data).ok().map(|value| value.to_string()),
        ElementType::String | ElementType::Utf8 => value::utf8(data).ok().map(|value| format!("{value:?}")),
        ElementType::Master | ElementType::Binary => None,
    }
}
