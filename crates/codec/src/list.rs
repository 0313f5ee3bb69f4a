//! A list of back ends in order of preference.

use std::sync::Arc;

use crate::{CodecParameters, DecoderFactory, Support};

/// Back ends in order of preference: the first that is exact on the parameters wins.
///
/// A plain list: build it, reorder it, put your own in front.
#[derive(Debug, Clone, Default)]
pub struct Decoders(pub Vec<Arc<dyn DecoderFactory>>);

/// Why a back end said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The name of the factory.
    pub factory: String,
    /// Its reason.
    pub reason: String,
}

impl Decoders {
    /// The first factory that is exact on `params`, or every factory's reason against it.
    pub fn choose(&self, params: &CodecParameters) -> Result<Arc<dyn DecoderFactory>, Vec<Refusal>> {
        let mut refusals = Vec::new();
        for factory in &self.0 {
            match factory.supports(params) {
                Support::Exact => return Ok(factory.clone()),
                Support::No(reason) => refusals.push(Refusal { factory: factory.name().to_owned(), reason }),
            }
        }
        Err(refusals)
    }

    /// All factories that are exact on `params`, in order: the second is who replays when the first gives up.
    pub fn exact(&self, params: &CodecParameters) -> Vec<Arc<dyn DecoderFactory>> {
        self.0.iter().filter(|factory| factory.supports(params) == Support::Exact).cloned().collect()
    }

    /// Only the factory of this name.
    pub fn only(&self, name: &str) -> Option<Decoders> {
        let factory = self.0.iter().find(|factory| factory.name() == name)?;
        Some(Decoders(vec![factory.clone()]))
    }
}
