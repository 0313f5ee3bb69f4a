//! A local service in this process, and commands that know it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use kineframe_server::{Limits, Options, Server};
use tokio::runtime::Runtime;

use super::{code, kineframe};

/// A service, for the length of a test.
pub struct Local {
    pub server: Option<Server>,
    runtime: Runtime,
    /// Where it listens.
    pub endpoint: String,
}

impl Local {
    pub fn start() -> Local {
        Local::with(|_| {})
    }

    /// A service that is otherwise than most.
    pub fn with(change: impl FnOnce(&mut Options)) -> Local {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
        let mut options = Options::default();
        options.idle_end = Duration::from_millis(200);
        options.limits = Limits::none();
        options.decoders = kineframe::decoders::default_list();
        change(&mut options);
        let server = runtime.block_on(Server::start(options)).expect("a free port");
        let endpoint = server.endpoint().to_owned();
        Local { server: Some(server), runtime, endpoint }
    }

    pub fn command(&self) -> Command {
        let mut command = kineframe();
        signed(&mut command).env("AWS_ENDPOINT_URL_KINESIS_VIDEO", &self.endpoint).env("AWS_REGION", "us-east-1");
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().expect("the command starts")
    }

    pub fn put(&self, file: &Path, stream: &str) {
        let output = self.run(&["put", file.to_str().expect("UTF-8"), stream, "--create", "--json"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

/// An environment with keys and without anything of this machine's.
pub fn signed(command: &mut Command) -> &mut Command {
    unsigned(command).env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret")
}

pub fn unsigned(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars() {
        if name.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent/config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
        .env("NO_PROXY", "127.0.0.1")
}

/// What a command said on standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One line on standard error that says what and what to do, and nothing on standard output. Where what is tried again
/// takes a busy machine more than five seconds, a line before it says that nothing has come yet.
pub fn fails_with(output: &Output, exit: i32, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(code(output), exit, "{said}");
    let told = said.trim_end().lines().filter(|line| !line.ends_with("nothing has come for 5 s; still waiting"));
    assert_eq!(told.count(), 1, "{said}");
    assert!(output.stdout.is_empty());
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}
