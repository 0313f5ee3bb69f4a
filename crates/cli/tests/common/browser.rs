//! A film in a browser: a page served on loopback plays it, seeks, and reports.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What came of it.
pub enum Player {
    /// There is no Chromium.
    Missing,
    /// The page's report, in JSON.
    Said(String),
}

const PAGE: &str = r#"<!doctype html><video id=v muted preload=auto></video><script>
const v = document.getElementById('v'), r = {error: null};
const send = () => fetch('/report', {method: 'POST', body: JSON.stringify(r)});
v.onerror = () => { r.error = v.error.code + ' ' + v.error.message; send(); };
v.onloadeddata = () => {
  Object.assign(r, {duration: v.duration, width: v.videoWidth, height: v.videoHeight});
  v.play().catch(e => { r.error = String(e); send(); });
};
v.ontimeupdate = () => {
  if (!r.played && v.currentTime > 0.2) { r.played = v.currentTime; v.pause(); v.currentTime = v.duration / 2; }
};
v.onseeked = () => {
  const c = document.createElement('canvas');
  c.width = v.videoWidth; c.height = v.videoHeight;
  const x = c.getContext('2d');
  x.drawImage(v, 0, 0);
  const d = x.getImageData(0, 0, c.width, c.height).data;
  r.shades = new Set(d.filter((_, i) => i % 4 == 1)).size;
  r.seeked = v.currentTime; r.ready = v.readyState;
  r.seekable = v.seekable.length ? v.seekable.end(0) : null;
  send();
};
v.src = '/film.mkv';
</script>"#;

/// Ends a process when dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
];

/// A page in headless Chromium, spoken to by the DevTools protocol.
pub struct Page {
    socket: TcpStream,
    calls: u64,
    _browser: Ended,
    _profile: tempfile::TempDir,
}

impl Page {
    /// Opens an address; `None` where there is no Chromium.
    pub fn open(address: &str) -> Option<Page> {
        let profile = tempfile::tempdir().expect("a folder");
        let child = Command::new("chromium")
            .args(FLAGS)
            .args(["--remote-debugging-port=0", "--window-size=1280,900"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut browser = Ended(child);
        let mut said = BufReader::new(browser.0.stderr.take().expect("piped")).lines();
        let told = said.find_map(|line| {
            let line = line.expect("it speaks UTF-8");
            line.strip_prefix("DevTools listening on ws://").map(ToOwned::to_owned)
        });
        let host = told.expect("it listens").split('/').next().expect("an address").to_owned();
        // What it says later is read, so that it never waits for that.
        std::thread::spawn(move || said.for_each(drop));
        let mut stream = TcpStream::connect(&host).expect("it listens");
        write!(stream, "PUT /json/new?{address} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).expect("a header");
            if line.trim().is_empty() {
                break;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().expect("a number");
            }
        }
        let mut text = vec![0; length];
        answer.read_exact(&mut text).expect("a body");
        let target: Value = serde_json::from_slice(&text).expect("a JSON object");
        let path = target["webSocketDebuggerUrl"].as_str().expect("an address");
        let path = path.strip_prefix(&format!("ws://{host}")).expect("the same browser").to_owned();
        let mut socket = TcpStream::connect(&host).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: a2luZWZyYW1lLXRlc3RzIQ==\r\n\r\n";
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{handshake}").expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).expect("an answer");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Some(Page { socket, calls: 0, _browser: browser, _profile: profile })
    }

    /// The value of an expression in the page; null where it throws.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        self.call("Runtime.evaluate", params)["result"]["value"].clone()
    }

    /// What the page looks like, as PNG.
    pub fn screenshot(&mut self) -> Vec<u8> {
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        STANDARD.decode(answer["data"].as_str().expect("a picture")).expect("base64")
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let text = json!({ "id": self.calls, "method": method, "params": params }).to_string();
        // One text frame, masked with zeros (RFC 6455 §5.2).
        let mut frame = vec![0x81];
        match u16::try_from(text.len()).expect("a short message") {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend(long.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.socket.write_all(&frame).expect("sent");
        loop {
            let message: Value = serde_json::from_slice(&self.message()).expect("JSON");
            if message["id"].as_u64() == Some(self.calls) {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    /// The next message, of as many frames as it has.
    fn message(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        loop {
            let mut head = [0; 2];
            self.socket.read_exact(&mut head).expect("a frame");
            let length = match head[1] & 0x7F {
                126 => {
                    let mut long = [0; 2];
                    self.socket.read_exact(&mut long).expect("a length");
                    u64::from(u16::from_be_bytes(long))
                }
                127 => {
                    let mut long = [0; 8];
                    self.socket.read_exact(&mut long).expect("a length");
                    u64::from_be_bytes(long)
                }
                short => u64::from(short),
            };
            let mut data = vec![0; usize::try_from(length).expect("it fits")];
            self.socket.read_exact(&mut data).expect("a payload");
            message.extend(data);
            if head[0] & 0x80 != 0 {
                return message;
            }
        }
    }
}

/// Plays a Matroska film in headless Chromium.
pub fn play(film: &[u8], patience: Duration) -> Player {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (sender, report) = channel();
    let film: Arc<[u8]> = film.into();
    // Detached: it ends with the test.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (film, sender) = (film.clone(), sender.clone());
            // A browser that goes away in the middle of an answer is none of our business.
            std::thread::spawn(move || serve(stream, &film, &sender).is_ok());
        }
    });
    let profile = tempfile::tempdir().expect("a folder");
    let started = Command::new("chromium")
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("http://{address}/"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = started else { return Player::Missing };
    let child = Ended(child);
    let report = report.recv_timeout(patience).expect("the page reports in time");
    drop(child);
    Player::Said(report)
}

fn serve(mut stream: TcpStream, film: &[u8], report: &Sender<String>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut request, mut range, mut length) = (String::new(), None, 0u64);
    reader.read_line(&mut request)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(bytes) = line.strip_prefix("range: bytes=") {
            range = Some(bytes.to_owned());
        }
        if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.parse().unwrap_or(0);
        }
    }
    let close = "Connection: close\r\n\r\n";
    if request.starts_with("POST ") {
        let mut text = String::new();
        reader.take(length).read_to_string(&mut text)?;
        let _ = report.send(text);
        return write!(stream, "HTTP/1.1 204 No Content\r\n{close}");
    }
    if request.contains(" /film.mkv ") {
        let (from, to) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
        let from = from.parse::<usize>().unwrap_or(0).min(film.len());
        let end = to.parse::<usize>().map_or(film.len(), |to| to.saturating_add(1).clamp(from, film.len()));
        let last = end.saturating_sub(1);
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Type: video/x-matroska\r\nAccept-Ranges: bytes\r\n\
             Content-Range: bytes {from}-{last}/{}\r\nContent-Length: {}\r\n",
            film.len(),
            end - from
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(close.as_bytes())?;
        return stream.write_all(&film[from..end]);
    }
    if request.starts_with("GET / ") {
        let size = PAGE.len();
        return write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {size}\r\n{close}{PAGE}");
    }
    write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n{close}")
}
