//! The default list of decoder back ends, one feature each.
//!
//! Order is preference: the first back end that is exact on a stream decodes it. It goes from fast to thorough, so
//! that the next one can take over where one gives up:
//!
//! 1. `rusty_h264` (feature `rusty-h264`): the fastest; 8-bit 4:2:0 frames.
//! 2. `rust_h264` (feature `rust-h264`): nearly all of H.264; goes on after damage.
//! 3. `openh264` (feature `openh264`): Baseline streams that both refuse, and whenever it is named.
//!
//! ```
//! let decoders = kineframe_decoders::default_list();
//! let names: Vec<_> = decoders.0.iter().map(|factory| factory.name()).collect();
//! # #[cfg(all(feature = "rusty-h264", feature = "rust-h264", feature = "openh264"))]
//! assert_eq!(names, ["rusty_h264", "rust_h264", "openh264"]);
//! // A list is a plain value: put your own back end in front, or take one by name.
//! # #[cfg(feature = "rust-h264")]
//! assert!(decoders.only("rust_h264").is_some());
//! ```

use std::sync::Arc;

use kineframe_codec::DecoderFactory;
pub use kineframe_codec::Decoders;
#[cfg(feature = "openh264")]
pub use kineframe_codec_openh264 as openh264;
#[cfg(feature = "rust-h264")]
pub use kineframe_codec_rust_h264 as rust_h264;
#[cfg(feature = "rusty-h264")]
pub use kineframe_codec_rusty_h264 as rusty_h264;

/// The back ends of this build, in order of preference.
pub fn default_list() -> Decoders {
    let list: Vec<Arc<dyn DecoderFactory>> = vec![
        #[cfg(feature = "rusty-h264")]
        Arc::new(rusty_h264::Factory),
        #[cfg(feature = "rust-h264")]
        Arc::new(rust_h264::Factory),
        #[cfg(feature = "openh264")]
        Arc::new(openh264::Factory),
    ];
    Decoders(list)
}
