//! The default list of decoder back ends, one feature each.
//!
//! Order is preference: the first back end that is exact on a stream decodes it. It goes from fast to thorough, so
//! that the next one can take over where one gives up:
//!
//! 1. `rusty_h264` (feature `rusty-h264`): the fastest; 8-bit 4:2:0 frames.
//! 2. `rust_h264` (feature `rust-h264`): nearly all of H.264; goes on after damage.
//! 3. `openh264` (feature `openh264`): Baseline streams that both refuse, and whenever it is named.
//! 4. `rust_h265` (feature `rust-h265`): H.265 in 4:2:0 and 4:4:4, 8 to 12 bits.
//! 5. `dav1d` (feature `dav1d`, which needs the system's libdav1d): AV1, fast.
//! 6. `rav1d` (feature `rav1d`): AV1 without a system library. Its functions have the names of dav1d's, so that a
//!    program can hold one of the two: it is left out where `dav1d` is in.
//! 7. `vpx` (feature `vpx`, which needs the system's libvpx): VP8 and VP9, fast.
//! 8. `rusty_vp9` (feature `rusty-vp9`): VP9 without a system library.
//! 9. `oxideav_vp8` (feature `oxideav-vp8`): VP8 without a system library.
//! 10. `rusty_jpeg` (feature `rusty-jpeg`): Motion JPEG.
//! 11. `ffmpeg` (feature `ffmpeg`, which needs the system's FFmpeg): all of these codecs. It is the last, and so takes
//!     what no other does; a program that wants it first puts it there.
//!
//! ```
//! let decoders = kineframe_decoders::default_list();
//! let names: Vec<_> = decoders.0.iter().map(|factory| factory.name()).collect();
//! # #[cfg(all(feature = "rusty-h264", feature = "rust-h264", feature = "openh264"))]
//! assert_eq!(names[..3], ["rusty_h264", "rust_h264", "openh264"]);
//! // A list is a plain value: put your own back end in front, or take one by name.
//! # #[cfg(feature = "rust-h264")]
//! assert!(decoders.only("rust_h264").is_some());
//! ```

use std::sync::Arc;

use kineframe_codec::DecoderFactory;
pub use kineframe_codec::Decoders;
#[cfg(feature = "dav1d")]
pub use kineframe_codec_dav1d as dav1d;
#[cfg(feature = "ffmpeg")]
pub use kineframe_codec_ffmpeg as ffmpeg;
#[cfg(feature = "openh264")]
pub use kineframe_codec_openh264 as openh264;
#[cfg(feature = "oxideav-vp8")]
pub use kineframe_codec_oxideav_vp8 as oxideav_vp8;
#[cfg(all(feature = "rav1d", not(feature = "dav1d")))]
pub use kineframe_codec_rav1d as rav1d;
#[cfg(feature = "rust-h264")]
pub use kineframe_codec_rust_h264 as rust_h264;
#[cfg(feature = "rust-h265")]
pub use kineframe_codec_rust_h265 as rust_h265;
#[cfg(feature = "rusty-h264")]
pub use kineframe_codec_rusty_h264 as rusty_h264;
#[cfg(feature = "rusty-jpeg")]
pub use kineframe_codec_rusty_jpeg as rusty_jpeg;
#[cfg(feature = "rusty-vp9")]
pub use kineframe_codec_rusty_vp9 as rusty_vp9;
#[cfg(feature = "vpx")]
pub use kineframe_codec_vpx as vpx;

/// Features that this build was made without and that may add a back end for a codec, by the codec's name: what to tell
/// whoever has a stream that no back end takes.
///
/// ```
/// # #[cfg(not(any(feature = "vpx", feature = "ffmpeg")))]
/// # #[cfg(feature = "oxideav-vp8")]
/// assert_eq!(kineframe_decoders::features_for("vp8"), ["vpx", "ffmpeg"]);
/// assert!(kineframe_decoders::features_for("no codec of this name").is_empty());
/// ```
pub fn features_for(codec: &str) -> Vec<&'static str> {
    // For AV1 one of the two is enough: they are exact on the same.
    let av1 = cfg!(any(feature = "dav1d", feature = "rav1d"));
    let known: [(&str, bool, &[&str]); 10] = [
        ("rusty-h264", cfg!(feature = "rusty-h264"), &["h264"]),
        ("rust-h264", cfg!(feature = "rust-h264"), &["h264"]),
        ("openh264", cfg!(feature = "openh264"), &["h264"]),
        ("rust-h265", cfg!(feature = "rust-h265"), &["h265"]),
        ("rav1d", av1, &["av1"]),
        ("rusty-vp9", cfg!(any(feature = "rusty-vp9", feature = "vpx")), &["vp9"]),
        ("oxideav-vp8", cfg!(any(feature = "oxideav-vp8", feature = "vpx")), &["vp8"]),
        ("vpx", cfg!(feature = "vpx"), &["vp8"]),
        ("rusty-jpeg", cfg!(feature = "rusty-jpeg"), &["mjpeg"]),
        ("ffmpeg", cfg!(feature = "ffmpeg"), &["h264", "h265", "av1", "vp8", "vp9", "mjpeg"]),
    ];
    known.iter().filter(|(_, there, codecs)| !there && codecs.contains(&codec)).map(|(feature, ..)| *feature).collect()
}

/// The back ends of this build, in order of preference.
pub fn default_list() -> Decoders {
    let list: Vec<Arc<dyn DecoderFactory>> = vec![
        #[cfg(feature = "rusty-h264")]
        Arc::new(rusty_h264::Factory),
        #[cfg(feature = "rust-h264")]
        Arc::new(rust_h264::Factory),
        #[cfg(feature = "openh264")]
        Arc::new(openh264::Factory),
        #[cfg(feature = "rust-h265")]
        Arc::new(rust_h265::Factory),
        #[cfg(feature = "dav1d")]
        Arc::new(dav1d::Factory),
        #[cfg(all(feature = "rav1d", not(feature = "dav1d")))]
        Arc::new(rav1d::Factory),
        #[cfg(feature = "vpx")]
        Arc::new(vpx::Factory),
        #[cfg(feature = "rusty-vp9")]
        Arc::new(rusty_vp9::Factory),
        #[cfg(feature = "oxideav-vp8")]
        Arc::new(oxideav_vp8::Factory),
        #[cfg(feature = "rusty-jpeg")]
        Arc::new(rusty_jpeg::Factory),
        #[cfg(feature = "ffmpeg")]
        Arc::new(ffmpeg::Factory),
    ];
    Decoders(list)
}
