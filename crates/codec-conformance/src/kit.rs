//! Streams with their truths: those inside the crate, and those in a folder.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use kineframe_bitstream::Identified;
use kineframe_bitstream::frames::FrameStream;
use kineframe_bitstream::h264::{
    AccessUnit, AccessUnits, AvcConfig, NalHeader, NalType, OutputOrder, PictureOrder, RandomAccess, SliceHeader, Sps,
    Stream,
};
use kineframe_bitstream::{StartCodeUnits, h265, start_codes_to_lengths};
use kineframe_codec::{Codec, CodecParameters, NalFraming};

use crate::{files, inside};

/// Streams to run a back end against.
#[derive(Debug, Clone, Default)]
pub struct Kit {
    /// The streams, in the order of the report.
    pub streams: Vec<TestStream>,
}

/// A stream as packets, and what its pictures are.
#[derive(Debug, Clone)]
pub struct TestStream {
    /// Its name.
    pub name: String,
    /// What it is coded with.
    pub codec: Codec,
    /// The access units in decoding order.
    pub packets: Vec<TestPacket>,
    /// The pictures in presentation order.
    pub truth: Vec<TruePicture>,
    /// Index of the packet that each picture of `truth` comes from; empty where the truth does not tell.
    pub order: Vec<usize>,
    /// The planes of each picture of `truth`, where a sample may differ by one from them: Motion JPEG, whose inverse
    /// transform is not normative. Empty where equality is asked.
    pub planes: Vec<Bytes>,
    /// Equality is not asked: sound decoders differ here. Only what holds for damaged streams is asked.
    pub disputed: bool,
    /// Frames are missing by `frame_num` where the SPS forbids that: a back end may mark what follows as damaged,
    /// though it is equal.
    pub forbidden_gap: bool,
    /// The loss of a reference picture can be told from the stream, by `frame_num`, and no recovery point before the
    /// next IDR picture makes later pictures nearly right: wrong pictures after a loss must be marked.
    pub losses_show: bool,
}

/// One packet of a [`TestStream`].
#[derive(Debug, Clone)]
pub struct TestPacket {
    /// The access unit.
    pub data: Bytes,
    /// How it is framed.
    pub framing: NalFraming,
    /// Whether decoding may start here.
    pub random_access: RandomAccess,
    /// The parameters in force from here on, at the first packet and at each IDR picture that changes them.
    pub params: Option<CodecParameters>,
}

/// The MD5 of a picture's planes as [`Picture::write_packed`](kineframe_codec::Picture::write_packed) lays them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TruePicture {
    /// Bytes of the planes. A monochrome picture may have been summed with two chroma planes of mid grey, as
    /// FFmpeg gives it; the number tells.
    pub bytes: usize,
    /// Their MD5.
    pub md5: [u8; 16],
}

