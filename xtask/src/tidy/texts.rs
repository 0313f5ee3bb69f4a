//! Rules for every text file: blanks, line ends, open work, paths of one machine.

/// Every rule for texts.
pub fn all(path: &str, text: &str) -> Vec<String> {
    if path.starts_with("LICENSE") || path.ends_with("Cargo.lock") {
        return Vec::new();
    }
    [line_ends(path, text), open_work(path, text), machine_paths(path, text)].concat()
}

/// No carriage returns, no blanks at the end of a line, one line feed at the end of the file.
pub fn line_ends(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for (number, line) in text.split('\n').enumerate().map(|(number, line)| (number + 1, line)) {
        if line.ends_with('\r') {
            broken.push(format!("{path}:{number}: a carriage return"));
        } else if line.ends_with([' ', '\t']) {
            broken.push(format!("{path}:{number}: blanks at the end of the line"));
        }
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        broken.push(format!("{path}: must end with one line feed"));
    }
    broken
}

/// Work that is left open names its issue: `TODO(#12)`.
pub fn open_work(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for mark in [concat!("TO", "DO"), concat!("FIX", "ME")] {
            let word = |after: &str| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '`');
            let numbered =
                |after: &str| after.starts_with("(#") && after[2..].starts_with(|c: char| c.is_ascii_digit());
            let open = line.split(mark).skip(1).any(|after| word(after) && !numbered(after));
            if open {
                broken.push(format!("{path}:{}: {mark} without an issue number, as {mark}(#12)", number + 1));
            }
        }
    }
    broken
}

/// No folder of one person's machine.
pub fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let roots = [
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/ro", "ot/"),
        concat!("/t", "mp/"),
        concat!(r"C:\Us", "ers"),
    ];
    let mut broken = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for root in roots {
            // A URL or a relative path may hold the same letters; a path of a machine begins there.
            let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}~)".contains(c));
            let named = |at: usize| line[at + root.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.');
            if line.match_indices(root).any(|(at, _)| begins(at) && named(at)) {
                broken.push(format!("{path}:{}: a path of one machine: {root}…", number + 1));
            }
        }
    }
    broken
}
