//! What is made of a picture while the decoder lends it.

use kineframe_codec::{Picture, Size};

use crate::info::PictureInfo;

/// Makes something of each picture: an encoded image, an array, a number.
///
/// Each decode worker has its own, made by the function that `Pictures` was opened with, so that it may keep buffers.
/// A closure `FnMut(&PictureInfo, Picture<'_>) -> T` is one.
///
/// # For implementations
/// The planes are lent for the length of the call and lie in the decoder's memory: convert or encode them here, on
/// the worker, and not in the loop that takes the results.
pub trait PictureWork: Send {
    /// What comes out.
    type Output: Send;

    /// Takes one picture.
    fn picture(&mut self, info: &PictureInfo, picture: Picture<'_>) -> Self::Output;

    /// About how many bytes an output of a picture of this size holds, for the bound on what waits for its turn.
    /// The default takes an RGB image for granted.
    fn weight(&self, output: &Self::Output, size: Size) -> usize {
        let _ = output;
        usize::try_from(u64::from(size.width) * u64::from(size.height) * 3).unwrap_or(usize::MAX)
    }
}

impl<F, T> PictureWork for F
where
    F: FnMut(&PictureInfo, Picture<'_>) -> T + Send,
    T: Send,
{
    type Output = T;

    fn picture(&mut self, info: &PictureInfo, picture: Picture<'_>) -> T {
        self(info, picture)
    }
}
