//! Children of gathered master elements: places, limits, errors.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn all(data: &[u8], limits: &Limits) -> Result<Vec<(u32, u64, usize)>, Error> {
    children(data, 10, limits)
        .within(ElementId(0x1254_C367))
        .map(|child| child.map(|child| (child.id().0, child.header.offset, child.data.len())))
        .collect()
}

#[test]
fn children_have_offsets_and_data_without_a_copy() {
    let data = Bytes::from_static(&[0xEC, 0x80, 0x42, 0x86, 0x40, 0x02, 0xAB, 0xCD, 0x83, 0x81, 0x7F]);
    let found: Vec<_> = children(data.clone(), 1000, &Limits::default()).collect::<Result<_, _>>().unwrap();
    let ids: Vec<_> = found.iter().map(|child| (child.id().0, child.header.offset)).collect();
    assert_eq!(ids, [(0xEC, 1000), (0x4286, 1002), (0x83, 1008)]);
    assert_eq!(found[1].data.as_ptr(), data[6..].as_ptr(), "the data is a part of the parent's, not a copy");
    assert_eq!(found[1].unsigned().unwrap(), 0xABCD);
    assert_eq!(found[2].signed().unwrap(), 0x7F);
    assert_eq!(found[0].utf8().unwrap(), "");
}

#[test]
fn no_data_has_no_children() {
    assert_eq!(all(&[], &Limits::default()).unwrap(), []);
}

#[test]
fn a_child_beyond_the_parent_is_named_with_its_place() {
    let error = all(&[0xEC, 0x80, 0x83, 0x85, 0x00], &Limits::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::BeyondParent(4));
    assert_eq!(error.to_string(), "byte 12: 0x1254C367/0x83: the element reaches 4 bytes beyond its parent");
}

#[test]
fn a_size_near_the_end_of_64_bits_overflows_nothing() {
    let data = [0x83, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE];
    let error = all(&data, &Limits::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::BeyondParent((1 << 56) - 2));
    let last = children(&data[..], u64::MAX, &Limits::default()).next().unwrap().unwrap_err();
    assert_eq!(last.offset, u64::MAX);
}

#[test]
fn a_header_that_the_parent_cuts_off_is_truncated() {
    let whole = [0x1A, 0x45, 0xDF, 0xA3, 0x01, 0, 0, 0, 0, 0, 0, 0];
    for len in 1..whole.len() {
        assert_eq!(all(&whole[..len], &Limits::default()).unwrap_err().kind, ErrorKind::Truncated, "{len} bytes");
    }
    assert_eq!(all(&whole, &Limits::default()).unwrap(), [(0x1A45_DFA3, 10, 0)]);
}

#[test]
fn a_child_of_unknown_size_is_refused() {
    assert_eq!(all(&[0xA0, 0xFF], &Limits::default()).unwrap_err().kind, ErrorKind::UnknownSize);
}

#[test]
fn nothing_follows_an_error() {
    let data: &[u8] = &[0xEC, 0x80, 0x00, 0xEC, 0x80];
    let mut iterator = children(data, 0, &Limits::default());
    assert!(iterator.next().unwrap().is_ok());
    assert_eq!(iterator.next().unwrap().unwrap_err().kind, ErrorKind::InvalidId(0));
    assert!(iterator.next().is_none());
    assert!(iterator.next().is_none());
}

#[test]
fn elements_are_counted_over_all_levels() {
    // Two masters with two children each: six elements.
    let data = [0xA0, 0x84, 0xEC, 0x80, 0xEC, 0x80, 0xA0, 0x84, 0xEC, 0x80, 0xEC, 0x80];
    let count = |limit| -> Result<usize, Error> {
        let limits = Limits { elements: limit, ..Limits::default() };
        let mut count = 0;
        for child in children(&data[..], 0, &limits) {
            count += 1;
            for grandchild in child?.children()? {
                grandchild?;
                count += 1;
            }
        }
        Ok(count)
    };
    assert_eq!(count(6), Ok(6));
    let error = count(5).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit { what: "elements in one master", limit: 5 });
    assert_eq!((error.offset, error.path.to_string().as_str()), (10, "0xA0/0xEC"));
}

#[test]
fn depth_is_bounded() {
    let mut data = vec![0xEC, 0x80];
    for _ in 0..20 {
        let len = data.len() as u8;
        data.splice(0..0, [0xA0, 0x80 | len]);
    }
    let mut level = children(&data[..], 0, &Limits::default());
    for _ in 0..16 {
        level = level.next().unwrap().unwrap().children().unwrap();
    }
    let error = level.next().unwrap().unwrap().children().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit { what: "depth of elements", limit: 16 });
}

#[test]
fn a_part_outside_is_empty_not_a_panic() {
    assert_eq!((&[1u8, 2][..]).part(1..3), &[] as &[u8]);
    assert_eq!(Bytes::from_static(&[1, 2]).part(1..3), Bytes::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Random bytes give children that lie end to end from the start, and at most one error, as the last item.
    #[test]
    fn random_bytes(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut position = 0u64;
        let mut failed = false;
        for child in children(&data[..], 0, &Limits::default()) {
            prop_assert!(!failed);
            match child {
                Ok(child) => {
                    prop_assert_eq!(child.header.offset, position);
                    position = child.header.end_offset().unwrap();
                    prop_assert_eq!(child.header.data_offset() + child.data.len() as u64, position);
                }
                Err(error) => {
                    prop_assert_eq!(error.offset, position);
                    failed = true;
                }
            }
        }
        prop_assert!(failed || position == data.len() as u64);
    }
}
