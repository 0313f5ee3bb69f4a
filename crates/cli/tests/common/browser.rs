//! A film in a browser: a page served on loopback plays it, seeks, and reports.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

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
    let flags = [
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
    let started = Command::new("chromium")
        .args(flags)
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
