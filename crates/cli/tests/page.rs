//! The page of the local service in a browser: it lists streams and plays them.

mod common;

use std::time::{Duration, Instant};

use common::browser::Page;
use common::served::Served;
use common::{code, kineframe, testdata};
use serde_json::Value;

/// Waits until an expression of the page is true; what the page says meanwhile is told where it never is.
fn wait_for(page: &mut Page, expression: &str) {
    let patience = Instant::now() + Duration::from_secs(60);
    while page.evaluate(expression) != Value::Bool(true) {
        let text = page.evaluate("document.body.innerText");
        assert!(Instant::now() < patience, "{expression}: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_page_lists_streams_and_plays_them() {
    let served = Served::start(&["--no-auth"]);
    let endpoint = served.text("endpoint");
    for (file, stream) in
        [("captures/output_get_media.mkv", "kvs://door"), ("generated/h264-high-bframes-aac.mkv", "kvs://gate")]
    {
        let mut put = kineframe();
        put.arg("put").arg(testdata(file)).args([stream, "--create", "--region", "us-east-1", "--endpoint-url"]);
        put.arg(&endpoint).env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b");
        let output = put.output().expect("the command starts");
        assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    }
    let Some(mut page) = Page::open(&format!("{endpoint}/")) else {
        println!("skipped: no Chromium");
        return;
    };
    wait_for(&mut page, "document.querySelectorAll('#streams button').length === 2");
    for (index, name, rows) in [(0, "door", 5), (1, "gate", 4)] {
        page.evaluate(&format!("document.querySelectorAll('#streams button')[{index}].click()"));
        wait_for(&mut page, &format!("document.getElementById('name').textContent === '{name}'"));
        wait_for(&mut page, &format!("document.querySelectorAll('#rows tr').length === {rows}"));
        wait_for(&mut page, "!video.hidden && video.currentTime > video.buffered.start(0) + 0.5");
        let shades = "(() => { const c = document.createElement('canvas'); c.width = video.videoWidth; \
                      c.height = video.videoHeight; const x = c.getContext('2d'); x.drawImage(video, 0, 0); \
                      return new Set(x.getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 == 1)).size; })()";
        let shades = page.evaluate(shades).as_u64().expect("a count");
        assert!(shades > 50, "{name}: {shades} shades");
    }
    let screenshot = page.screenshot();
    if let Some(path) = std::env::var_os("KINEFRAME_SCREENSHOT") {
        std::fs::write(path, &screenshot).expect("a writable path");
    }
    let picture = image::load_from_memory(&screenshot).expect("a picture").into_rgb8();
    let colours: std::collections::HashSet<_> = picture.pixels().map(|pixel| pixel.0).collect();
    assert!(colours.len() > 1000, "{} colours", colours.len());
}
