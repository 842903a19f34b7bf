//! Log files of instances and jobs: written by the processes themselves, read and rotated here.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Longest part of a log's end that is looked at for its last lines.
const TAIL_BYTES_MAX: u64 = 256 * 1024;
/// Longest line that is shown whole; a line of binary rubbish does not fill an error message.
const LINE_CHARS_MAX: usize = 500;

/// The last `lines` lines of a file; none when it cannot be read.
pub(crate) fn tail(path: &Path, lines: usize) -> Vec<String> {
    let Ok(bytes) = end_of(path) else { return vec![] };
    let text = String::from_utf8_lossy(&bytes);
    let mut last: Vec<String> = text
        .lines()
        .rev()
        .filter(|it| !it.trim().is_empty())
        .take(lines)
        .map(|it| it.chars().take(LINE_CHARS_MAX).collect())
        .collect();
    last.reverse();
    last
}

fn end_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
