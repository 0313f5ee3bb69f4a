//! The tags that the service writes around a Cluster, byte for byte in the form that it has on the wire: one Tags
//! element with one Tag without Targets, all sizes in four bytes.

use bytes::Bytes;
use kineframe_ebml::{ElementId, ElementSize, SizeWidth, encode_header};
use kineframe_fragment::tag;
use kineframe_matroska::ids;

use super::fragment::Fragment;

/// A Tags element with these tags.
pub(crate) fn tags(tags: &[(&str, &str)]) -> Bytes {
    let mut tag = Vec::with_capacity(80 * tags.len());
    for (name, value) in tags {
        let mut simple = Vec::with_capacity(name.len() + value.len() + 12);
        element(&mut simple, ids::TAG_NAME, name.as_bytes());
        element(&mut simple, ids::TAG_STRING, value.as_bytes());
        element(&mut tag, ids::SIMPLE_TAG, &simple);
    }
    let mut whole = Vec::with_capacity(tag.len() + 6);
    element(&mut whole, ids::TAG, &tag);
    let mut out = Vec::with_capacity(whole.len() + 8);
    element(&mut out, ids::TAGS, &whole);
    out.into()
}

fn element(out: &mut Vec<u8>, id: ElementId, data: &[u8]) {
    // The IDs are Matroska's own, and what the server writes fits four bytes of size.
    if let Ok(header) = encode_header(id, ElementSize::Known(data.len() as u64), SizeWidth::Fixed(4)) {
        out.extend_from_slice(&header);
        out.extend_from_slice(data);
    }
}

/// What stands before a fragment's Cluster.
pub(crate) fn opening(fragment: &Fragment) -> Bytes {
    tags(&[
        (tag::FRAGMENT_NUMBER, &fragment.number),
        (tag::SERVER_TIMESTAMP, &seconds(fragment.server_ms)),
        (tag::PRODUCER_TIMESTAMP, &seconds(fragment.producer_ms)),
    ])
}

/// What ends a fragment in a GetMedia body.
pub(crate) fn closing(fragment: &Fragment, millis_behind: i64) -> Bytes {
    tags(&[(tag::MILLIS_BEHIND_NOW, &millis_behind.max(0).to_string()), (tag::CONTINUATION_TOKEN, &fragment.number)])
}

/// Milliseconds as the service writes times: seconds with three decimals.
pub(crate) fn seconds(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    format!("{sign}{}.{:03}", millis / 1000, millis % 1000)
}

/// An EBML Document that tells an error and holds no media.
pub(crate) fn error_document(id: u32, code: &str, number: Option<&str>) -> Vec<Bytes> {
    let id = id.to_string();
    let mut pairs = vec![(tag::ERROR_CODE, code), (tag::ERROR_ID, id.as_str())];
    pairs.extend(number.map(|number| (tag::FRAGMENT_NUMBER, number)));
    vec![Bytes::from_static(DOCUMENT), tags(&pairs)]
}

/// An EBML Header (DocType `matroska`, version 4, readable by 2) and the header of a Segment of unknown size.
const DOCUMENT: &[u8] = b"\x1A\x45\xDF\xA3\xA3\x42\x86\x81\x01\x42\xF7\x81\x01\x42\xF2\x81\x04\x42\xF3\x81\x08\
    \x42\x82\x88matroska\x42\x87\x81\x04\x42\x85\x81\x02\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_tags_of_a_real_capture() {
        let capture: &[u8] = include_bytes!("../../../../testdata/captures/output_get_media.mkv");
        let number = "91343852333181432392682062607743920146159169392";
        let fragment = Fragment::new(1, number.to_owned(), 1_511_852_109_126, 0, Bytes::new());
        let at = capture.windows(17).position(|window| window == b"MILLIS_BEHIND_NOW").unwrap();
        let start = capture[..at].windows(4).rposition(|window| window == [0x12, 0x54, 0xC3, 0x67]).unwrap();
        let real = &capture[start..start + 171];
        let behind = String::from_utf8_lossy(&real[8 + 6 + 6 + 6 + 34 + 6..])
            .chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>();
        assert_eq!(closing(&fragment, behind.parse().unwrap()), real);
    }

    #[test]
    fn seconds_with_three_decimals() {
        assert_eq!([0, 5, 1_519_423_069_070, -1].map(seconds), ["0.000", "0.005", "1519423069.070", "-0.001"]);
    }
}