/// What is wrong with a folder of streams.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// A file or folder cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A truth file cannot be understood.
    #[error("{path}: line {line} is not a line of a framemd5 file")]
    Truth {
        /// Which.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// Names of streams on which sound decoders differ: lost pictures are concealed, a stream starts in its middle, or the
/// scans of a progressive image contradict each other (FFmpeg conceals what libjpeg warns of and decodes); and of
/// an H.265 stream whose second part FFmpeg brings into the format of the first, where it is not read with the truth
/// that the crate carries. Of these, inside the crate or in a folder, no equality is asked.
pub const DISPUTED: [&str; 8] = [
    "gen_format_change",
    "gen_start_open_gop_i",
    "gen_start_recovery_point",
    "jd_partial_progressive",
    "media3_invalid_nalu",
    "oh_BA_MW_D_IDR_LOST",
    "oh_Error_I_P",
    "oh_jm_1080p_allslice",
];

/// Whether equality is not asked of the stream of this name.
pub(crate) fn is_disputed(name: &str) -> bool {
    DISPUTED.contains(&name)
}

impl Kit {
    /// The streams that the crate carries: small, and one for each thing that decoders get wrong.
    pub fn inside() -> Kit {
        Kit { streams: inside::ALL.iter().filter_map(TestStream::carried).collect() }
    }

    /// Every elementary stream of a folder that has a `NAME.framemd5` beside it, in order of name; where there is no
    /// such stream but a `NAME.mkv`, the first video track of that. Elementary streams are `NAME.264`, `NAME.265`,
    /// `NAME.ivf`, `NAME.obu`, `NAME.mjpeg` and `NAME.jpg`; where there is a `NAME.yuv` as well, samples may differ from it by one.
    ///
    /// A stream that the crate carries too, byte for byte, has the truth that it has there: two of those were put right,
    /// whose second half FFmpeg's tool had brought into the colour range, or the format, of the first.
    ///
    /// # Errors
    /// A file that cannot be read, a truth that cannot be understood.
    pub fn from_dir(folder: impl AsRef<Path>) -> Result<Kit, KitError> {
        let folder = folder.as_ref();
        let io = |path: &Path, source| KitError::Io { path: path.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|source| io(folder, source))? {
            let path = entry.map_err(|source| io(folder, source))?.path();
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            let elementary = |path: &Path| files::ELEMENTARY.iter().any(|kind| path.with_extension(kind).exists());
            if files::ELEMENTARY.contains(&extension) || extension == "mkv" && !elementary(&path) {
                paths.push(path);
            }
        }
        paths.sort();
        let mut streams = Vec::new();
        for path in paths {
            let truth_path = path.with_extension("framemd5");
            if !truth_path.is_file() {
                continue;
            }
            let text = std::fs::read_to_string(&truth_path).map_err(|source| io(&truth_path, source))?;
            let truth = parse_truth(&text).map_err(|line| KitError::Truth { path: truth_path, line })?;
            let bytes: Bytes = std::fs::read(&path).map_err(|source| io(&path, source))?.into();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            if let Some(carried) = inside::ALL.iter().find(|(_, _, inside, ..)| *inside == bytes) {
                streams.extend(TestStream::carried(carried).map(|stream| TestStream { name: name.into(), ..stream }));
                continue;
            }
            let kind = path.extension().unwrap_or_default().to_string_lossy();
            let stream = files::stream(&name, &kind, &bytes, truth);
            let planes = std::fs::read(path.with_extension("yuv")).map(Bytes::from).unwrap_or_default();
            streams.extend(stream.map(|stream| stream.within_one_of(&planes)));
        }
        Ok(Kit { streams })
    }

    /// As [`from_dir`](Self::from_dir), for tests that look at more where there is more: the streams in `folder` below
    /// the one that `KINEFRAME_MEDIA` names; none where the variable is not set, which is said in a line.
    ///
    /// # Panics
    /// Where there is no such folder of streams.
    pub fn of_media(folder: &str) -> Kit {
        let Some(media) = std::env::var_os("KINEFRAME_MEDIA").map(PathBuf::from) else {
            println!("skipped: KINEFRAME_MEDIA does not name a media folder");
            return Kit::default();
        };
        let kit = Kit::from_dir(media.join(folder)).unwrap_or_else(|error| panic!("{error}"));
        assert!(!kit.streams.is_empty(), "{folder}: no streams with their truths");
        kit
    }

    /// Only the streams of one codec.
    pub fn of(mut self, codec: Codec) -> Kit {
        self.streams.retain(|stream| stream.codec == codec);
        self
    }

    /// All streams as disputed ones: for streams that are damaged, whose truth is what one decoder made of them.
    pub fn disputed(mut self) -> Kit {
        for stream in &mut self.streams {
            stream.disputed = true;
            stream.order.clear();
        }
        self
    }

    /// Only the streams whose name contains `part`.
    pub fn only(mut self, part: &str) -> Kit {
        self.streams.retain(|stream| stream.name.contains(part));
        self
    }
}

impl TestStream {
    /// One of the streams that the crate carries; `None` where none has that name.
    pub fn inside(name: &str) -> Option<TestStream> {
        inside::ALL.iter().find(|(found, ..)| *found == name).and_then(Self::carried)
    }

    fn carried((name, kind, bytes, truth, planes): &inside::Inside) -> Option<TestStream> {
        let truth = parse_truth(truth).unwrap_or_default();
        let stream = files::stream(name, kind, &Bytes::from_static(bytes), truth)?;
        Some(stream.within_one_of(&Bytes::from_static(planes)))
    }

    /// An H.264 byte stream with start codes, cut into access units.
    pub fn h264(name: &str, bytes: &Bytes, truth: Vec<TruePicture>) -> TestStream {
        Self::of_packets(name, &Bytes::new(), AccessUnits::new(bytes.clone()), truth)
    }

    /// The packets of a track whose packets hold whole frames, each of which is shown as it comes.
    pub fn frames(
        name: &str,
        track: &Identified,
        packets: impl IntoIterator<Item = Bytes>,
        truth: Vec<TruePicture>,
    ) -> TestStream {
        let mut stream = FrameStream::new(track);
        let (mut ready, mut order, mut told) = (Vec::new(), Vec::new(), None);
        for data in packets {
            let look = stream.packet(&data, ready.is_empty());
            if look.picture {
                order.push(ready.len());
            }
            let RandomAccess::Idr = look.random_access else {
                let (framing, random_access) = (NalFraming::None, RandomAccess::None);
                ready.push(TestPacket { data, framing, random_access, params: None });
                continue;
            };
            let params = (told != Some(stream.generation())).then(|| stream.parameters());
            told = Some(stream.generation());
            ready.push(TestPacket { data, framing: NalFraming::None, random_access: RandomAccess::Idr, params });
        }
        let disputed = is_disputed(name);
        if disputed || order.len() != truth.len() {
            order.clear();
        }
        TestStream {
            name: name.to_owned(),
            codec: track.codec,
            packets: ready,
            truth,
            order,
            planes: Vec::new(),
            disputed,
            forbidden_gap: false,
            // Nothing in such a stream counts its frames.
            losses_show: false,
        }
    }

    /// Asks of each sample that it differs by one at most from `planes`: the pictures of the truth one after the other.
    /// Where they are not as many bytes as the truth says, nothing changes.
    pub fn within_one_of(mut self, planes: &Bytes) -> TestStream {
        let total: usize = self.truth.iter().map(|picture| picture.bytes).sum();
        if !planes.is_empty() && total == planes.len() {
            let mut rest = planes.clone();
            self.planes = self.truth.iter().map(|picture| rest.split_to(picture.bytes)).collect();
        }
        self
    }

    /// The first `count` packets, each with its length in two bytes (big-endian) in front, as
    /// `kineframe_bitstream::fuzzing::frames` takes them. A packet that is too long for that is cut.
    pub fn prefixed(&self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for packet in self.packets.iter().take(count) {
            let length = u16::try_from(packet.data.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(packet.data.get(..length.into()).unwrap_or_default());
        }
        bytes
    }

    /// Access units of H.264, with what a container says beside them.
    pub(crate) fn of_packets(
        name: &str,
        private: &Bytes,
        units: impl Iterator<Item = Bytes>,
        truth: Vec<TruePicture>,
    ) -> TestStream {
        let mut stream = Stream::new(private);
        let mut orders = PictureOrder::default();
        let (mut packets, mut order) = (Vec::new(), Vec::new());
        let (mut told, mut gaps) = (None, Gaps::default());
        for data in units {
            let unit = stream.packet(&data);
            if let (Some(slice), Some(sps)) = (&unit.slice, stream.sps()) {
                order.push((orders.next(sps, slice), packets.len()));
                gaps.look(sps, slice);
            }
            let anew = told != Some(stream.generation()) && (packets.is_empty() || unit.is_idr());
            let params = anew.then(|| stream.parameters());
            if anew {
                told = Some(stream.generation());
            }
            let AccessUnit { framing, random_access, .. } = unit;
            packets.push(TestPacket { data, framing, random_access, params });
        }
        let near = |packet: &TestPacket| matches!(packet.random_access, RandomAccess::RecoveryPoint { frames: 1.. });
        let losses_show = !gaps.allowed && !packets.iter().any(near);
        let stream = Self::counted(name, Codec::H264, packets, order, truth);
        TestStream { forbidden_gap: gaps.forbidden, losses_show, ..stream }
    }

    /// Packets of a codec that counts its pictures, and for each picture that is shown its place in output order and its
    /// packet.
    pub(crate) fn counted(
        name: &str,
        codec: Codec,
        packets: Vec<TestPacket>,
        mut order: Vec<(OutputOrder, usize)>,
        truth: Vec<TruePicture>,
    ) -> TestStream {
        order.sort();
        let disputed = is_disputed(name);
        let known = !disputed && order.len() == truth.len();
        let order = if known { order.into_iter().map(|(_, packet)| packet).collect() } else { Vec::new() };
        TestStream {
            name: name.to_owned(),
            codec,
            packets,
            truth,
            order,
            planes: Vec::new(),
            disputed,
            forbidden_gap: false,
            // Every picture of H.265 names those that it may refer to.
            losses_show: true,
        }
    }

    /// The same pictures as a Matroska track has them: lengths of four bytes, parameter sets in `CodecPrivate`
    /// alone. `None` where the sets change on the way, or where the stream is neither H.264 nor H.265.
    pub fn out_of_band(&self) -> Option<TestStream> {
        match self.codec {
            Codec::H264 => self.with_record(
                |nal| NalHeader::of(nal).is_some_and(|header| matches!(header.kind, NalType::SPS | NalType::PPS)),
                |sets| {
                    let is_sps = |nal: &Bytes| NalHeader::of(nal).is_some_and(|header| header.kind == NalType::SPS);
                    let (sps, pps) = sets.into_iter().partition(is_sps);
                    let private = AvcConfig::new(sps, pps).ok()?.to_bytes();
                    Some(Stream::new(&private).parameters())
                },
            ),
            Codec::H265 => self.with_record(
                |nal| h265::NalHeader::base_kind(nal).is_some_and(|kind| kind.is_parameter_set()),
                |sets| {
                    let private = h265::HevcConfig::new(sets).ok()?.to_bytes();
                    Some(h265::Stream::new(&private).parameters())
                },
            ),
            _ => None,
        }
    }

    /// The same with lengths, and with the sets of the first packet in a record, whose parameters `record` tells.
    fn with_record(
        &self,
        is_set: impl Fn(&[u8]) -> bool,
        record: impl FnOnce(Vec<Bytes>) -> Option<CodecParameters>,
    ) -> Option<TestStream> {
        let (mut sets, mut packets) = (Vec::<Bytes>::new(), Vec::new());
        for (index, packet) in self.packets.iter().enumerate() {
            if packet.framing != NalFraming::StartCodes {
                return None;
            }
            let mut rest = Vec::new();
            for nal in StartCodeUnits::new(&packet.data) {
                if !is_set(nal) {
                    rest.extend_from_slice(&[0, 0, 0, 1]);
                    rest.extend_from_slice(nal);
                } else if index == 0 {
                    sets.push(Bytes::copy_from_slice(nal));
                } else if !sets.iter().any(|known| known == nal) {
                    return None;
                }
            }
            packets.push(TestPacket {
                data: start_codes_to_lengths(rest.into()).data,
                framing: NalFraming::LengthPrefixed(4),
                params: None,
                ..packet.clone()
            });
        }
        packets.first_mut()?.params = Some(record(sets)?);
        Some(TestStream { packets, ..self.clone() })
    }

    /// Whether there is a packet at which nothing before it matters, other than the first.
    pub(crate) fn starts_at_idr(&self) -> bool {
        self.packets.first().is_some_and(|packet| packet.random_access == RandomAccess::Idr)
    }
}

/// Looks for frames that are missing by `frame_num` (H.264 §7.4.3) where the SPS does not allow it.
#[derive(Default)]
struct Gaps {
    /// `PrevRefFrameNum`; nothing before the first picture.
    previous: Option<u32>,
    forbidden: bool,
    /// An SPS allows them.
    allowed: bool,
}

impl Gaps {
    fn look(&mut self, sps: &Sps, slice: &SliceHeader) {
        let frame_num = u32::from(slice.frame_num);
        let next = |previous| (previous + 1) % (1 << sps.frame_num_bits);
        let goes_on = |previous| frame_num == previous || frame_num == next(previous);
        let gap = !slice.is_idr() && self.previous.is_some_and(|previous| !goes_on(previous));
        self.allowed |= sps.gaps_in_frame_num_allowed;
        self.forbidden |= gap && !sps.gaps_in_frame_num_allowed;
        if slice.drops_references {
            self.previous = Some(0);
        } else if slice.nal.ref_idc != 0 || self.previous.is_none() {
            self.previous = Some(frame_num);
        }
    }
}

/// The pictures of a `framemd5` file; the number of the first line that is not one.
fn parse_truth(text: &str) -> Result<Vec<TruePicture>, usize> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|(index, line)| parse_line(line).ok_or(index + 1)).collect()
}

