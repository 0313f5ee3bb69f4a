//! The movie box of a file that can be read anywhere.

use std::io::{self, Read, Seek, SeekFrom};

use super::MovieBox;
use super::boxes::{Header, LONGEST, Parsed, header};

/// Most boxes at the top level that are looked at.
const MOST: usize = 1 << 20;

/// The movie box of an MP4 file in which it stands behind the media; `None` for anything else, which a reader needs no
/// help with. At most `limit` bytes are read of it. The place of reading is at the start again.
///
/// # Errors
/// The input cannot be read.
pub fn find_movie(input: &mut (impl Read + Seek + ?Sized), limit: u64) -> io::Result<Option<MovieBox>> {
    let found = walk(input, limit);
    input.seek(SeekFrom::Start(0))?;
    found
}

fn walk(input: &mut (impl Read + Seek + ?Sized), limit: u64) -> io::Result<Option<MovieBox>> {
    let end = input.seek(SeekFrom::End(0))?;
    let (mut at, mut media) = (0, false);
    for _ in 0..MOST {
        input.seek(SeekFrom::Start(at))?;
        let mut bytes = [0; LONGEST];
        let mut len = 0;
        while len < LONGEST {
            match input.read(bytes.get_mut(len..).unwrap_or_default())? {
                0 => break,
                count => len += count,
            }
        }
        let Parsed::Header(Header { kind, len, end: box_end, .. }) = header(bytes.get(..len).unwrap_or_default(), at)
        else {
            return Ok(None);
        };
        if at == 0 && !super::any::begins(&kind) {
            return Ok(None);
        }
        match &kind {
            b"moov" if !media => return Ok(None),
            b"moov" => {
                let size = box_end.unwrap_or(end).saturating_sub(at);
                // Larger than allowed, or cut: reading on tells what is wrong.
                if size > limit || at.saturating_add(size) > end {
                    return Ok(None);
                }
                input.seek(SeekFrom::Start(at.saturating_add(len)))?;
                let mut body = Vec::new();
                input.take(size.saturating_sub(len)).read_to_end(&mut body)?;
                return Ok(Some(MovieBox { offset: at, body: body.into(), header: len }));
            }
            b"mdat" => media = true,
            b"moof" => return Ok(None),
            _ => {}
        }
        match box_end {
            Some(next) if next < end => at = next,
            _ => return Ok(None),
        }
    }
    Ok(None)
}
