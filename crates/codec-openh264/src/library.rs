//! The C++ library behind an interface that cannot be misused. All of this crate's `unsafe` is here.
//!
//! The safe wrapper of the `openh264` crate hands no time stamps through, and they are what ties a picture to its
//! packet. So its decoder is opened and closed by that crate, and called past it.
#![allow(unsafe_code)]

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264_sys2::{DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER, SBufferInfo, videoFormatI420};

/// A picture in the library's memory.
pub(crate) struct Lent<'a> {
    /// What was given in with its packet.
    pub stamp: u64,
    pub width: usize,
    pub height: usize,
    /// Lines of `strides` samples; Cb and Cr have the same stride.
    pub planes: [&'a [u8]; 3],
    pub strides: [usize; 2],
}

/// An open decoder.
pub(crate) struct Library {
    decoder: Decoder,
}

impl Library {
    /// Opens a decoder that conceals nothing.
    pub(crate) fn open() -> Result<Self, String> {
        let decoder = Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new());
        decoder.map(|decoder| Library { decoder }).map_err(|error| error.to_string())
    }

    /// Decodes NAL units behind start codes, all of one access unit. Gives the library's state bits, 0 where all
    /// went well, and a picture, of this access unit or of an earlier one.
    pub(crate) fn decode(&mut self, units: &[u8], stamp: u64) -> (u32, Option<Lent<'_>>) {
        // A length that C's int does not hold is beyond every limit on packets.
        let Ok(length) = i32::try_from(units.len()) else { return (STATE_INVALID, None) };
        let mut planes = [std::ptr::null_mut::<u8>(); 3];
        let mut info = SBufferInfo { uiInBsTimeStamp: stamp, ..SBufferInfo::default() };
        // SAFETY: the decoder is open for as long as `self.decoder` lives. `units` is readable for `length` bytes
        // and only read, `planes` holds three pointers and `info` one record, both written to and not kept.
        let state = unsafe {
            self.decoder.raw_api().decode_frame_no_delay(
                units.as_ptr(),
                length,
                (&raw mut planes).cast(),
                &raw mut info,
            )
        };
        (state as u32, self.lend(planes, &info))
    }

    /// Pictures that the library still holds back.
    pub(crate) fn held(&mut self) -> usize {
        let mut held = 0_i32;
        // SAFETY: the option is read into an int, as the library's header has it.
        let state = unsafe {
            self.decoder.raw_api().get_option(DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER, (&raw mut held).cast())
        };
        if state == 0 { usize::try_from(held).unwrap_or(0) } else { 0 }
    }

    /// The next picture that the library holds back.
    pub(crate) fn flush(&mut self) -> Option<Lent<'_>> {
        let mut planes = [std::ptr::null_mut::<u8>(); 3];
        let mut info = SBufferInfo::default();
        // SAFETY: as in `decode`.
        unsafe { self.decoder.raw_api().flush_frame((&raw mut planes).cast(), &raw mut info) };
        self.lend(planes, &info)
    }

    /// Ties what the library handed out to the borrow of the decoder, which must not run while it is looked at.
    fn lend(&self, planes: [*mut u8; 3], info: &SBufferInfo) -> Option<Lent<'_>> {
        if info.iBufferStatus != 1 || planes.iter().any(|plane| plane.is_null()) {
            return None;
        }
        // SAFETY: the union's one member is written whenever the status says that a picture is ready.
        let system = unsafe { info.UsrData.sSystemBuffer };
        if system.iFormat != videoFormatI420 {
            return None;
        }
        let positive = |value: i32| usize::try_from(value).ok().filter(|value| *value > 0);
        let (width, height) = (positive(system.iWidth)?, positive(system.iHeight)?);
        let strides = [positive(system.iStride[0])?, positive(system.iStride[1])?];
        let (columns, lines) = (width.div_ceil(2), height.div_ceil(2));
        if strides[0] < width || strides[1] < columns {
            return None;
        }
        let slice = |plane: *mut u8, stride: usize, columns: usize, lines: usize| {
            // SAFETY: the library's planes hold `lines` lines of `stride` samples from this pointer on, the last
            // of them `columns` at least. They stay untouched until the next call, which needs `&mut self`, and
            // what is returned borrows `self`.
            unsafe { std::slice::from_raw_parts(plane.cast_const(), stride * (lines - 1) + columns) }
        };
        Some(Lent {
            stamp: info.uiOutYuvTimeStamp,
            width,
            height,
            planes: [
                slice(planes[0], strides[0], width, height),
                slice(planes[1], strides[1], columns, lines),
                slice(planes[2], strides[1], columns, lines),
            ],
            strides,
        })
    }
}

/// `dsInvalidArgument` of the library.
pub(crate) const STATE_INVALID: u32 = 0x1000;

/// The library's state bits in words.
pub(crate) fn state_text(state: u32) -> String {
    const WORDS: [(u32, &str); 8] = [
        (0x02, "reference lost"),
        (0x04, "bitstream error"),
        (0x08, "layer lost"),
        (0x10, "parameter sets missing"),
        (0x20, "concealed"),
        (0x40, "reference list empty"),
        (STATE_INVALID, "invalid argument"),
        (0x4000, "out of memory"),
    ];
    let words: Vec<_> = WORDS.iter().filter(|(bit, _)| state & bit != 0).map(|(_, word)| *word).collect();
    if words.is_empty() { format!("state {state:#x}") } else { words.join(", ") }
}
