//! `kineframe serve`: the local Kinesis Video service.

mod keys;
mod upstream;

use std::path::PathBuf;
use std::time::Duration;

use kineframe_server::{Auth, Data, Limits, Options, Server};
use serde::Serialize;

use crate::args::{Common, Serve};
use crate::outcome::{Failure, Outcome};
use crate::output;
use crate::signals::Stop;
use crate::units::ByteSize;

/// The first line: where the service is, and with what requests to it are signed.
#[derive(Serialize)]
struct Ready<'a> {
    endpoint: &'a str,
    region: &'a str,
    access_key_id: Option<&'a str>,
    secret_access_key: Option<&'a str>,
}

/// Runs the command, until a signal comes.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Serve, common: &Common) -> Result<Outcome, Failure> {
    let options = options(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Work(format!("no threads to serve with: {error}")))?;
    let (region, auth) = (options.region.clone(), options.auth.clone());
    let (asked, mut stop) = tokio::sync::mpsc::channel(1);
    let watch = Stop::watch(move || {
        let _ = asked.try_send(());
    });
    let signal = watch.map_err(|error| Failure::Work(format!("signals cannot be watched: {error}")))?;
    runtime.block_on(async {
        let server = Server::start(options).await.map_err(|error| {
            Failure::Work(format!("{error}; choose another address with --listen or another folder with --data"))
        })?;
        let mut upstreams = upstream::start(&server, &args.upstream).await?;
        say(server.endpoint(), &region, &auth, common)?;
        let ended = tokio::select! {
            _ = stop.recv() => Ok(()),
            failure = upstreams.failure() => Err(failure),
        };
        drop(upstreams);
        server.stop().await;
        ended
    })?;
    match signal.check() {
        // SIGTERM is how a service is told to end.
        Err(Failure::Interrupted(signal)) if signal == signal_hook::consts::SIGTERM => Ok(Outcome::Good),
        Err(failure) => Err(failure),
        Ok(()) => Ok(Outcome::Good),
    }
}

fn options(args: &Serve) -> Result<Options, Failure> {
    let mut options = Options::default();
    options.listen = args.listen;
    options.data = match args.data.as_deref() {
        Some(path) if path == std::path::Path::new(":memory:") => Data::Memory,
        Some(path) => Data::Folder(path.to_owned()),
        None => Data::Folder(default_folder()?),
    };
    options.auth = if args.no_auth { Auth::Off } else { credentials(args, &options.data)? };
    options.region.clone_from(&args.region);
    options.faults.clone_from(&args.fault);
    let set = |target: &mut Duration, value: Option<crate::units::Duration>| {
        if let Some(value) = value {
            *target = value.to_std();
        }
    };
    set(&mut options.idle_end, args.idle_end);
    set(&mut options.session_end, args.session_end);
    set(&mut options.put_idle_end, args.put_idle_end);
    let count = |target: &mut usize, value: Option<usize>| *target = value.unwrap_or(*target);
    count(&mut options.max_connections, args.max_connections);
    count(&mut options.max_get_media, args.max_get_media);
    count(&mut options.max_get_media_for_fragment_list, args.max_get_media_for_fragment_list);
    count(&mut options.max_put_media, args.max_put_media);
    set(&mut options.max_fragment_time, args.max_fragment_time);
    options.max_fragment_bytes = args.max_fragment_bytes.map_or(options.max_fragment_bytes, |size| size.0);
    options.limits = limits(args);
    options.decoders = kineframe::decoders::default_list();
    Ok(options)
}

fn limits(args: &Serve) -> Limits {
    let mut limits = if args.no_limits { Limits::none() } else { Limits::default() };
    let set = |target: &mut f64, value: Option<f64>| *target = value.unwrap_or(*target);
    let bytes = |size: Option<ByteSize>| size.map(|size| size.0 as f64);
    set(&mut limits.calls, args.calls_per_second);
    set(&mut limits.fragment_media_points, args.media_points_per_second);
    set(&mut limits.fragment_metadata_points, args.metadata_points_per_second);
    set(&mut limits.get_bytes, bytes(args.get_bytes_per_second));
    set(&mut limits.put_bytes, bytes(args.put_bytes_per_second));
    set(&mut limits.put_fragments, args.put_fragments_per_second);
    set(&mut limits.get_fragments, args.get_fragments_per_second);
    set(&mut limits.hls_playlists, args.hls_playlists_per_second);
    set(&mut limits.hls_fragments, args.hls_fragments_per_second);
    limits
}

/// Those that were given; else those of the data folder, so that programs that have them go on working.
fn credentials(args: &Serve, data: &Data) -> Result<Auth, Failure> {
    match (&args.access_key_id, &args.secret_access_key) {
        (Some(id), Some(secret)) => Ok(Auth::SigV4 { access_key_id: id.clone(), secret_access_key: secret.clone() }),
        (None, None) => match data {
            Data::Folder(folder) => keys::kept(folder),
            _ => Ok(Auth::generate()),
        },
        _ => Err(Failure::Usage("--access-key-id and --secret-access-key go together".into())),
    }
}

/// `kineframe` in the user's data directory.
fn default_folder() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME")
        .or_else(|| set("LOCALAPPDATA"))
        .or_else(|| set("HOME").map(|home| home.join(".local").join("share")));
    let none = || Failure::Usage("no data directory is known here: say where to keep streams with --data DIR".into());
    Ok(data.ok_or_else(none)?.join("kineframe").join("serve"))
}

fn say(endpoint: &str, region: &str, auth: &Auth, common: &Common) -> Result<(), Failure> {
    let (id, secret) = match auth {
        Auth::SigV4 { access_key_id, secret_access_key } => {
            (Some(access_key_id.as_str()), Some(secret_access_key.as_str()))
        }
        _ => (None, None),
    };
    if common.json {
        let ready = Ready { endpoint, region, access_key_id: id, secret_access_key: secret };
        let mut line = serde_json::to_vec(&ready).map_err(|error| Failure::Work(format!("JSON: {error}")))?;
        line.push(b'\n');
        return output::bytes(&line);
    }
    let mut text = format!("export AWS_ENDPOINT_URL={endpoint} AWS_REGION={region} AWS_DEFAULT_REGION={region}");
    // A client signs in any case; without authentication anything will do.
    let (id, secret) = (id.unwrap_or("local"), secret.unwrap_or("local"));
    text.push_str(&format!(" AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY={secret}\n"));
    output::bytes(text.as_bytes())
}
