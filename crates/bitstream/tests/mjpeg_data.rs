//! Scans of Motion JPEG, read code by code: sound images pass, and what is not whole is told.

use kineframe_bitstream::mjpeg::{Header, Images, Stream};
use kineframe_bitstream::{Error, ErrorKind};

fn kind(result: Result<(), Error>) -> Result<(), ErrorKind> {
    result.map_err(|error| error.kind)
}

/// The images of a stream in `testdata/codec/mjpeg`.
fn images(name: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/../../testdata/codec/mjpeg/{name}.jpg", env!("CARGO_MANIFEST_DIR"));
    let stream = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Images::new(stream.into()).map(|image| image.to_vec()).collect()
}

#[test]
fn sound_images_pass() {
    let mut count = 0;
    for name in ["gen_411", "gen_420", "gen_422", "gen_444", "gen_no_dht", "gen_odd_321x181", "gen_progressive_420"] {
        let mut stream = Stream::default();
        for image in images(name) {
            assert_eq!(stream.check_data(&image), Ok(()), "{name}");
            count += 1;
        }
    }
    assert_eq!(count, 7);
}

#[test]
fn a_scan_that_ends_early_is_told() {
    let image = images("gen_420").remove(0);
    let scan = Header::parse(&image).expect("a header").first_scan;
    for end in (scan + 14..image.len() - 4).step_by(97) {
        let cut = [&image[..end], &[0xff, 0xd9]].concat();
        // A cut between the two bytes of a stuffed 0xff makes a marker of it.
        assert!(Stream::default().check_data(&cut).is_err(), "{end}");
    }
}

#[test]
fn zeros_in_a_scan_are_told() {
    let mut image = images("gen_420").remove(0);
    let middle = image.len() / 2;
    image[middle..middle + 200].fill(0);
    assert!(Stream::default().check_data(&image).is_err());
}

#[test]
fn what_is_left_behind_the_last_block_is_told_where_no_image_had_it_before() {
    let sound = images("gen_420").remove(0);
    let end = sound.len() - 2;
    let with = |bytes: &[u8]| [&sound[..end], bytes, &sound[end..]].concat();
    let longer = with(&[0x12, 0x34, 0x56]);
    let mut stream = Stream::default();
    assert_eq!(stream.check_data(&longer), Ok(()), "this encoder may do so always");
    assert_eq!(stream.check_data(&sound), Ok(()));
    assert_eq!(kind(stream.check_data(&longer)), Err(ErrorKind::Trailing));
    assert_eq!(stream.check_data(&with(&[0; 40])), Ok(()), "a buffer that is filled up");
}

#[test]
fn restart_markers_come_in_turn() {
    // One component, 8 lines of 24 columns: three blocks of no coefficient (DC 00, AC 1010), with a marker behind each.
    let head = [0xff, 0xd8, 0xff, 0xdd, 0, 4, 0, 1, 0xff, 0xc0, 0, 11, 8, 0, 8, 0, 24, 1, 1, 0x11, 0];
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    let of =
        |first: u8, second: u8| [&head[..], &scan, &[0x2b, 0xff, first, 0x2b, 0xff, second, 0x2b, 0xff, 0xd9]].concat();
    assert_eq!(Stream::default().check_data(&of(0xd0, 0xd1)), Ok(()));
    assert_eq!(kind(Stream::default().check_data(&of(0xd0, 0xd2))), Err(ErrorKind::Kind));
    assert_eq!(kind(Stream::default().check_data(&of(0xd1, 0xd1))), Err(ErrorKind::Kind));
}

#[test]
fn a_scan_of_nothing_is_no_scan_of_the_largest_frame() {
    let frame = [0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0];
    let image = [&frame[..], &[0xff, 0xda, 0, 6, 0, 0, 63, 0, 0x2b, 0xff, 0xd9]].concat();
    assert_eq!(kind(Stream::default().check_data(&image)), Err(ErrorKind::Range { value: 0, min: 1, max: 4 }));
}
