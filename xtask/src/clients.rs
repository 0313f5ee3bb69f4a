//! Clients in Python that the tests run against the local service: in a virtual environment of their own, so that
//! nothing outside `target/` changes.

use crate::shell::{self, Result, has_all};

/// What is installed, with the version that the tests were written against.
const PACKAGES: &[&str] = &["boto3==1.44.5", "awscli==1.46.3"];

/// Installs the clients where they are not there yet. Where that fails a line says so, and the tests that need them
/// are skipped, each with a line.
pub fn ensure() {
    let folder = shell::root().join("target").join("clients");
    let python = folder.join("bin").join("python3");
    if has_all(&python.to_string_lossy(), &["-c", "import boto3, awscli"]) {
        return;
    }
    if let Err(error) = install(&folder, &python) {
        println!("setup: no boto3 and awscli in {}: {error}; the tests with them are skipped", folder.display());
    }
}

fn install(folder: &std::path::Path, python: &std::path::Path) -> Result<()> {
    shell::run(shell::command("python3").args(["-m", "venv"]).arg(folder))?;
    shell::run(shell::command(python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))
}
