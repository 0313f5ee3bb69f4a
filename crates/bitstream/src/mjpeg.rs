//! Motion JPEG: the headers of an image (ITU-T T.81 annex B), the Huffman tables that cameras leave out, and images
//! told apart in a byte stream.

mod data;
mod scan;
mod tables;

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use kineframe_codec::{
    ChromaSampling, ChromaSiting, Codec, CodecParameters, ColorRange, ColorSpace, MatrixCoefficients, Size,
};

use crate::frames::CodedFrame;
use crate::{Error, ErrorKind};

pub use scan::Images;
pub use tables::DEFAULT_HUFFMAN_TABLES;

/// How an image is coded (T.81 table B.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Process {
    /// Baseline or extended sequential, Huffman.
    Sequential,
    /// Progressive, Huffman.
    Progressive,
    /// Lossless, hierarchical, or arithmetic coding: the marker's low byte.
    Other(u8),
}

/// A component of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Component {
    /// Its identifier: 1 to 3 in JFIF.
    pub id: u8,
    /// Columns for each unit of the largest component.
    pub across: u8,
    /// Lines for each unit of the largest component.
    pub down: u8,
}

/// What the planes of an image hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Planes {
    /// Y′, or Y′CbCr.
    Luma(ChromaSampling),
    /// R′G′B′, each plane whole.
    Rgb,
}

/// The headers of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How it is coded.
    pub process: Process,
    /// Bits of a sample.
    pub depth: u8,
    /// Its size. A height of 0, which a later marker would tell, is an error.
    pub size: Size,
    /// Its components, at most four.
    pub components: Vec<Component>,
    /// A Huffman table comes before the first scan.
    pub has_huffman_tables: bool,
    /// A restart interval of at least one.
    pub has_restarts: bool,
    /// The colour transform that an Adobe marker names: 0 none, 1 Y′CbCr, 2 YCCK.
    pub adobe_transform: Option<u8>,
    /// A JFIF marker is there.
    pub jfif: bool,
    /// A comment says that samples are of limited range, as FFmpeg writes it.
    pub limited_range: bool,
    /// Where the image begins in the packet.
    pub start: usize,
    /// Where the first scan header begins in the packet.
    pub first_scan: usize,
    /// The frame header, marker included.
    pub frame_header: Range<usize>,
}

fn error(field: &'static str, byte: usize, kind: ErrorKind) -> Error {
    Error { unit: "JPEG", field, bit: byte as u64 * 8, kind }
}

impl Header {
    /// Reads the headers of the first image in a packet, up to its first scan.
    ///
    /// # Errors
    /// No image, one that ends before its first scan, or without a frame header.
    pub fn parse(packet: &[u8]) -> Result<Header, Error> {
        let start = packet.windows(2).position(|pair| pair == [0xff, 0xd8]);
        let start = start.ok_or_else(|| error("SOI", 0, ErrorKind::Truncated))?;
        let mut header = Header {
            process: Process::Other(0),
            depth: 0,
            size: Size { width: 0, height: 0 },
            components: Vec::new(),
            has_huffman_tables: false,
            has_restarts: false,
            adobe_transform: None,
            jfif: false,
            limited_range: false,
            start,
            first_scan: 0,
            frame_header: 0..0,
        };
        let mut at = start + 2;
        loop {
            let (marker, segment) = scan::segment(packet, at)?;
            let body = packet.get(segment.start + 4..segment.end).unwrap_or_default();
            match marker {
                0xda => {
                    header.first_scan = segment.start;
                    break;
                }
                0xc4 => header.has_huffman_tables = true,
                0xc0..=0xcf if !matches!(marker, 0xc8 | 0xcc) => header.frame(marker, body, &segment)?,
                0xdd => header.has_restarts = body.iter().any(|byte| *byte != 0),
                0xe0 if body.starts_with(b"JFIF\0") => header.jfif = true,
                0xee if body.starts_with(b"Adobe") => header.adobe_transform = body.get(11).copied(),
                0xfe if body.starts_with(b"CS=ITU601") => header.limited_range = true,
                _ => {}
            }
            at = segment.end;
        }
        if header.components.is_empty() {
            return Err(error("SOF", header.first_scan, ErrorKind::Missing(0)));
        }
        Ok(header)
    }

