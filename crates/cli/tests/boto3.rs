//! `kineframe serve` as boto3 sees it, unmodified: only the endpoint and the credentials are its own.

mod common;

use std::path::Path;
use std::process::Command;

use common::served::Served;
use common::testdata;

/// Where `cargo xtask setup` puts Python programs.
fn python() -> Option<std::path::PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients/bin/python3");
    path.is_file().then_some(path)
}

#[test]
fn boto3_does_its_whole_work_with_it() {
    let Some(python) = python() else {
        println!("skipped: no boto3; `cargo xtask setup` installs it");
        return;
    };
    let served = Served::start(&["--idle-end", "300ms"]);
    let text = |name| served.text(name);

    let mut client = Command::new(python);
    client.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/boto3_client.py"));
    client.arg(testdata("generated/h264-high-bframes-aac.mkv"));
    client.env("AWS_ENDPOINT_URL", text("endpoint")).env("AWS_DEFAULT_REGION", text("region"));
    client.env("AWS_ACCESS_KEY_ID", text("access_key_id")).env("AWS_SECRET_ACCESS_KEY", text("secret_access_key"));
    client.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
    let output = client.output().expect("Python starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "all as in the service");
}
