//! Streams on which sound decoders differ, since pictures are lost or a stream begins in its middle. From each picture on
//! at which decoding can start anew, all pictures are equal to the truth until more is lost; which pictures those are is
//! written down here, and why there are no others.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{code, framemd5, objects, run, testdata};
use kineframe::bitstream::h264::RandomAccess;
use kineframe_codec_conformance::{DISPUTED, Kit};
use md5::{Digest, Md5};

/// What is known of a stream.
struct Known {
    name: &'static str,
    /// Packets that say that decoding can start at them: IDR pictures, and recovery points at which all that follows is
    /// right at once.
    offered: &'static [usize],
    /// Packets with a recovery point after which so many more pictures must be decoded before one is right.
    gradual: &'static [(usize, u16)],
    /// Places, in the truth, of the pictures at which decoding could start.
    clean: &'static [usize],
    /// Pictures that come.
    shown: usize,
    exit: i32,
    /// Why not every packet that is offered is clean, or why there is none.
    why: &'static str,
}

const KNOWN: [Known; 6] = [
    Known {
        name: "gen_start_open_gop_i",
        offered: &[0, 25],
        gradual: &[],
        clean: &[0, 25],
        shown: 50,
        exit: 0,
        why: "all are",
    },
    Known {
        name: "gen_start_recovery_point",
        offered: &[],
        gradual: &[(0, 18), (20, 18), (40, 18)],
        clean: &[2, 22],
        shown: 55,
        exit: 3,
        why: "no picture is intra coded as a whole: the first 18, which the truth leaves out, are made on grey and marked",
    },
    Known {
        name: "media3_invalid_nalu",
        offered: &[0],
        gradual: &[],
        clean: &[0],
        shown: 30,
        exit: 3,
        why: "all are; the damage comes later",
    },
    Known {
        name: "oh_BA_MW_D_IDR_LOST",
        offered: &[0, 30, 60],
        gradual: &[],
        clean: &[0, 30, 60],
        shown: 70,
        exit: 0,
        why: "all are; what came before the first, and referred to the IDR picture that was lost, is not in the file",
    },
    Known {
        name: "oh_Error_I_P",
        offered: &[0, 2, 4],
        gradual: &[],
        clean: &[2],
        shown: 4,
        exit: 3,
        why: "the first and the last lack slices",
    },
    Known { name: "oh_jm_1080p_allslice", offered: &[0], gradual: &[], clean: &[0], shown: 1, exit: 0, why: "all are" },
];

/// A picture: its sum, whether decoding can start at it, whether it was marked.
type Shown = (String, bool, bool);

/// The pictures that the command makes of a stream.
fn pictures(stream: &Path, exit: i32) -> Vec<Shown> {
    let out = tempfile::tempdir().expect("a folder");
    let (input, folder) = (stream.to_str().expect("UTF-8"), out.path().to_str().expect("UTF-8"));
    let output = run(&["frames", input, "-o", folder, "--format", "yuv", "--json"]);
    assert_eq!(code(&output), exit, "{input}: {}", String::from_utf8_lossy(&output.stderr));
    let items = if exit == 1 { Vec::new() } else { objects(&output).0 };
    let shown = |item: &serde_json::Value| {
        let planes = fs::read(item["file"].as_str().expect("a name")).expect("a file");
        let flag = |field: &str| item[field].as_bool().expect("yes or no");
        (format!("{:x}", Md5::digest(planes)), flag("keyframe"), flag("damaged"))
    };
    items.iter().map(shown).collect()
}

/// The clean places of a stream, whose last picture is the last of the truth; an error where a picture between one and
/// the next loss is not equal, or one in front of the truth is not marked.
fn clean(found: &[Shown], truth: &[String]) -> Result<Vec<usize>, String> {
    let first = truth.len().saturating_sub(found.len());
    let (before, found) = found.split_at(found.len().saturating_sub(truth.len()));
    if before.iter().any(|(_, _, marked)| !marked) {
        return Err("more pictures than the truth has".to_owned());
    }
    let (mut places, mut sound) = (Vec::new(), false);
    for (place, ((sum, keyframe, marked), truth)) in (first..).zip(found.iter().zip(&truth[first..])) {
        sound = !marked && (sound || *keyframe);
        if sound && *keyframe {
            places.push(place);
        }
        if sound && sum != truth {
            return Err(format!("picture {place} differs, after the random access point at {:?}", places.last()));
        }
    }
    Ok(places)
}

#[test]
fn a_picture_that_differs_behind_a_clean_place_is_found() {
    let truth: Vec<String> = (0..6).map(|sum| sum.to_string()).collect();
    let shown = |sum: &str, keyframe, marked| (sum.to_owned(), keyframe, marked);
    let mut found = vec![shown("x", false, false), shown("y", true, true), shown("3", true, false)];
    found.extend([shown("4", false, false), shown("z", false, true)]);
    assert_eq!(clean(&found, &truth), Ok(vec![3]));
    found[3] = shown("w", false, false);
    assert!(clean(&found, &truth).is_err());
    found[3] = shown("w", false, true);
    found[4] = shown("5", true, false);
    assert_eq!(clean(&found, &truth), Ok(vec![3, 5]));
    found.splice(0..0, [shown("g", true, true), shown("g", false, true)]);
    assert_eq!(clean(&found, &truth), Ok(vec![3, 5]));
    found[0] = shown("g", true, false);
    assert!(clean(&found, &truth).is_err());
}

#[test]
fn pictures_are_equal_from_each_clean_random_access_point_on() {
    let names: BTreeSet<&str> = KNOWN.iter().map(|known| known.name).collect();
    // One is H.265, and disputed for its truth alone, half of which was converted to 8 bits; another a single image, which
    // is marked.
    let others = ["gen_format_change", "jd_partial_progressive"];
    let disputed = DISPUTED.into_iter().filter(|name| !others.contains(name)).collect();
    assert_eq!(names, disputed, "each disputed stream has its line");
    let folder = testdata("codec/disputed");
    let kit = Kit::from_dir(&folder).expect("streams with their truths");
    assert_eq!(kit.streams.len(), KNOWN.len());
    for (known, stream) in KNOWN.iter().zip(&kit.streams) {
        assert_eq!(known.name, stream.name);
        let packets = || stream.packets.iter().map(|packet| packet.random_access).enumerate();
        let at_once = |access| matches!(access, RandomAccess::Idr | RandomAccess::RecoveryPoint { frames: 0 });
        let offered: Vec<usize> = packets().filter(|(_, access)| at_once(*access)).map(|(at, _)| at).collect();
        assert_eq!(offered, known.offered, "{}", known.name);
        let gradual = packets().filter_map(|(at, access)| match access {
            RandomAccess::RecoveryPoint { frames: frames @ 1.. } => Some((at, frames)),
            _ => None,
        });
        assert_eq!(gradual.collect::<Vec<_>>(), known.gradual, "{}", known.name);

        let file = folder.join(known.name).with_extension("mkv");
        let found = pictures(&file, known.exit);
        assert_eq!(found.len(), known.shown, "{}", known.name);
        let places = clean(&found, &framemd5(&file.with_extension("framemd5")));
        assert_eq!(places, Ok(known.clean.to_vec()), "{}: {}", known.name, known.why);
    }
}
