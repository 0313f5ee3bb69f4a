//! `kineframe demo`: the whole path on a capture that the program carries, through a service of its own.

use std::fmt::{Display, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use kineframe::consumer::{Every, Grid};
use kineframe::image_export::{Existing, ExportOptions, ImageFormat, write_file};
use kineframe_server::Server;
use tokio::runtime::Runtime;

use crate::args::{Common, Demo, Pace, Put, Service, Via};
use crate::commands::frames::{Folder, everything, file_failure};
use crate::commands::put;
use crate::input::Input;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::pictures::{self, Written};
use crate::units::Bound;

/// A GetMedia body of five fragments, H.264 at 640×360 (Apache-2.0, from the AWS parser library's tests).
static CAPTURE: &[u8] = include_bytes!("../../demo/capture.mkv");

/// One picture on the contact sheet.
struct Card {
    file: String,
    time: String,
    fragment: String,
    offset_ms: Option<i64>,
    keyframe: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Demo, common: &Common) -> Result<Outcome, Failure> {
    let folder = &args.output;
    fs::create_dir_all(folder).map_err(|error| Failure::output(folder.display(), &error))?;
    let capture = folder.join("capture.mkv");
    write_file(&capture, CAPTURE, Existing::Replace).map_err(file_failure)?;

    let service = LocalService::start()?;
    put::send(&service.put(&capture), common, Output::silent())?;
    let (mut input, selection) = everything(STREAM);
    input.from = Some(Bound::Earliest);
    // All of it is there: what was acknowledged is archived.
    input.via = Some(Via::Fragments);
    input.service = service.flags.clone();
    let mut options = pictures::options(&input, &selection, common)?;
    options.selection.every = Some(Every { step: std::time::Duration::from_millis(500), grid: Grid::Start });
    let mut cards = Vec::new();
    let pictures = folder.join("pictures");
    let existing = Existing::Replace;
    let mut target = Folder { path: &pictures, template: None, all_tracks: false, existing, stream: None };
    let outcome = target.write(
        Input::open(&input, common)?,
        options,
        &ExportOptions::new(ImageFormat::Jpeg),
        common,
        &mut |file, picture| cards.push(card(folder, file, picture)),
    )?;

    let sheet = folder.join("index.html");
    write_file(&sheet, page(&cards).as_bytes(), Existing::Replace).map_err(file_failure)?;
    if !common.json {
        say_next(&sheet, &capture, &cards);
    }
    Ok(outcome)
}

/// Where the capture goes, and comes back from.
const STREAM: &str = "kvs://demo";

/// A Kinesis Video service in this process, on loopback, which keeps nothing. It ends with this.
struct LocalService {
    flags: Service,
    server: Option<Server>,
    runtime: Runtime,
}

impl LocalService {
    fn start() -> Result<LocalService, Failure> {
        let failed = |error: &dyn Display| Failure::Work(format!("the local service does not start: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let mut options = kineframe_server::Options::default();
        options.limits = kineframe_server::Limits::none();
        let region = options.region.clone();
        let server = runtime.block_on(Server::start(options)).map_err(|error| failed(&error))?;
        let flags = Service {
            region: Some(region),
            endpoint_url: Some(server.endpoint().to_owned()),
            credentials: Some(("demo".into(), "demo".into())),
            profile: None,
        };
        Ok(LocalService { flags, server: Some(server), runtime })
    }

    /// The flags that put a file into it.
    fn put(&self, file: &Path) -> Put {
        Put {
            file: file.display().to_string(),
            stream: STREAM.into(),
            create: true,
            retention: 1,
            start: None,
            pace: Pace::Fast,
            rounds: None,
            tag: Vec::new(),
            fragment_duration: None,
            service: self.flags.clone(),
        }
    }
}

impl Drop for LocalService {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

fn card(folder: &Path, file: &Path, picture: &Written) -> Card {
    let info = &picture.info;
    let file = file.strip_prefix(folder).unwrap_or(file);
    Card {
        file: file.display().to_string(),
        time: info.producer_time.and_then(|time| time.to_rfc3339()).unwrap_or_default(),
        fragment: info.fragment.number.as_ref().map(ToString::to_string).unwrap_or_default(),
        offset_ms: info.offset.map(|nanos| nanos.div_euclid(1_000_000)),
        keyframe: info.keyframe,
    }
}

fn say_next(sheet: &Path, capture: &Path, cards: &[Card]) {
    let sheet = fs::canonicalize(sheet).unwrap_or_else(|_| PathBuf::from(sheet));
    let capture = capture.display();
    let fragment = cards.last().map_or("", |card| &card.fragment);
    println!("contact sheet: {}", sheet.display());
    println!();
    println!("Next, on the same capture:");
    println!("  kineframe fragments {capture}");
    println!("  kineframe frame {capture} --fragment {fragment} --offset 1.25 -o picture.png");
    println!("  kineframe frames {capture} -o thumbnails --keyframes --size 160x");
    println!("  kineframe merge {capture} -o whole.mkv");
    println!("and on a stream of your own, as it arrives:");
    println!("  kineframe frames kvs://STREAM -o pictures --every 1s");
}

/// The contact sheet: a page that needs nothing but the pictures beside it.
fn page(cards: &[Card]) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>kineframe demo</title>\n<style>\n\
         body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; background: #fafafa; color: #222 }\n\
         main { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 1rem }\n\
         figure { margin: 0; background: #fff; border: 1px solid #ddd; border-radius: 6px; overflow: hidden }\n\
         img { display: block; width: 100%; height: auto }\n\
         figcaption { padding: .5rem .7rem } small { color: #666; overflow-wrap: anywhere }\n\
         .key { color: #06c }\n</style>\n<h1>One picture every half second</h1>\n",
    );
    let _ = writeln!(
        page,
        "<p>{} pictures of a capture that went through a local Kinesis Video service, each with its exact wall time.</p>\n<main>",
        cards.len()
    );
    for card in cards {
        let Card { file, time, fragment, .. } = card;
        let offset = card.offset_ms.map(|offset| format!(" + {offset} ms")).unwrap_or_default();
        let key = if card.keyframe { " <span class=\"key\">key frame</span>" } else { "" };
        // Times, digits and names that the command made itself: nothing of it needs escaping.
        let _ = writeln!(
            page,
            "<figure><a href=\"{file}\"><img src=\"{file}\" alt=\"{time}\" loading=\"lazy\"></a>\
             <figcaption>{time}{key}<br><small>fragment {fragment}{offset}</small></figcaption></figure>"
        );
    }
    page.push_str("</main>\n</html>\n");
    page
}
