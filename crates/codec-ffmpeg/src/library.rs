//! FFmpeg behind an interface that cannot be misused. All of this crate's `unsafe` is here; what it calls is in `glue.c`.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::marker::{PhantomData, PhantomPinned};
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use kineframe_bitstream::frames::backend::EngineError;
use kineframe_codec::{BitDepth, ChromaSampling, PictureBuffer, PixelFormat, Plane, Rect, Samples};

/// `struct kineframe_decoder`.
#[repr(C)]
struct RawDecoder {
    _private: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// `AVFrame`.
#[repr(C)]
struct RawFrame {
    _private: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// `struct kineframe_picture`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Shape {
    frame: *mut RawFrame,
    planes: [*const u8; 3],
    strides: [isize; 3],
    stamp: i64,
    width: u32,
    height: u32,
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
    count: u8,
    depth: u8,
    across: u8,
    down: u8,
    faults: u8,
}

unsafe extern "C" {
    fn kineframe_has(name: *const c_char) -> c_int;
    fn kineframe_open(
        name: *const c_char,
        threads: c_int,
        low_delay: c_int,
        cut: c_int,
        samples: i64,
    ) -> *mut RawDecoder;
    fn kineframe_close(decoder: *mut RawDecoder);
    fn kineframe_reorder(decoder: *mut RawDecoder, reorder: c_int);
    fn kineframe_packet(decoder: *mut RawDecoder, size: c_int) -> *mut u8;
    fn kineframe_send(decoder: *mut RawDecoder, stamp: i64, key: c_int, drain: c_int) -> c_int;
    fn kineframe_receive(decoder: *mut RawDecoder, picture: *mut Shape) -> c_int;
    fn kineframe_release(frame: *mut RawFrame);
    fn kineframe_flush(decoder: *mut RawDecoder);
    fn kineframe_error(code: c_int, text: *mut c_char, size: usize) -> c_int;
}

/// What stands before a NAL unit.
pub(crate) const START_CODE: &[u8] = &[0, 0, 0, 1];

/// How a decoder is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Threads within a picture.
    pub threads: NonZeroUsize,
    /// Hand out each picture at once, where the codec has no order of its own.
    pub low_delay: bool,
    /// Have FFmpeg cut off what is not to be shown.
    pub cut: bool,
    /// Most luma samples of a picture.
    pub samples: u64,
}

/// Whether this FFmpeg has a decoder of that name.
pub(crate) fn has(name: &CStr) -> bool {
    // SAFETY: the name ends in a zero byte; the list of decoders never changes.
    unsafe { kineframe_has(name.as_ptr()) != 0 }
}

/// An open decoder.
pub(crate) struct Library(NonNull<RawDecoder>);

// SAFETY: FFmpeg's contexts may be used from any thread, by one at a time, which `&mut self` sees to.
unsafe impl Send for Library {}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: it was opened, and is closed once. Pictures that are out are counted by themselves.
        unsafe { kineframe_close(self.0.as_ptr()) };
    }
}

/// Of a code below zero.
fn failed(code: c_int) -> EngineError {
    let mut text = [0_u8; 128];
    // SAFETY: the text is writable for its length, and gets a zero byte at its end.
    let kind = unsafe { kineframe_error(code, text.as_mut_ptr().cast(), text.len()) };
    let text = CStr::from_bytes_until_nul(&text).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
    match kind {
        0 => EngineError::Damaged(text),
        1 => EngineError::Unsupported(text),
        _ => EngineError::Internal(text),
    }
}

impl Library {
    pub(crate) fn open(name: &CStr, settings: &Settings) -> Result<Self, EngineError> {
        let threads = settings.threads.get().min(16) as c_int;
        let samples = i64::try_from(settings.samples).unwrap_or(i64::MAX);
        let (low_delay, cut) = (settings.low_delay.into(), settings.cut.into());
        // SAFETY: the name ends in a zero byte; the rest are numbers within what FFmpeg takes.
        let decoder = unsafe { kineframe_open(name.as_ptr(), threads, low_delay, cut, samples) };
        NonNull::new(decoder)
            .map(Library)
            .ok_or_else(|| EngineError::Internal(format!("FFmpeg does not open its decoder {name:?}")))
    }

