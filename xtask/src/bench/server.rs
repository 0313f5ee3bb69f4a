//! The local service against nginx, which takes and serves the same bytes as files.
//!
//! Both are processes of their own and have the same clients: threads of this one, which share the processors with
//! them. So beside the rate stands the server's own processor time for each GiB.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::run::{Bench, load, quiet};
use super::table::{Row, Section, Target};
use crate::shell::{self, Result};

/// Streams, each with a producer.
const STREAMS: usize = 4;
/// Readers of each stream, which read it so often.
const READERS: usize = 3;
const READS: usize = 3;
/// Fragments of half a MiB in a body.
const FRAGMENTS: usize = 64;
const CAPTURE: &str = "testdata/captures/output_get_media.mkv";
const MIB: f64 = (1 << 20) as f64;

pub fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::default();
    section.notes.extend(load());
    let kineframe = bench.build(false)?;
    let Some(nginx) = nginx(&bench.cache()?) else {
        section.notes.push("nginx takes no part: it is not on the path, and apt-get has none".to_owned());
        return Ok(section);
    };
    let body = produced(&std::fs::read(shell::root().join(CAPTURE))?)?;
    let (mut rows, mut got) = ([const { Vec::new() }; 4], 0);
    for round in 0..bench.rounds {
        let folder = bench.folder("server")?;
        let ours = Served::kineframe(&kineframe, &folder.join("data"))?;
        let theirs = Served::nginx(&nginx, &folder.join("nginx"))?;
        let put = [put(&ours, &body, "kineframe")?, put(&theirs, &body, "nginx")?];
        // What a reader gets of us is what it gets of nginx.
        for stream in 0..STREAMS {
            let media = get(&ours, stream)?;
            got = media.len();
            std::fs::write(folder.join("nginx").join(format!("{stream}.mkv")), media)?;
        }
        let mut get = [read(&ours, got)?, read(&theirs, got)?];
        if round == 0 {
            get = [read(&ours, got)?, read(&theirs, got)?]; // warm
        }
        for (values, pair) in rows.chunks_mut(2).zip([put, get]) {
            values[0].push(pair.map(|side| side.rate));
            values[1].push(pair.map(|side| side.cpu));
        }
    }
    let (sent, read) = (body.len() * STREAMS, got * STREAMS * READERS * READS);
    let what = [
        format!("taking {:.0} MiB over {STREAMS} connections", sent as f64 / MIB),
        "the same, processor time".to_owned(),
        format!("giving {:.0} MiB over {} connections", read as f64 / MIB, STREAMS * READERS),
        "the same, processor time".to_owned(),
    ];
    for (index, (what, pairs)) in what.iter().zip(&rows).enumerate() {
        let unit =
            if index % 2 == 0 { |rate: f64| format!("{rate:.0} MiB/s") } else { |cpu: f64| format!("{cpu:.2} s/GiB") };
        section.rows.push(Row::of_pairs(what, pairs, Target::None, unit));
    }
    section.notes.push(format!(
        "both write to and read from a file system in memory; ours takes media apart into fragments, acknowledges each \
         ({FRAGMENTS} in a body of {:.0} MiB) and sends it with its tags, nginx knows files",
        body.len() as f64 / MIB
    ));
    Ok(section)
}

/// One Segment with the first fragment of a capture again and again, as a producer sends it.
fn produced(capture: &[u8]) -> Result<Vec<u8>> {
    let find =
        |from: usize, id: [u8; 4]| capture[from..].windows(4).position(|window| window == id).map(|at| at + from);
    let (ebml, tags, cluster) = ([0x1A, 0x45, 0xDF, 0xA3], [0x12, 0x54, 0xC3, 0x67], [0x1F, 0x43, 0xB6, 0x75]);
    let end = find(4, ebml).ok_or("one fragment alone")?;
    let media = find(0, cluster).ok_or("no Cluster")?;
    // The service's own tags are the last ones before the Cluster.
    let own = capture[..media].windows(4).rposition(|window| window == tags).ok_or("no tags before the Cluster")?;
    let closing = capture[..end].windows(4).rposition(|window| window == tags).ok_or("no closing tags")?;
    let mut body = capture[..own].to_vec();
    (0..FRAGMENTS).for_each(|_| body.extend_from_slice(&capture[media..closing]));
    Ok(body)
}

