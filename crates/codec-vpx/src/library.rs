//! libvpx behind an interface that cannot be misused. All of this crate's `unsafe` is here.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::sync::Arc;

use kineframe_bitstream::frames::backend::{Decoded, EngineError};
use kineframe_codec::{BitDepth, ChromaSampling, PictureBuffer, PixelFormat, Plane, Rect, Samples, Size};
use vpx_sys::{
    VPX_DECODER_ABI_VERSION, vp8_dec_control_id, vpx_codec_control_, vpx_codec_ctx_t, vpx_codec_dec_cfg_t,
    vpx_codec_dec_init_ver, vpx_codec_decode, vpx_codec_destroy, vpx_codec_err_t, vpx_codec_err_to_string,
    vpx_codec_get_frame, vpx_codec_iface_t, vpx_codec_vp8_dx, vpx_codec_vp9_dx, vpx_image_t,
};

/// An open decoder. The context stays where it is, since the library keeps pointers into it.
pub(crate) struct Library(Box<vpx_codec_ctx_t>);

// SAFETY: a context may be used from any thread, by one at a time, which `&mut self` sees to.
unsafe impl Send for Library {}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: the context was initialised, and is destroyed once.
        unsafe { vpx_codec_destroy(&raw mut *self.0) };
    }
}

fn check(code: vpx_codec_err_t) -> Result<(), EngineError> {
    if code == vpx_codec_err_t::VPX_CODEC_OK {
        return Ok(());
    }
    // SAFETY: the library gives a string that it keeps for ever, for any code.
    let text = unsafe { CStr::from_ptr(vpx_codec_err_to_string(code)) }.to_string_lossy().into_owned();
    Err(match code {
        vpx_codec_err_t::VPX_CODEC_MEM_ERROR => EngineError::Internal(text),
        vpx_codec_err_t::VPX_CODEC_UNSUP_FEATURE => EngineError::Unsupported(text),
        _ => EngineError::Damaged(text),
    })
}

impl Library {
    pub(crate) fn vp8(threads: NonZeroUsize) -> Result<Self, EngineError> {
        // SAFETY: the function has no conditions; what it gives is the library's own.
        Self::open(unsafe { vpx_codec_vp8_dx() }, threads)
    }

    pub(crate) fn vp9(threads: NonZeroUsize) -> Result<Self, EngineError> {
        // SAFETY: as above.
        Self::open(unsafe { vpx_codec_vp9_dx() }, threads)
    }

    fn open(codec: *mut vpx_codec_iface_t, threads: NonZeroUsize) -> Result<Self, EngineError> {
        let config = vpx_codec_dec_cfg_t { threads: threads.get().min(16) as u32, w: 0, h: 0 };
        let mut context = Box::new(MaybeUninit::<vpx_codec_ctx_t>::zeroed());
        // SAFETY: the context is writable; codec and configuration are valid, and the latter is copied.
        let code = unsafe {
            vpx_codec_dec_init_ver(context.as_mut_ptr(), codec, &raw const config, 0, VPX_DECODER_ABI_VERSION as c_int)
        };
        check(code)?;
        // SAFETY: the library has filled it; what it left is zero, which all fields may be.
        Ok(Library(unsafe { Box::from_raw(Box::into_raw(context).cast()) }))
    }

    /// Decodes a packet. The last picture of it, where it shows any.
    pub(crate) fn packet(&mut self, packet: &[u8]) -> Result<Option<Decoded>, EngineError> {
        let Ok(length) = u32::try_from(packet.len()) else {
            return Err(EngineError::Damaged("a packet of 4 GiB and more".to_owned()));
        };
        if length == 0 {
            return Ok(None);
        }
        // SAFETY: the context is open, and the packet readable for its length and not kept.
        let code = unsafe { vpx_codec_decode(&raw mut *self.0, packet.as_ptr(), length, std::ptr::null_mut(), 0) };
        let decoded = check(code);
        let mut corrupted: c_int = 0;
        // SAFETY: this control writes an int.
        unsafe {
            let control = vp8_dec_control_id::VP8D_GET_FRAME_CORRUPTED as c_int;
            vpx_codec_control_(&raw mut *self.0, control, &raw mut corrupted);
        }
        let (mut place, mut last) = (std::ptr::null(), None);
        loop {
            // SAFETY: the context is open; what comes back is null or a picture that stays until the next call.
            let image = unsafe { vpx_codec_get_frame(&raw mut *self.0, &raw mut place).as_ref() };
            let Some(image) = image else { break };
            last = Some(picture(image, corrupted != 0)?);
        }
        decoded.map(|()| last)
    }
}

