//! `kineframe split`: each fragment as a playable file of its own.

use std::fs;

use kineframe::fragment::{FileStart, FragmentFiles, RemuxOptions};
use kineframe::image_export::{NameFields, NameTemplate, Names};
use serde_json::json;

use crate::args::{Common, Split};
use crate::made::{Place, make};
use crate::outcome::{Failure, Outcome};

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Split, common: &Common) -> Result<Outcome, Failure> {
    let folder = &args.output;
    let template: NameTemplate = "{fragment}".parse().map_err(|error| Failure::Usage(format!("{error}")))?;
    let mut names = Names::new(template, "mkv");
    let place = |start: &FileStart| {
        let number = start.head.number.as_ref().map(ToString::to_string);
        let fields = NameFields {
            fragment: number.as_deref(),
            document: start.head.index,
            index: start.index,
            ..NameFields::default()
        };
        let path = folder.join(names.next(&fields));
        fs::create_dir_all(folder).map_err(|error| Failure::output(folder.display(), &error))?;
        Ok(Place::File { path, about: json!({ "fragment_number": number }) })
    };
    make(FragmentFiles::new(RemuxOptions::default()), &args.input, common, place, |files| {
        format!("{files} file{} in {}", if files == 1 { "" } else { "s" }, folder.display())
    })
}
