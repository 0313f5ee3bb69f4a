//! The credentials of the local service, which outlive it as its streams do.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use kineframe_server::Auth;
use serde::{Deserialize, Serialize};

use crate::outcome::Failure;

/// In the data folder, for its owner's eyes alone.
const NAME: &str = "credentials.json";
/// Bytes that the file has at most.
const MOST: u64 = 64 << 10;

#[derive(Serialize, Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
}

/// The credentials of a data folder; where it has none, new ones, which it has from then on.
///
/// # Errors
/// They cannot be read or written, or the file is none of ours.
pub fn kept(folder: &Path) -> Result<Auth, Failure> {
    let path = folder.join(NAME);
    let failed = |what: String| {
        Failure::Work(format!("{}: {what}; choose another folder with --data or give --access-key-id", path.display()))
    };
    if !path.exists() {
        write(folder, &path).map_err(|error| failed(error.to_string()))?;
    }
    let found = File::open(&path).map_err(|error| error.to_string()).and_then(read).map_err(failed)?;
    Ok(Auth::SigV4 { access_key_id: found.access_key_id, secret_access_key: found.secret_access_key })
}

fn read(file: File) -> Result<Keys, String> {
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let keys: Keys = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let sound = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if sound(&keys.access_key_id) && sound(&keys.secret_access_key) { Ok(keys) } else { Err("no credentials".into()) }
}

/// Makes the file, unless another process has just done so. Under another name first: who finds it finds all of it.
fn write(folder: &Path, path: &Path) -> std::io::Result<()> {
    let Auth::SigV4 { access_key_id, secret_access_key } = Auth::generate() else {
        return Err(ErrorKind::Unsupported.into());
    };
    let keys = Keys { access_key_id, secret_access_key };
    std::fs::create_dir_all(folder)?;
    let part = folder.join(format!("{NAME}.{}", std::process::id()));
    let _ = std::fs::remove_file(&part); // left behind by a process that was killed
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(&serde_json::to_vec(&keys)?)?;
    file.sync_all()?;
    // A link, unlike a new name, replaces nothing.
    let linked = std::fs::hard_link(&part, path);
    std::fs::remove_file(&part)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