    fn frame(&mut self, marker: u8, body: &[u8], segment: &Range<usize>) -> Result<(), Error> {
        let truncated = || error("SOF", segment.start, ErrorKind::Truncated);
        let (head, rest) = body.split_first_chunk::<6>().ok_or_else(truncated)?;
        let [depth, height_high, height_low, width_high, width_low, count] = *head;
        let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
        self.size = Size { width: side(width_high, width_low), height: side(height_high, height_low) };
        if self.size.width == 0 || self.size.height == 0 || !(1..=4).contains(&count) {
            let kind = ErrorKind::Range { value: count.into(), min: 1, max: 4 };
            return Err(error("SOF", segment.start, kind));
        }
        let components = rest.chunks_exact(3).take(count.into());
        self.components =
            components.map(|part| Component { id: part[0], across: part[1] >> 4, down: part[1] & 15 }).collect();
        let valid = |component: &Component| (1..=4).contains(&component.across) && (1..=4).contains(&component.down);
        if self.components.len() != usize::from(count) || !self.components.iter().all(valid) {
            return Err(truncated());
        }
        self.depth = depth;
        self.process = match marker {
            0xc0 | 0xc1 => Process::Sequential,
            0xc2 => Process::Progressive,
            other => Process::Other(other),
        };
        self.frame_header = segment.clone();
        Ok(())
    }

    /// What the planes hold; the reason where they are none of the usual kinds.
    ///
    /// # Errors
    /// The reason, for a person.
    pub fn planes(&self) -> Result<Planes, String> {
        let sampling = |component: &Component| (component.across, component.down);
        match self.components.as_slice() {
            [_] => Ok(Planes::Luma(ChromaSampling::Monochrome)),
            [first, second, third] => {
                if sampling(second) != sampling(third) {
                    return Err("chroma planes of two sizes".to_owned());
                }
                let ratio = |of: u8, to: u8| of.is_multiple_of(to).then(|| of / to);
                let ratios = ratio(first.across, second.across).zip(ratio(first.down, second.down));
                let rgb = self.is_rgb([first.id, second.id, third.id]);
                match (ratios, rgb) {
                    (Some((1, 1)), true) => Ok(Planes::Rgb),
                    (_, true) => Err("subsampled R'G'B'".to_owned()),
                    (Some((1, 1)), _) => Ok(Planes::Luma(ChromaSampling::Yuv444)),
                    (Some((2, 1)), _) => Ok(Planes::Luma(ChromaSampling::Yuv422)),
                    (Some((2, 2)), _) => Ok(Planes::Luma(ChromaSampling::Yuv420)),
                    (Some((1, 2)), _) => Err("4:4:0 chroma".to_owned()),
                    (Some((4, 1)), _) => Err("4:1:1 chroma".to_owned()),
                    _ => Err("chroma of an unusual size".to_owned()),
                }
            }
            [_, _] => Err("two components".to_owned()),
            _ => Err("four components (CMYK)".to_owned()),
        }
    }

    /// By the Adobe marker, else by the identifiers, as libjpeg tells it.
    fn is_rgb(&self, ids: [u8; 3]) -> bool {
        match self.adobe_transform {
            Some(transform) => transform == 0,
            None => !self.jfif && ids == *b"RGB",
        }
    }

    /// What the samples mean: full range and BT.601 by JFIF, chroma in the middle of its luma samples.
    pub fn color(&self) -> ColorSpace {
        let rgb = self.planes() == Ok(Planes::Rgb);
        let range = if self.limited_range { ColorRange::Limited } else { ColorRange::Full };
        let matrix = if rgb { MatrixCoefficients::Identity } else { MatrixCoefficients::Bt601 };
        let siting = (!rgb).then_some(ChromaSiting::Center);
        ColorSpace { matrix: Some(matrix), range: Some(range), siting, primaries: None, transfer: None }
    }