    /// Holds back at least so many pictures from here on.
    pub(crate) fn set_reorder(&mut self, pictures: u32) {
        // SAFETY: the decoder is open.
        unsafe { kineframe_reorder(self.0.as_ptr(), pictures.min(16) as c_int) };
    }

    /// Decodes the parts of a packet, one behind the other. Pictures that are ready are appended, those that come before
    /// an error too.
    pub(crate) fn send(
        &mut self,
        parts: &[&[u8]],
        stamp: i64,
        key: bool,
        out: &mut Vec<Frame>,
    ) -> Result<(), EngineError> {
        let total = parts.iter().try_fold(0_usize, |total, part| total.checked_add(part.len()));
        // FFmpeg adds its padding to the size as an `int`.
        let total = total.and_then(|total| c_int::try_from(total).ok()).filter(|total| *total < c_int::MAX - 4096);
        let Some(total) = total else {
            return Err(EngineError::Damaged("a packet of 2 GiB and more".to_owned()));
        };
        if total == 0 {
            return Ok(());
        }
        // SAFETY: the decoder is open; what comes back is null or writable for the size.
        let start = unsafe { kineframe_packet(self.0.as_ptr(), total) };
        if start.is_null() {
            return Err(EngineError::Internal("no memory for a packet".to_owned()));
        }
        let mut at = 0;
        for part in parts {
            // SAFETY: the parts have `total` bytes together, the new packet belongs to nobody else.
            unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), start.add(at), part.len()) };
            at += part.len();
        }
        self.push(stamp, key, false, out)
    }

    /// Hands out what is held back, and forgets the rest.
    pub(crate) fn drain(&mut self, out: &mut Vec<Frame>) -> Result<(), EngineError> {
        let result = self.push(0, false, true, out);
        self.forget();
        result
    }

    /// Forgets all pictures.
    pub(crate) fn forget(&mut self) {
        // SAFETY: the decoder is open.
        unsafe { kineframe_flush(self.0.as_ptr()) };
    }

    fn push(&mut self, stamp: i64, key: bool, drain: bool, out: &mut Vec<Frame>) -> Result<(), EngineError> {
        let mut outcome = Ok(());
        loop {
            // SAFETY: the decoder is open, and the packet filled.
            let sent = unsafe { kineframe_send(self.0.as_ptr(), stamp, key.into(), drain.into()) };
            let before = out.len();
            if sent < 0 {
                outcome = outcome.and(Err(failed(sent)));
            }
            outcome = outcome.and(self.receive(out));
            // 0: it takes the packet when the pictures before it are taken, of which there must have been one.
            if sent != 0 || out.len() == before {
                return outcome;
            }
        }
    }

    /// Takes all pictures that are ready.
    fn receive(&mut self, out: &mut Vec<Frame>) -> Result<(), EngineError> {
        let mut outcome = Ok(());
        loop {
            let mut shape = std::mem::MaybeUninit::<Shape>::uninit();
            // SAFETY: the decoder is open; the shape is written whatever happens.
            let (code, shape) = unsafe {
                let code = kineframe_receive(self.0.as_ptr(), shape.as_mut_ptr());
                (code, shape.assume_init())
            };
            // From here on it is freed, whatever is wrong with it.
            let frame = NonNull::new(shape.frame).map(Owned);
            match (frame, code) {
                (Some(owned), 1) => match Frame::of(owned, &shape) {
                    Ok(frame) => out.push(frame),
                    Err(error) => outcome = outcome.and(Err(error)),
                },
                (_, code) if code < 0 => {
                    outcome = outcome.and(Err(failed(code)));
                    if shape.frame.is_null() {
                        return outcome;
                    }
                }
                _ => return outcome,
            }
        }
    }
}

/// A counted reference to a picture.
struct Owned(NonNull<RawFrame>);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and freed once.
        unsafe { kineframe_release(self.0.as_ptr()) };
    }
}

