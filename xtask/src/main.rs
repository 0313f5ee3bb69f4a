//! Repository tasks: `cargo xtask <task>`.
//!
//! Each task is a module with a `run` function. Rules that a task checks are functions over plain inputs, so that the
//! tests can feed them an example that breaks the rule.

mod args;
mod backends;
mod bench;
mod clients;
mod codegen;
mod conformance;
mod crowd;
mod deny;
mod docs_table;
mod examples;
mod fixtures;
mod fuzz;
mod golden;
mod hour;
mod layers;
mod packages;
mod sessions;
mod setup;
mod shell;
mod tasks;
mod tidy;

use args::Args;
use shell::Result;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <task>

  setup [--full]            install what the build and the tests need, or say what to install
  demo [ARGS…]              build the command and run `kineframe demo`
  test [--no-setup]         set up what the tests need, then run every test of the workspace
  ci                        what `.ci/run` does: tests, lints, docs, rules, fuzz targets, benches, examples

  codegen [--check]         write the table of Matroska elements, or say whether it is current
  tidy                      rules for files: docs, length, order, licences, paths, tests
  layers [--no-api]         rules for crates: floors, runtimes, SDKs, native code, foreign types
  fixtures                  check testdata against its manifest
  golden [--bless]          compare event traces and pictures with testdata/golden, or write them anew
  conformance [--media DIR] [--plain]
                            write docs/conformance.md: every back end against the kit, and the streams of DIR/codec;
                            with --plain without those that need system libraries
  backends                  what each decoder back end costs alone: build, size, licences, trusted lines; into
                            docs/dependencies.md
  deny                      cargo-deny: bans, licences, sources (built on first use)
  examples                  build and run the packages under examples/
  sessions [--seeds N]      sessions with faults, seed by seed (default 2,000): what came in is what was sent
  crowd [--seconds N]       20 producers and 60 readers at the local service, in release (default 30 s)
  hour [--seconds N]        a consumer at twelve-fold speed for an hour's worth of stream (default 300 seconds): memory,
                            descriptors, what it asks of the service; draws docs/images/session-hour.svg
  fuzz [--seconds N] [TARGET…]
                            build the fuzz targets with coverage and run each for N seconds (default 10)
  bench [--only PART] [--media DIR] [--rounds N] [--write]
                            speed as ratios to other programs in the same run: splitting, pictures, archive, latency,
                            server;
                            KINEFRAME_PEER_PYTHON names a Python with OpenCV and PyAV
  bench --criterion|--once [ARGS…]
                            the benches of the crates, in the release profile or once each; ARGS go to criterion
";

fn main() -> ExitCode {
    if let Some(code) = layers::rustdoc_shim() {
        return code;
    }
    let mut args = Args::from_env();
    match dispatch(&mut args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &mut Args) -> Result<()> {
    let Some(task) = args.positional() else {
        print!("{USAGE}");
        return Ok(());
    };
    match task.as_str() {
        "setup" => setup::run(args),
        "demo" => tasks::demo(args),
        "test" => tasks::test(args),
        "ci" => tasks::ci(args),
        "codegen" => codegen(args),
        "tidy" => tidy::run(args),
        "layers" => layers::run(args),
        "fixtures" => fixtures::run(args),
        "golden" => golden::run(args),
        "backends" => backends::run(args),
        "conformance" => conformance::run(args),
        "deny" => deny::run(args),
        "examples" => examples::run(args),
        "sessions" => sessions::run(args),
        "crowd" => crowd::run(args),
        "hour" => hour::run(args),
        "fuzz" => fuzz::run(args),
        "bench" => bench::run(args),
        "help" | "-h" | "--help" => {
            print!("{USAGE}");
            Ok(())
        }
        other => Err(format!("no task `{other}`; `cargo xtask help` lists them").into()),
    }
}

fn codegen(args: &mut Args) -> Result<()> {
    let check = args.flag("--check");
    args.finish()?;
    codegen::run(check)?;
    println!("codegen: the table of elements is {}", if check { "current" } else { "written" });
    Ok(())
}
