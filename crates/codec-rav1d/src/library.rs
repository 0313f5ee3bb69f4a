//! rav1d's C interface behind one that cannot be misused. All of this crate's `unsafe` is here.
#![allow(unsafe_code)]

use std::ffi::c_uint;
use std::ptr::NonNull;
use std::sync::Arc;

use kineframe_bitstream::frames::backend::Decoded;
use kineframe_codec::{
    BitDepth, ChromaSampling, DecodeOptions, PictureBuffer, PixelFormat, Plane, Rect, Samples, Size,
};
use re_rav1d::include::dav1d::data::Dav1dData;
use re_rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dSettings};
use re_rav1d::include::dav1d::headers::{
    DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I422, DAV1D_PIXEL_LAYOUT_I444,
};
use re_rav1d::include::dav1d::picture::Dav1dPicture;
use re_rav1d::src::lib::{
    dav1d_close, dav1d_data_create, dav1d_data_unref, dav1d_default_settings, dav1d_get_picture, dav1d_open,
    dav1d_picture_unref, dav1d_send_data,
};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    Stream(String),
    Memory,
}

/// An open decoder.
pub(crate) struct Library(Arc<Context>);

struct Context(Option<Dav1dContext>);

// SAFETY: a `Dav1dContext` is a counted pointer to a context whose state lies behind locks; rav1d hands it to threads
// of its own. Only `Library::decode`, which needs `&mut`, calls into it; a picture merely keeps it alive.
unsafe impl Send for Context {}
// SAFETY: as above; nothing is done with a shared `Context`.
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context is from `dav1d_open` and is closed once: it is taken out here.
        unsafe { dav1d_close(Some(NonNull::from(&mut self.0))) };
    }
}

fn check(result: i32) -> Result<(), Failure> {
    match -result {
        0 => Ok(()),
        libc_errno::NO_MEMORY => Err(Failure::Memory),
        libc_errno::RANGE => Err(Failure::Stream("a picture beyond the limits".to_owned())),
        code => Err(Failure::Stream(format!("rav1d's error {code}"))),
    }
}

/// Error codes of `errno.h` that have one value wherever this builds.
mod libc_errno {
    pub(super) const NO_MEMORY: i32 = 12;
    pub(super) const RANGE: i32 = 34;
    /// `EAGAIN`.
    pub(super) const AGAIN: i32 = if cfg!(any(target_os = "macos", target_os = "ios")) { 35 } else { 11 };
}