fn parse_line(line: &str) -> Option<TruePicture> {
    let mut columns = line.rsplit(',').map(str::trim);
    let sum = columns.next()?;
    let bytes = columns.next()?.parse().ok()?;
    if sum.len() != 32 {
        return None;
    }
    let mut md5 = [0; 16];
    for (byte, digits) in md5.iter_mut().zip(sum.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(TruePicture { bytes, md5 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_inside_are_whole() {
        let kit = Kit::inside();
        assert!(kit.streams.len() >= 40);
        for stream in &kit.streams {
            assert!(!stream.truth.is_empty(), "{}", stream.name);
            assert!(stream.packets[0].params.is_some(), "{}", stream.name);
            assert!(stream.disputed || stream.order.len() == stream.truth.len(), "{}", stream.name);
        }
        let changed = kit.only("gen_resolution_change").streams.remove(0);
        assert!(changed.packets.iter().filter(|packet| packet.params.is_some()).count() > 1);
    }

    #[test]
    fn one_stream_inside_is_found_by_its_name() {
        let stream = TestStream::inside("mjpeg_gen_422").unwrap();
        assert_eq!((stream.name.as_str(), stream.codec), ("mjpeg_gen_422", Codec::MJPEG));
        assert!(TestStream::inside("gen_").is_none());
    }

    #[test]
    fn packets_are_written_with_their_lengths() {
        let mut stream = TestStream::inside("gen_baseline_cavlc").unwrap();
        stream.packets[1].data = vec![7; 70_000].into();
        let bytes = stream.prefixed(2);
        let parts: Vec<&[u8]> =
            kineframe_bitstream::LengthPrefixedUnits::new(&bytes, 2).map(|part| part.unwrap()).collect();
        assert_eq!(parts, [&stream.packets[0].data[..], &[7; 65_535]]);
    }

    #[test]
    fn only_gaps_that_the_sps_forbids_excuse_a_mark() {
        let with_gap: Vec<String> =
            Kit::inside().streams.into_iter().filter(|stream| stream.forbidden_gap).map(|stream| stream.name).collect();
        assert_eq!(with_gap, ["gen_frame_num_gaps_forbidden"]);
        let hidden =
            Kit::inside().of(Codec::H264).streams.into_iter().filter(|stream| !stream.losses_show && !stream.disputed);
        let hidden: Vec<String> = hidden.map(|stream| stream.name).collect();
        assert_eq!(hidden, ["gen_frame_num_gaps", "gen_high_intra_refresh"]);
    }

    #[test]
    fn a_truth_names_its_bad_line() {
        assert_eq!(parse_truth("#format\n0, 0, 0, 1, 10, 6858177ad0bc388bede0979f8bc5276e\n").unwrap()[0].bytes, 10);
        assert_eq!(parse_truth("#format\n0, 0, 0, 1, 10, 68\n"), Err(2));
    }

    #[test]
    fn out_of_band_takes_the_sets_out_of_the_packets() {
        let kit = Kit::inside();
        let find = |name| kit.streams.iter().find(|stream| stream.name == name).unwrap();
        let stream = find("gen_baseline_cavlc").out_of_band().unwrap();
        let params = stream.packets[0].params.as_ref().unwrap();
        assert_eq!(params.parameter_sets.len(), 2);
        assert_eq!(params.framing, NalFraming::LengthPrefixed(4));
        let mut follower = Stream::new(&params.private);
        assert!(stream.packets.iter().all(|packet| !follower.packet(&packet.data).has_parameter_sets));
        assert!(find("gen_resolution_change").out_of_band().is_none());
    }
}
