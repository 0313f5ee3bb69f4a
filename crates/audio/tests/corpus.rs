//! The committed inputs of the fuzz targets, read again.

use kineframe_audio::fuzzing;
use kineframe_testkit::reread;

#[test]
fn codec_private() {
    reread("audio_codec_private", fuzzing::codec_private);
}

#[test]
fn recorder() {
    reread("audio_recorder", fuzzing::recorder);
}
