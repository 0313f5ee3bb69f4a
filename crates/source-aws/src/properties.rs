//! Any bytes at all.

use kineframe_testkit::{Fragment, body};
use proptest::prelude::*;

use crate::foreign;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_borne(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        foreign::acknowledgements(&data);
        foreign::list_body(&data);
        foreign::names(&data);
    }

    #[test]
    fn a_damaged_list_body_is_borne(at in 0usize..4000, bit in 0u32..8, fragments in 1u64..4) {
        let made: Vec<Fragment> = (0..fragments).map(Fragment::new).collect();
        let bytes = body(&made).bytes;
        prop_assert_eq!(foreign::list_body(&bytes), bytes.len());
        let mut damaged = bytes.clone();
        let at = at % damaged.len();
        damaged[at] ^= 1 << bit;
        foreign::list_body(&damaged);
        foreign::list_body(&bytes[..at]);
    }
}