/// The nginx of the path, or the one of the system's packages: taken apart in the cache, so that nothing is installed
/// and no service starts.
fn nginx(cache: &Path) -> Option<PathBuf> {
    if shell::has("nginx", "-v") {
        return Some("nginx".into());
    }
    let folder = cache.join("nginx");
    let program = folder.join("usr/sbin/nginx");
    if !program.is_file() {
        std::fs::create_dir_all(&folder).ok()?;
        shell::output(quiet("apt-get").args(["download", "-qq", "nginx"]).current_dir(&folder)).ok()?;
        let package = std::fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.path());
        let package = package.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb"))?;
        shell::output(quiet("dpkg").arg("-x").arg(package).arg(&folder)).ok()?;
    }
    shell::has(&program.to_string_lossy(), "-v").then_some(program)
}

/// A server; killed when dropped.
struct Served {
    child: Child,
    address: String,
    /// Path and headers of the requests for a stream: to put, to get.
    put: fn(usize) -> String,
    get: fn(usize) -> String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = shell::command("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

impl Served {
    fn kineframe(program: &Path, data: &Path) -> Result<Self> {
        let mut serve = quiet(program);
        serve.args(["serve", "--json", "--no-auth", "--no-limits", "--idle-end", "1ms", "--data"]).arg(data);
        let mut child = serve.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().ok_or("no pipe")?).read_line(&mut line)?;
        let ready: serde_json::Value = serde_json::from_str(&line)?;
        let address = ready["endpoint"].as_str().and_then(|url| url.strip_prefix("http://")).ok_or("no endpoint")?;
        let served = Self {
            address: address.to_owned(),
            child,
            put: |stream| {
                format!(
                    "POST /putMedia HTTP/1.1\r\nx-amzn-stream-name: s{stream}\r\n\
                     x-amzn-fragment-timecode-type: RELATIVE\r\nx-amzn-producer-start-timestamp: 1700000000\r\n"
                )
            },
            get: |stream| {
                let input =
                    format!(r#"{{"StreamName":"s{stream}","StartSelector":{{"StartSelectorType":"EARLIEST"}}}}"#);
                format!("POST /getMedia HTTP/1.1\r\ncontent-length: {}\r\n\r\n{input}", input.len())
            },
        };
        for stream in 0..STREAMS {
            let input = format!(r#"{{"StreamName":"s{stream}","DataRetentionInHours":1}}"#);
            let request = format!("POST /createStream HTTP/1.1\r\ncontent-length: {}\r\n\r\n{input}", input.len());
            served.ask(&request)?;
        }
        Ok(served)
    }

    fn nginx(program: &Path, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let root = folder.display();
        // All that it writes is in its folder.
        let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {root}/t-{name};"));
        let config = format!(
            "daemon off; pid {root}/pid; worker_processes 2; error_log {root}/error; events {{ worker_connections 256; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; {} client_max_body_size 0;\n\
             server {{ listen {address}; root {root}; location / {{ dav_methods PUT; }} }} }}\n",
            temp.join(" ")
        );
        let path = folder.join("nginx.conf");
        std::fs::write(&path, config)?;
        let mut nginx = quiet(program);
        // As root, workers would be another user, which the folder is closed to.
        nginx.arg("-c").arg(&path).args(["-p", &root.to_string(), "-e", &format!("{root}/error"), "-g", "user root;"]);
        let child = nginx.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let served = Self {
            child,
            address,
            put: |stream| format!("PUT /put-{stream}.mkv HTTP/1.1\r\n"),
            get: |stream| format!("GET /{stream}.mkv HTTP/1.1\r\n\r\n"),
        };
        let patience = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(&served.address).is_err() {
            if Instant::now() > patience {
                return Err(std::fs::read_to_string(folder.join("error")).unwrap_or_default().into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(served)
    }

    /// Sends a request whose first line and headers are these, and returns the reader of its answer.
    fn open(&self, request: &str) -> Result<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(&self.address)?;
        let (line, rest) = request.split_once("\r\n").ok_or("no line")?;
        write!(stream, "{line}\r\nhost: {}\r\nconnection: close\r\n{rest}", self.address)?;
        Ok(BufReader::with_capacity(256 << 10, stream))
    }

    fn ask(&self, request: &str) -> Result<Vec<u8>> {
        let mut answer = Vec::new();
        self.open(request)?.read_to_end(&mut answer)?;
        if answer.starts_with(b"HTTP/1.1 2") {
            Ok(answer)
        } else {
            Err(String::from_utf8_lossy(&answer).into_owned().into())
        }
    }

    /// Processor seconds of the server and of the processes that it started.
    fn cpu(&self) -> f64 {
        let own = self.child.id().to_string();
        let mut ticks = 0;
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Ok(line) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some((id, rest)) = line.split_once(" (") else { continue };
            let Some((_, fields)) = rest.rsplit_once(") ") else { continue };
            let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
            if id == own || fields.get(1) == Some(&own.as_str()) {
                ticks += fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
            }
        }
        ticks as f64 / 100.0
    }
}

/// What a server did in a while.
#[derive(Clone, Copy)]
struct Done {
    /// MiB a second.
    rate: f64,
    /// Its processor seconds a GiB.
    cpu: f64,
}

/// Runs the clients at once and measures until the last has ended.
fn measure(served: &Served, clients: usize, bytes: usize, client: impl Fn(usize) -> Result<()> + Sync) -> Result<Done> {
    let (cpu, start) = (served.cpu(), Instant::now());
    let failed = std::thread::scope(|scope| {
        let client = &client;
        let all: Vec<_> =
            (0..clients).map(|index| scope.spawn(move || client(index).err().map(|error| error.to_string()))).collect();
        all.into_iter().find_map(|thread| thread.join().unwrap_or_else(|_| Some("a client panicked".to_owned())))
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let mib = bytes as f64 / MIB;
    Ok(Done { rate: mib / start.elapsed().as_secs_f64(), cpu: (served.cpu() - cpu) / mib * 1024.0 })
}

fn put(served: &Served, body: &[u8], name: &str) -> Result<Done> {
    measure(served, STREAMS, body.len() * STREAMS, |stream| {
        let mut answer = served.open(&format!("{}transfer-encoding: chunked\r\n\r\n", (served.put)(stream)))?;
        for piece in body.chunks(64 << 10) {
            let socket = answer.get_mut();
            write!(socket, "{:x}\r\n", piece.len())?;
            socket.write_all(piece)?;
            socket.write_all(b"\r\n")?;
        }
        answer.get_mut().write_all(b"0\r\n\r\n")?;
        let mut text = String::new();
        answer.read_to_string(&mut text)?;
        let persisted = text.matches("PERSISTED").count();
        let good = text.starts_with("HTTP/1.1 2") && (name == "nginx" || persisted == FRAGMENTS);
        if good { Ok(()) } else { Err(format!("{name}: {persisted} fragments persisted: {text}").into()) }
    })
}

/// The body of an answer that comes in chunks.
fn get(served: &Served, stream: usize) -> Result<Vec<u8>> {
    let mut answer = served.open(&(served.get)(stream))?;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        answer.read_line(&mut line)?;
    }
    let mut body = Vec::new();
    loop {
        line.clear();
        answer.read_line(&mut line)?;
        match u64::from_str_radix(line.trim(), 16)? {
            0 => return Ok(body),
            size => std::io::copy(&mut answer.by_ref().take(size), &mut body)?,
        };
        answer.read_line(&mut line)?;
    }
}

fn read(served: &Served, bytes: usize) -> Result<Done> {
    let clients = STREAMS * READERS;
    measure(served, clients, bytes * clients * READS, |client| {
        let mut buffer = vec![0; 256 << 10];
        for _ in 0..READS {
            let mut answer = served.open(&(served.get)(client % STREAMS))?.into_inner();
            let mut count = 0;
            loop {
                match answer.read(&mut buffer)? {
                    0 => break,
                    more => count += more,
                }
            }
            if count < bytes {
                return Err(format!("{count} of {bytes} bytes").into());
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_its_fragments() {
        let capture = std::fs::read(shell::root().join(CAPTURE)).expect("it is there");
        let body = produced(&capture).expect("a capture");
        let count = |id: [u8; 4]| body.windows(4).filter(|window| *window == id).count();
        assert_eq!((count([0x1A, 0x45, 0xDF, 0xA3]), count([0x1F, 0x43, 0xB6, 0x75])), (1, FRAGMENTS));
    }
}