impl Library {
    /// Opens a decoder that hands out every picture as soon as its packet is in.
    pub(crate) fn open(options: &DecodeOptions) -> Result<Self, Failure> {
        let mut settings = std::mem::MaybeUninit::<Dav1dSettings>::uninit();
        let place = NonNull::from(&mut settings).cast();
        // SAFETY: the place is writable and has the size of the settings, and all of it is written.
        let mut settings = unsafe {
            dav1d_default_settings(place);
            settings.assume_init()
        };
        // More threads than this do not help; the most that it takes is 256.
        settings.n_threads = options.threads.get().min(64) as i32;
        settings.max_frame_delay = 1;
        // Of spatial layers the highest alone.
        settings.all_layers = 0;
        settings.frame_size_limit = c_uint::try_from(options.limits.samples).unwrap_or(c_uint::MAX);
        settings.strict_std_compliance = options.check_slices.into();
        // SAFETY: both fields of the logger are `None` when all their bytes are zero: a pointer that is not null and a
        // function. It has nothing to drop. Without a logger nothing is printed.
        unsafe { std::ptr::write_bytes(&raw mut settings.logger, 0, 1) };
        let mut context = None;
        // SAFETY: the settings are whole and read alone, the context is written to and not kept.
        let opened = unsafe { dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings))) };
        check(opened.0)?;
        Ok(Library(Arc::new(Context(context))))
    }

    /// Decodes a packet and appends the pictures that it shows.
    pub(crate) fn decode(&mut self, packet: &[u8], shown: &mut Vec<Decoded>) -> Result<(), Failure> {
        if packet.is_empty() {
            return Ok(());
        }
        let mut data = Dav1dData::default();
        // SAFETY: `data` is written to; what comes back is null or a buffer of so many bytes that `data` owns.
        let buffer = unsafe { dav1d_data_create(Some(NonNull::from(&mut data)), packet.len()) };
        if buffer.is_null() {
            return Err(Failure::Memory);
        }
        // SAFETY: the buffer has just been made with this length, and nobody else knows it.
        unsafe { std::ptr::copy_nonoverlapping(packet.as_ptr(), buffer, packet.len()) };
        let result = self.feed(&mut data, shown);
        // SAFETY: `data` is from `dav1d_data_create`; what the decoder took has been taken out of it.
        unsafe { dav1d_data_unref(Some(NonNull::from(&mut data))) };
        result
    }

    fn feed(&mut self, data: &mut Dav1dData, shown: &mut Vec<Decoded>) -> Result<(), Failure> {
        loop {
            let given = if data.sz > 0 {
                // SAFETY: the context is open, and `data` valid to be read and written.
                unsafe { dav1d_send_data(self.0.0, Some(NonNull::from(&mut *data))) }.0
            } else {
                0
            };
            if -given != libc_errno::AGAIN {
                check(given)?;
            }
            let before = shown.len();
            while let Some(picture) = self.picture()? {
                shown.push(picture);
            }
            // Data that it does not take though no picture is in the way would never be taken.
            if data.sz == 0 || (-given == libc_errno::AGAIN && shown.len() == before) {
                return Ok(());
            }
        }
    }

    fn picture(&mut self) -> Result<Option<Decoded>, Failure> {
        let mut picture = Dav1dPicture::default();
        // SAFETY: the context is open; the picture is written to, and holds nothing that would have to be dropped.
        let got = unsafe { dav1d_get_picture(self.0.0, Some(NonNull::from(&mut picture))) }.0;
        if -got == libc_errno::AGAIN {
            return Ok(None);
        }
        // Before anything can fail: dropping it gives the picture back.
        let planes = Planes { picture, _context: self.0.clone() };
        check(got)?;
        let parameters = &planes.picture.p;
        let size = Size { width: positive(parameters.w)?, height: positive(parameters.h)? };
        let chroma = match parameters.layout {
            DAV1D_PIXEL_LAYOUT_I400 => ChromaSampling::Monochrome,
            DAV1D_PIXEL_LAYOUT_I420 => ChromaSampling::Yuv420,
            DAV1D_PIXEL_LAYOUT_I422 => ChromaSampling::Yuv422,
            DAV1D_PIXEL_LAYOUT_I444 => ChromaSampling::Yuv444,
            other => return Err(Failure::Stream(format!("a picture of layout {other}"))),
        };
        let depth = u8::try_from(parameters.bpc).ok().and_then(BitDepth::new);
        let depth = depth.ok_or_else(|| Failure::Stream("a picture of no known depth".to_owned()))?;
        let format = PixelFormat { chroma, depth };
        Ok(Some(Decoded { visible: Rect::whole(size), format, buffer: Arc::new(planes), damaged: false }))
    }
}

fn positive(side: i32) -> Result<u32, Failure> {
    u32::try_from(side).map_err(|_| Failure::Stream(format!("a picture with a side of {side}")))
}

/// A picture in the decoder's memory, counted.
struct Planes {
    picture: Dav1dPicture,
    /// The pool that the memory goes back to.
    _context: Arc<Context>,
}

// SAFETY: a picture that was handed out is not written to any more, and its count is atomic. The pool behind it has a
// lock.
unsafe impl Send for Planes {}
// SAFETY: as above; it is only read.
unsafe impl Sync for Planes {}

impl Drop for Planes {
    fn drop(&mut self) {
        // SAFETY: the picture is the default one or from `dav1d_get_picture`, and is given back once.
        unsafe { dav1d_picture_unref(Some(NonNull::from(&mut self.picture))) };
    }
}

impl PictureBuffer for Planes {
    fn planes(&self) -> Vec<Plane<'_>> {
        let parameters = &self.picture.p;
        let lines = usize::try_from(parameters.h).unwrap_or(0);
        let chroma_lines = if parameters.layout == DAV1D_PIXEL_LAYOUT_I420 { lines.div_ceil(2) } else { lines };
        let count = if parameters.layout == DAV1D_PIXEL_LAYOUT_I400 { 1 } else { 3 };
        let shape = [(0, lines), (1, chroma_lines), (1, chroma_lines)];
        let planes = self.picture.data.iter().zip(shape).take(count);
        planes
            .filter_map(|(data, (stride, lines))| {
                let (data, stride) = ((*data)?, usize::try_from(self.picture.stride[stride]).ok()?);
                let bytes = stride.checked_mul(lines)?;
                // SAFETY: the default allocator, which is in use, gives each plane `lines` lines of `stride` bytes at
                // least, aligned to 64 bytes and initialised; they stay as they are while the picture is held, and
                // what is returned borrows `self`. With more than 8 bits each sample has two bytes.
                let samples = unsafe {
                    if parameters.bpc == 8 {
                        Samples::U8(std::slice::from_raw_parts(data.as_ptr().cast::<u8>(), bytes))
                    } else {
                        Samples::U16(std::slice::from_raw_parts(data.as_ptr().cast::<u16>(), bytes / 2))
                    }
                };
                let stride = if parameters.bpc == 8 { stride } else { stride / 2 };
                Some(Plane { samples, stride })
            })
            .collect()
    }
}