/// A picture in FFmpeg's memory, counted.
pub(crate) struct Frame {
    /// Of the packet that it came from.
    pub(crate) stamp: i64,
    pub(crate) format: PixelFormat,
    /// What is to be shown of the planes, as FFmpeg says.
    pub(crate) visible: Rect,
    /// The decoder concealed something.
    pub(crate) concealed: bool,
    planes: Vec<RawPlane>,
    _owned: Owned,
}

/// Where a plane begins, its bytes, and those of a line.
struct RawPlane {
    start: NonNull<u8>,
    bytes: usize,
    stride: usize,
}

// SAFETY: FFmpeg does not write to a picture that it has handed out, so that it can be read from any thread; its count is
// atomic.
unsafe impl Send for Frame {}
// SAFETY: as above.
unsafe impl Sync for Frame {}

impl Frame {
    fn of(owned: Owned, shape: &Shape) -> Result<Self, EngineError> {
        let unsupported = |what: &str| EngineError::Unsupported(what.to_owned());
        let chroma = match (shape.count, shape.across, shape.down) {
            (1, ..) => ChromaSampling::Monochrome,
            (_, 1, 1) => ChromaSampling::Yuv420,
            (_, 1, 0) => ChromaSampling::Yuv422,
            (_, 0, 0) => ChromaSampling::Yuv444,
            (_, 0, 1) => return Err(unsupported("4:4:0 chroma")),
            _ => return Err(unsupported("chroma that is neither 4:2:0, 4:2:2 nor 4:4:4")),
        };
        let depth = BitDepth::new(shape.depth).ok_or_else(|| unsupported("samples of less than 8 bits"))?;
        let sample = if depth == BitDepth::EIGHT { 1 } else { 2 };
        let mut planes = Vec::with_capacity(3);
        for index in 0..chroma.planes() {
            let (across, down) = chroma.shifts().filter(|_| index > 0).unwrap_or((0, 0));
            let (width, lines) =
                (shape.width.div_ceil(1 << across) as usize, shape.height.div_ceil(1 << down) as usize);
            let start = shape.planes.get(index).and_then(|start| NonNull::new(start.cast_mut()));
            let stride = shape.strides.get(index).and_then(|stride| usize::try_from(*stride).ok()).unwrap_or(0);
            let (Some(start), true) = (start, stride >= width * sample && lines > 0) else {
                return Err(EngineError::Internal("a picture without its planes".to_owned()));
            };
            planes.push(RawPlane { start, bytes: stride * (lines - 1) + width * sample, stride });
        }
        let cut =
            |whole: u32, one: u32, other: u32| whole.checked_sub(one)?.checked_sub(other).filter(|left| *left > 0);
        let width = cut(shape.width, shape.left, shape.right);
        let height = cut(shape.height, shape.top, shape.bottom);
        let (Some(width), Some(height)) = (width, height) else {
            return Err(EngineError::Internal("a picture of which nothing is visible".to_owned()));
        };
        Ok(Frame {
            stamp: shape.stamp,
            format: PixelFormat { chroma, depth },
            visible: Rect { left: shape.left, top: shape.top, width, height },
            concealed: shape.faults & 1 != 0,
            planes,
            _owned: owned,
        })
    }
}

impl Frame {
    /// Keeps so many of its planes.
    pub(crate) fn truncate(&mut self, planes: usize) {
        self.planes.truncate(planes);
    }
}

impl PictureBuffer for Frame {
    fn planes(&self) -> Vec<Plane<'_>> {
        let planes = self.planes.iter().filter_map(|plane| {
            // SAFETY: FFmpeg's planes have as many lines as the frame says, `stride` bytes from one to the next, and are
            // readable to the end of the last one for as long as the frame is counted.
            let bytes = unsafe { std::slice::from_raw_parts(plane.start.as_ptr(), plane.bytes) };
            Some(if self.format.depth == BitDepth::EIGHT {
                Plane { samples: Samples::U8(bytes), stride: plane.stride }
            } else {
                // FFmpeg aligns its planes, so that this always succeeds.
                Plane { samples: Samples::U16(bytemuck::try_cast_slice(bytes).ok()?), stride: plane.stride / 2 }
            })
        });
        planes.collect()
    }
}