/// Copies a picture out of the library's memory.
fn picture(image: &vpx_image_t, damaged: bool) -> Result<Decoded, EngineError> {
    let chroma = match (image.x_chroma_shift, image.y_chroma_shift) {
        (1, 1) => ChromaSampling::Yuv420,
        (1, 0) => ChromaSampling::Yuv422,
        (0, 0) => ChromaSampling::Yuv444,
        _ => return Err(EngineError::Unsupported("4:4:0 chroma".to_owned())),
    };
    // VP8 says nothing of depth.
    let depth = u8::try_from(image.bit_depth.max(8)).ok().and_then(BitDepth::new);
    let depth = depth.ok_or_else(|| EngineError::Damaged("a picture of no known depth".to_owned()))?;
    let bytes = if depth == BitDepth::EIGHT { 1 } else { 2 };
    let (mut packed, mut widths) = ([const { Vec::new() }; 3], [0; 3]);
    for (index, (plane, width)) in packed.iter_mut().zip(&mut widths).enumerate() {
        let (across, down) = if index == 0 { (0, 0) } else { (image.x_chroma_shift, image.y_chroma_shift) };
        *width = image.d_w.div_ceil(1 << across) as usize;
        let lines = image.d_h.div_ceil(1 << down) as usize;
        let stride = image.stride.get(index).and_then(|stride| usize::try_from(*stride).ok()).unwrap_or(0);
        let start = image.planes.get(index).copied().unwrap_or(std::ptr::null_mut());
        if start.is_null() || stride < *width * bytes {
            return Err(EngineError::Internal("a picture without its planes".to_owned()));
        }
        plane.reserve_exact(*width * lines * bytes);
        for line in 0..lines {
            // SAFETY: the library's plane has `lines` lines, `stride` bytes from one to the next, each of at least
            // `width` samples; nothing writes to them until the next call.
            plane.extend_from_slice(unsafe { std::slice::from_raw_parts(start.add(line * stride), *width * bytes) });
        }
    }
    let format = PixelFormat { chroma, depth };
    let samples = packed.into_iter().zip(widths);
    let buffer: Arc<dyn PictureBuffer> = if bytes == 1 {
        Arc::new(Planes8(samples.collect()))
    } else {
        let wide = |plane: Vec<u8>| plane.as_chunks().0.iter().map(|pair| u16::from_ne_bytes(*pair)).collect();
        Arc::new(Planes16(samples.map(|(plane, width)| (wide(plane), width)).collect()))
    };
    let size = Size { width: image.d_w, height: image.d_h };
    Ok(Decoded { visible: Rect::whole(size), format, buffer, damaged })
}

/// Planes, tightly packed, and their widths.
struct Planes8(Vec<(Vec<u8>, usize)>);

struct Planes16(Vec<(Vec<u16>, usize)>);

impl PictureBuffer for Planes8 {
    fn planes(&self) -> Vec<Plane<'_>> {
        self.0.iter().map(|(plane, width)| Plane { samples: Samples::U8(plane), stride: *width }).collect()
    }
}

impl PictureBuffer for Planes16 {
    fn planes(&self) -> Vec<Plane<'_>> {
        self.0.iter().map(|(plane, width)| Plane { samples: Samples::U16(plane), stride: *width }).collect()
    }
}
