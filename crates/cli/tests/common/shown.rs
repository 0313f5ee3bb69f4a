//! Pages of documentation, to be run as they stand.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::local::{Local, signed};

/// A block of code in a page.
pub struct Block {
    /// The text of the heading that it stands under.
    pub heading: String,
    /// What is written behind the opening fence.
    pub language: String,
    /// Its lines.
    pub text: String,
    /// The line of the page that it begins in, from 1.
    pub line: usize,
}

/// The blocks of code in a page of Markdown.
pub fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut heading, mut open) = (Vec::new(), String::new(), None::<Block>);
    for (index, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(language)) => {
                let (heading, language) = (heading.clone(), language.trim().to_owned());
                open = Some(Block { heading, language, text: String::new(), line: index + 1 });
            }
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) if line.starts_with('#') => heading = line.trim_start_matches('#').trim().to_owned(),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

/// The Python with these modules that `cargo xtask setup` installs.
pub fn python(modules: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients/bin/python");
    let found = Command::new(&path).args(["-c", &format!("import {modules}")]).output();
    found.is_ok_and(|output| output.status.success()).then_some(path)
}

/// A shell for commands as they stand in a page, in this folder: `kineframe` and `python` are those of the tests, and the
/// service is the local one.
pub fn shell(local: &Local, folder: &Path, commands: &str) -> Command {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients/bin");
    let own = Path::new(env!("CARGO_BIN_EXE_kineframe")).parent().expect("a folder").to_owned();
    let mut path = vec![own, clients];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").expect("a path")));
    let mut shell = Command::new("sh");
    signed(&mut shell).args(["-ec", commands]).current_dir(folder);
    shell.env("PATH", std::env::join_paths(path).expect("no colons"));
    shell
        .env("AWS_ENDPOINT_URL", &local.endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1");
    shell
}
