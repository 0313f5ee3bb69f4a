//! The service of a session: in this process, or a process of its own that is killed.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kineframe_fragment::{Event, FragmentNumber, Splitter};
use kineframe_server::{Auth, Data, Limits, Options as ServerOptions, Server};
use kineframe_source::{MediaSource, StartSelector};
use kineframe_source_aws::{Client, CredentialsProvider, Options, StaticCredentials, StreamHandle};
use tokio::task::JoinHandle;

use crate::schedule::{Fault, Schedule, Trouble};

/// After so long the 45 minutes are up.
const SESSION_END: Duration = Duration::from_millis(400);

/// How a service of these tests behaves.
fn options(faults: impl IntoIterator<Item = String>) -> ServerOptions {
    let mut options = ServerOptions::default();
    options.limits = Limits::none();
    options.idle_end = Duration::from_millis(40);
    options.session_end = SESSION_END;
    options.faults = faults.into_iter().map(|fault| fault.parse().expect("a fault")).collect();
    options
}

/// The service of a session.
pub enum Served {
    Here { server: Arc<Server>, keys: Arc<Keys> },
    Process(Arc<tokio::sync::Mutex<Process>>),
}

/// Credentials that change.
#[derive(Default)]
pub struct Keys(AtomicU64, Mutex<()>);

impl Keys {
    fn now(&self) -> (String, String) {
        let generation = self.0.load(Ordering::SeqCst);
        (format!("AKID{generation}"), format!("secret{generation}"))
    }

    fn auth(&self) -> Auth {
        let (access_key_id, secret_access_key) = self.now();
        Auth::SigV4 { access_key_id, secret_access_key }
    }
}

impl Served {
    /// A service as the schedule wants it, and a stream of it.
    pub async fn start(schedule: &Schedule) -> (Served, StreamHandle) {
        let keys = Arc::<Keys>::default();
        let faults = schedule.faults.clone();
        let (served, endpoint) = if schedule.is_killed() {
            let process = Process::start(faults).await;
            let endpoint = format!("http://{}", process.address);
            (Served::Process(Arc::new(tokio::sync::Mutex::new(process))), endpoint)
        } else {
            let mut options = options(faults.iter().map(Fault::spec));
            options.auth = keys.auth();
            let server = Server::start(options).await.expect("a free port");
            let endpoint = server.endpoint().to_owned();
            (Served::Here { server: Arc::new(server), keys: keys.clone() }, endpoint)
        };
        // Stalls are among the faults: what falls silent is to be given up soon.
        let stream = client(endpoint, keys, Duration::from_millis(150)).await.stream("door".parse().expect("a name"));
        stream.create(24, Some("video/h264")).await.expect("a new stream");
        (served, stream)
    }

    /// Lets something happen to it, beside what else happens.
    pub fn trouble(&self, trouble: Trouble) -> JoinHandle<()> {
        match self {
            Served::Here { server, keys } => {
                let (server, keys) = (server.clone(), keys.clone());
                tokio::spawn(async move {
                    match trouble {
                        Trouble::Moved => drop(server.move_data_endpoint().await.expect("a free port")),
                        Trouble::Expired => {
                            // One after the other: the newest are the ones that count.
                            let _changing = keys.1.lock().expect("no panic");
                            keys.0.fetch_add(1, Ordering::SeqCst);
                            server.replace_auth(keys.auth());
                        }
                        Trouble::Killed => unreachable!("it would end this process"),
                    }
                })
            }
            Served::Process(process) => {
                let process = process.clone();
                tokio::spawn(async move {
                    if trouble == Trouble::Killed {
                        process.lock().await.restart().await;
                    }
                })
            }
        }
    }

    /// The numbers of all that it has stored, without faults.
    pub async fn stored(&self) -> Result<Vec<String>, String> {
        match self {
            Served::Here { server, .. } => numbers(&server.stream("door").expect("the stream")).await,
            Served::Process(process) => {
                let mut process = process.lock().await;
                process.faults.clear();
                process.restart().await;
                let keys = Arc::default();
                // What checks the sessions has no deadline that a busy machine could miss.
                let client = client(format!("http://{}", process.address), keys, Duration::from_secs(30)).await;
                numbers(&client.stream("door".parse().expect("a name")).get_media()).await
            }
        }
    }

    pub async fn stop(self) {
        match self {
            Served::Here { server, .. } => {
                if let Ok(server) = Arc::try_unwrap(server).map_err(drop) {
                    server.stop().await;
                }
            }
            Served::Process(process) => process.lock().await.kill().await,
        }
    }
}