    /// The frame header with markers for what else decides how planes are read: what is the same for all images of a
    /// track. See [`Header::of_parameter_set`].
    fn to_parameter_set(&self, packet: &[u8]) -> Bytes {
        let mut set = BytesMut::from(&[0xff, 0xd8][..]);
        if self.jfif {
            set.extend_from_slice(b"\xff\xe0\0\x07JFIF\0");
        }
        if let Some(transform) = self.adobe_transform {
            set.extend_from_slice(b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0");
            set.extend_from_slice(&[transform]);
        }
        if self.limited_range {
            set.extend_from_slice(b"\xff\xfe\0\x0bCS=ITU601");
        }
        set.extend_from_slice(packet.get(self.frame_header.clone()).unwrap_or_default());
        // A scan header of no component ends it.
        set.extend_from_slice(&[0xff, 0xda, 0, 2]);
        set.freeze()
    }

    /// Reads what [`Stream`] gives as a parameter set: the headers of an image without tables.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn of_parameter_set(set: &[u8]) -> Result<Header, Error> {
        Self::parse(set)
    }
}

/// An image with the Huffman tables of T.81 annex K.3 in front of its first scan, where it has none of its own. What
/// comes before the image is left out; an image that needs nothing is not copied.
pub fn with_huffman_tables(packet: &Bytes, header: &Header) -> Bytes {
    if header.has_huffman_tables {
        return packet.slice(header.start.min(packet.len())..);
    }
    let (head, scans) = packet.split_at(header.first_scan.min(packet.len()));
    let head = head.get(header.start..).unwrap_or_default();
    let mut image = BytesMut::with_capacity(head.len() + DEFAULT_HUFFMAN_TABLES.len() + scans.len());
    image.extend_from_slice(head);
    image.extend_from_slice(DEFAULT_HUFFMAN_TABLES);
    image.extend_from_slice(scans);
    image.freeze()
}

/// Whether the data of an image goes on to its end marker, and the scans of a progressive one go on where those before
/// them ended (T.81 §G.1.1.1). Of what is not whole, sound decoders make different pictures.
pub fn is_whole(image: &[u8]) -> bool {
    image.windows(2).rev().any(|pair| pair == [0xff, 0xd9]) && scan::build_on_each_other(image)
}

/// Whether these parameters are of images whose planes can be given as they are: sequential or progressive, 8 bits, one
/// component or three.
///
/// # Errors
/// The reason, for a person.
pub fn check_planes(params: &CodecParameters) -> Result<Planes, String> {
    if params.codec != Codec::MJPEG {
        return Err("decodes JPEG only".to_owned());
    }
    let set = params.parameter_sets.first().ok_or("no image has been seen")?;
    let header = Header::of_parameter_set(set).map_err(|error| error.to_string())?;
    match header.process {
        Process::Sequential | Process::Progressive => {}
        Process::Other(marker) => return Err(format!("lossless or arithmetic coding (marker {marker:02x})")),
    }
    if header.depth != 8 {
        return Err(format!("{} bits a sample", header.depth));
    }
    header.planes()
}

/// Follows a track: every image stands alone. By default nothing is known of it.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    set: Bytes,
    color: ColorSpace,
    size: Option<Size>,
    generation: u64,
    /// An image had nothing behind its last block.
    leaves_nothing: bool,
}

impl Stream {
    /// The image of a packet.
    ///
    /// # Errors
    /// Headers that cannot be read.
    pub fn packet(&mut self, packet: &[u8]) -> Result<Vec<CodedFrame>, Error> {
        let header = Header::parse(packet)?;
        let set = header.to_parameter_set(packet);
        if set != self.set {
            (self.set, self.color, self.size) = (set, header.color(), Some(header.size));
            self.generation += 1;
        }
        Ok(vec![CodedFrame { clean: true, ..CodedFrame::shown(header.size) }])
    }

    /// Reads the scans of the image of a packet, where they are sequential, code by code.
    ///
    /// # Errors
    /// The first rule of T.81 annex F that is broken; something behind the last block, where no image before had that.
    pub fn check_data(&mut self, packet: &[u8]) -> Result<(), Error> {
        let left = data::check(packet)?;
        match left.filter(|_| self.leaves_nothing) {
            Some(byte) => Err(error("entropy_coded_segment", byte, ErrorKind::Trailing)),
            None => {
                self.leaves_nothing |= left.is_none();
                Ok(())
            }
        }
    }

    /// Size, components and what they mean, of the last image; empty before any.
    pub fn parameter_set(&self) -> &Bytes {
        &self.set
    }

    /// What the samples of the last image mean.
    pub fn color(&self) -> ColorSpace {
        self.color
    }

    /// The size of the last image.
    pub fn size(&self) -> Option<Size> {
        self.size
    }

    /// Goes up when an image is of another kind than the one before it.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

#[cfg(test)]
mod tests;
