//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_server::fuzzing;
use kineframe_testkit::reread;

#[test]
fn put_media() {
    reread("server_put_media", fuzzing::put_media);
}

#[test]
fn media_bodies() {
    reread("server_media_body", fuzzing::media_body);
}

#[test]
fn requests() {
    reread("server_requests", fuzzing::requests);
}

#[test]
fn connections() {
    reread("server_connection", fuzzing::connection);
}
