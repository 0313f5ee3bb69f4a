//! Which parameter sets a wrapped decoder was given.

use std::collections::BTreeMap;

use bytes::Bytes;

/// A parameter set for a wrapped decoder, as a NAL unit without framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedSet<'a> {
    /// A sequence parameter set.
    Sps(&'a Bytes),
    /// A picture parameter set.
    Pps(&'a Bytes),
}

/// The parameter sets that a wrapped decoder has, so that it is given those that are new, and these alone.
#[derive(Debug, Clone, Default)]
pub struct FedSets {
    sps: Option<Bytes>,
    /// By number.
    pps: BTreeMap<u8, Bytes>,
}

impl FedSets {
    /// Calls `give` with each set of a picture that the decoder does not have yet: the SPS first, and behind a new one
    /// every PPS, since a PPS is read in the light of its SPS. What `give` fails with counts as not given.
    ///
    /// # Errors
    /// What `give` returns.
    pub fn feed<'a, E>(
        &mut self,
        sps: &'a Bytes,
        pps: impl IntoIterator<Item = (u8, &'a Bytes)>,
        mut give: impl FnMut(FeedSet<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.has_sps(sps) {
            give(FeedSet::Sps(sps))?;
            self.sps = Some(sps.clone());
            self.pps.clear();
        }
        for (id, nal) in pps {
            if self.pps.get(&id) != Some(nal) {
                give(FeedSet::Pps(nal))?;
                self.pps.insert(id, nal.clone());
            }
        }
        Ok(())
    }

    /// This is the SPS that was given last.
    pub fn has_sps(&self, sps: &Bytes) -> bool {
        self.sps.as_ref() == Some(sps)
    }

    /// The decoder has none any more.
    pub fn clear(&mut self) {
        self.sps = None;
        self.pps.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(fed: &mut FedSets, sps: &'static [u8], pps: &[(u8, &'static [u8])], refuse: usize) -> Vec<Vec<u8>> {
        let (sps, mut given) = (Bytes::from_static(sps), Vec::new());
        let pps: Vec<_> = pps.iter().map(|(id, nal)| (*id, Bytes::from_static(nal))).collect();
        let _ = fed.feed(&sps, pps.iter().map(|(id, nal)| (*id, nal)), |set| {
            let (FeedSet::Sps(nal) | FeedSet::Pps(nal)) = set;
            given.push(nal.to_vec());
            if given.len() == refuse { Err(()) } else { Ok(()) }
        });
        given
    }

    #[test]
    fn gives_what_is_new_alone() {
        let mut fed = FedSets::default();
        assert_eq!(given(&mut fed, b"s", &[(0, b"p"), (1, b"q")], 0), [b"s", b"p", b"q"]);
        assert!(given(&mut fed, b"s", &[(1, b"q"), (0, b"p")], 0).is_empty());
        assert_eq!(given(&mut fed, b"s", &[(1, b"r"), (0, b"p")], 0), [b"r"]);
        assert_eq!(given(&mut fed, b"t", &[(0, b"p")], 0), [b"t", b"p"]);
        fed.clear();
        assert_eq!(given(&mut fed, b"t", &[(0, b"p")], 0), [b"t", b"p"]);
    }

    #[test]
    fn what_was_refused_is_given_again() {
        let mut fed = FedSets::default();
        assert_eq!(given(&mut fed, b"s", &[(0, b"p")], 2), [b"s", b"p"]);
        assert_eq!(given(&mut fed, b"s", &[(0, b"p")], 0), [b"p"]);
        assert_eq!(given(&mut fed, b"t", &[(0, b"p")], 1), [b"t"]);
        assert!(fed.has_sps(&Bytes::from_static(b"s")));
        assert_eq!(given(&mut fed, b"t", &[(0, b"p")], 0), [b"t", b"p"]);
    }
}
