//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_server::fuzzing;
use kineframe_testkit::corpus;

fn each(target: &str, body: fn(&[u8])) {
    for (name, data) in corpus(target) {
        println!("{name}");
        body(&data);
    }
}

#[test]
fn put_media() {
    each("server_put_media", fuzzing::put_media);
}

#[test]
fn requests() {
    each("server_requests", fuzzing::requests);
}
