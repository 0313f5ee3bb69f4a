//! The tags that a producer sends with its fragments.

use kineframe_ebml::{Limits, children};
use kineframe_fragment::tag;
use kineframe_matroska::ids;
use serde::{Deserialize, Serialize};

use super::AckError;

/// Bytes of a tag's name.
const NAME: usize = 128;
/// Bytes of a tag's value.
const VALUE: usize = 256;
/// Names that begin like this are the service's.
const RESERVED: &str = "AWS";

/// A tag as the producer sent it; a binary value is told as text where it is text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserTag {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// What stands in one Tags element.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// Its tags in order.
    pub(crate) tags: Vec<UserTag>,
    /// Its Tags name their targets, as a file muxer writes them; those of the Kinesis Video SDKs do not.
    pub(crate) targeted: bool,
    /// The producer says that the fragment is over.
    pub(crate) ends_fragment: bool,
}

/// Reads a whole Tags element. What cannot be read is passed over.
pub(crate) fn user_tags(raw: &[u8]) -> Found {
    let limits = Limits::default();
    let mut found = Found::default();
    for tags in children(raw, 0, &limits).flatten().filter(|child| child.id() == ids::TAGS) {
        for tag in children(tags.data, 0, &limits).flatten().filter(|child| child.id() == ids::TAG) {
            for child in children(tag.data, 0, &limits).flatten() {
                match child.id() {
                    ids::TARGETS => found.targeted = true,
                    ids::SIMPLE_TAG => found.add(child.data, &limits),
                    _ => {}
                }
            }
        }
    }
    found
}

impl Found {
    fn add(&mut self, simple_tag: &[u8], limits: &Limits) {
        let (mut name, mut value) = (String::new(), String::new());
        for child in children(simple_tag, 0, limits).flatten() {
            let bytes = child.data;
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
            match child.id() {
                ids::TAG_NAME => name = text.into_owned(),
                ids::TAG_STRING | ids::TAG_BINARY => value = text.into_owned(),
                _ => {}
            }
        }
        self.ends_fragment |= name == tag::END_OF_FRAGMENT;
        self.tags.push(UserTag { name, value });
    }
}

/// The tags of the fragment that is open.
#[derive(Debug, Default)]
pub(super) struct UserTags(Vec<UserTag>);

impl UserTags {
    pub(super) fn add(&mut self, tags: Vec<UserTag>) {
        self.0.extend(tags.into_iter().filter(|tag| tag.name != tag::END_OF_FRAGMENT));
    }

    /// Whether they are as many and as long as they may be, and take no name of the service.
    pub(super) fn check(&self, most: usize) -> Result<(), AckError> {
        let asks = [tag::IMAGE_GENERATION, tag::IMAGE_PREFIX, tag::NOTIFICATION];
        let own = self.0.iter().filter(|tag| !asks.contains(&tag.name.as_str()));
        let sound = own
            .clone()
            .all(|tag| tag.name.len() <= NAME && tag.value.len() <= VALUE && !tag.name.starts_with(RESERVED));
        if sound && own.count() <= most { Ok(()) } else { Err(AckError::FRAGMENT_METADATA_LIMIT_REACHED) }
    }

    pub(super) fn take(&mut self) -> Vec<UserTag> {
        std::mem::take(&mut self.0)
    }
}
