//! The document by which the service reports a fragment that is not there.

use bytes::Bytes;
use kineframe_fragment::{FragmentNumber, tag};

/// An EBML Document with the error of a fragment that the service left out without a word, in the form in which it
/// reports one: `ERROR_CODE`, `ERROR_ID` and `FRAGMENT_NUMBER` as tags, no Cluster.
pub(crate) fn document(number: &FragmentNumber) -> Bytes {
    let mut simple = Vec::new();
    let values =
        [(tag::ERROR_CODE, "FRAGMENT_NOT_FOUND"), (tag::ERROR_ID, "3000"), (tag::FRAGMENT_NUMBER, number.as_str())];
    for (name, value) in values {
        let mut body = element(&[0x45, 0xa3], name.as_bytes());
        body.extend(element(&[0x44, 0x87], value.as_bytes()));
        simple.extend(element(&[0x67, 0xc8], &body));
    }
    let tags = element(&[0x12, 0x54, 0xc3, 0x67], &element(&[0x73, 0x73], &simple));
    let mut document = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"matroska"));
    document.extend(element(&[0x18, 0x53, 0x80, 0x67], &tags));
    document.into()
}

/// An element of at most 2^28 − 2 bytes, its size in four.
fn element(id: &[u8], data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap_or(0).min(0x0fff_fffe) | 0x1000_0000;
    [id, &size.to_be_bytes(), data].concat()
}

#[cfg(test)]
mod tests {
    use crate::documents::{Documents, Verdict};

    use super::*;

    #[test]
    fn it_reads_as_the_service_s_own() {
        let number = FragmentNumber::new("91343852333181432392682062658249485133423434402").unwrap();
        let mut documents = Documents::default();
        documents.push(document(&number));
        documents.finish();
        let document = documents.next().unwrap();
        assert_eq!((document.verdict, document.number), (Verdict::Error, Some(number)));
        assert_eq!(document.error.and_then(|error| error.id), Some(3000));
        assert!(documents.next().is_none());
    }
}
