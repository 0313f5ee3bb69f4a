//! Clients in Python that the tests run against the local service: in a virtual environment of their own, so that
//! nothing outside `target/` changes.

use std::path::Path;

use crate::shell::{self, Result, has_all};

/// What is installed, with the versions that the tests were written against: the modules that show whether they are
/// there, and the packages. OpenCV stands alone, since it is the one without a wheel on some machines.
const PACKAGES: &[(&str, &[&str])] =
    &[("boto3, awscli", &["boto3==1.44.5", "awscli==1.46.3"]), ("cv2", &["opencv-python-headless==5.0.0.93"])];

/// Installs the clients where they are not there yet. Where that fails a line says so, and the tests that need them
/// are skipped, each with a line.
pub fn ensure() {
    let folder = shell::root().join("target").join("clients");
    let python = folder.join("bin").join("python3");
    for (modules, packages) in PACKAGES {
        if has_all(&python.to_string_lossy(), &["-c", &format!("import {modules}")]) {
            continue;
        }
        if let Err(error) = install(&folder, &python, packages) {
            println!("setup: no {modules} in {}: {error}; the tests with it are skipped", folder.display());
        }
    }
}

fn install(folder: &Path, python: &Path, packages: &[&str]) -> Result<()> {
    if !has_all(&python.to_string_lossy(), &["-m", "pip", "--version"]) {
        shell::run(shell::command("python3").args(["-m", "venv"]).arg(folder))?;
    }
    // Only wheels: a build from source would take longer than all tests do.
    let pip = ["-m", "pip", "install", "--quiet", "--only-binary", "opencv-python-headless,numpy"];
    shell::run(shell::command(python).args(pip).args(packages))
}