/// The numbers of all fragments, to the first idle end: a read that its time was up for goes on behind the last one
/// that came whole.
async fn numbers(source: &dyn MediaSource) -> Result<Vec<String>, String> {
    let (mut numbers, mut start) = (Vec::<FragmentNumber>::new(), StartSelector::Earliest);
    for _ in 0..100 {
        let began = Instant::now();
        let body = read(source, &start).await?;
        let cut = began.elapsed() >= SESSION_END;
        let mut splitter = Splitter::new(Default::default());
        splitter.push(body.into());
        splitter.finish();
        while let Some(event) = splitter.next_event().expect("not strict") {
            match event {
                // The service closes every fragment that is whole with a token.
                Event::Finished(tail) if tail.continuation_token.is_some() => numbers.extend(tail.head.number.clone()),
                Event::Finished(_) | Event::Damage(_) if cut => {}
                Event::Finished(_) | Event::Damage(_) => return Err(format!("stored, and not whole: {event:?}")),
                _ => {}
            }
        }
        if !cut {
            return Ok(numbers.iter().map(ToString::to_string).collect());
        }
        start = numbers.last().map_or(StartSelector::Earliest, |last| StartSelector::AfterFragment(last.clone()));
    }
    Err(format!("no read of what is stored came to an end in {SESSION_END:?}, after {}", numbers.len()))
}

async fn read(source: &dyn MediaSource, start: &StartSelector) -> Result<Vec<u8>, String> {
    let mut pieces = source.open(start);
    let mut body = Vec::new();
    while let Some(piece) = std::future::poll_fn(|context| pieces.as_mut().poll_next(context)).await {
        body.extend_from_slice(&piece.map_err(|error| error.to_string())?);
    }
    Ok(body)
}

async fn client(endpoint: String, keys: Arc<Keys>, read_timeout: Duration) -> Client {
    let mut options = Options::default();
    options.region = Some("us-east-1".into());
    options.endpoint_url = Some(endpoint);
    options.credentials_provider = Some(CredentialsProvider::new(move || {
        let (access_key_id, secret_access_key) = keys.now();
        Ok(StaticCredentials { access_key_id, secret_access_key, session_token: None })
    }));
    options.read_timeout = read_timeout;
    options.quotas.calls_per_second = 1000.0;
    options.quotas.control_calls_per_second = 1000.0;
    options.retry.base = Duration::from_millis(5);
    options.retry.longest = Duration::from_millis(50);
    Client::new(options).await.expect("a region")
}

/// A service in a process of its own: this program again, as the test `serve_until_killed`.
pub struct Process {
    address: SocketAddr,
    data: tempfile::TempDir,
    faults: Vec<Fault>,
    child: Option<Child>,
}

/// What tells the process that it is one: its folder, address and faults, between bars.
const ASKED: &str = "KINEFRAME_TEST_SERVE";
const READY: &str = "serving at ";

impl Process {
    async fn start(faults: Vec<Fault>) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut process = Process { address, data, faults, child: None };
        process.run().await;
        process
    }

    async fn restart(&mut self) {
        self.kill().await;
        self.run().await;
    }

    /// Ends it as `kill -9` does.
    async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            let _ = tokio::task::spawn_blocking(move || child.wait()).await;
        }
    }

    async fn run(&mut self) {
        // Garbage that came twice alike would be what is stored.
        self.faults.iter_mut().for_each(|fault| fault.seed += 1);
        let faults: Vec<String> = self.faults.iter().map(Fault::spec).collect();
        let asked = format!("{}|{}|{}", self.data.path().display(), self.address, faults.join("|"));
        let (child, address) = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["--exact", "serve_until_killed", "--nocapture"]).env(ASKED, asked);
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
            let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
            // The test runner may have begun the line.
            let mut lines = lines.map_while(Result::ok);
            let ready = lines.find_map(|line| line.split_once(READY).map(|(_, address)| address.trim().to_owned()));
            (child, ready.and_then(|address| address.parse().ok()).expect("it listens"))
        })
        .await
        .expect("it starts");
        (self.child, self.address) = (Some(child), address);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Serves, where a test has asked for it, until the process is killed or that test's has gone.
pub fn serve() {
    let Ok(asked) = std::env::var(ASKED) else { return };
    let mut asked = asked.split('|');
    let folder: PathBuf = asked.next().map(Path::new).expect("a folder").to_path_buf();
    let address: SocketAddr = asked.next().and_then(|text| text.parse().ok()).expect("an address");
    let mut options = options(asked.filter(|fault| !fault.is_empty()).map(str::to_owned));
    (options.data, options.listen) = (Data::Folder(folder), address);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    let server = runtime.block_on(Server::start(options)).expect("the address is free again");
    println!("{READY}{}", server.address());
    // The other end of it goes with that test.
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(0);
}
