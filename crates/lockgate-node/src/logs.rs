//! Log files of instances and jobs: written by the processes themselves, read and rotated here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use lockgate_model::{ServiceName, SlotRef};

use crate::Place;

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

/// Size at which an instance's log is moved aside; one older part is kept.
const LOG_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Releases of a service whose logs are kept after they were removed.
const RELEASES_MAX: usize = 20;

/// Moves a full log aside. The process keeps writing to the same file, which is emptied: lines that it writes
/// between the copy and the cut are lost, its descriptor stays good.
pub(crate) fn rotate(path: &Path) {
    if std::fs::metadata(path).map_or(0, |it| it.len()) < LOG_BYTES_MAX {
        return;
    }
    let aside = path.with_extension("old.log");
    let moved = std::fs::copy(path, &aside)
        .and_then(|_| File::options().write(true).open(path))
        .and_then(|it| it.set_len(0));
    if let Err(error) = moved {
        tracing::warn!(%error, path = %path.display(), "a full log was not moved aside");
    }
}

/// The logs of a slot's instances, by number.
pub(crate) fn of_slot(place: &Place, slot: &SlotRef) -> BTreeMap<u32, PathBuf> {
    let Ok(files) = std::fs::read_dir(place.logs(slot)) else { return BTreeMap::new() };
    let paths = files.filter_map(|it| Some(it.ok()?.path()));
    let numbered = paths.filter_map(|it| {
        let number = it.file_name()?.to_str()?.strip_suffix(".log")?.parse().ok()?;
        Some((number, it))
    });
    numbered.collect()
}

/// Forgets the logs of a service's oldest releases.
pub(crate) fn prune(place: &Place, service: &ServiceName) {
    let Ok(folders) = std::fs::read_dir(place.all_logs()) else { return };
    let slots = folders.filter_map(|it| it.ok()?.file_name().to_str()?.parse::<SlotRef>().ok());
    let mut slots: Vec<SlotRef> = slots.filter(|it| it.service == *service).collect();
    slots.sort_unstable_by_key(|it| std::cmp::Reverse(it.release));
    for slot in slots.iter().skip(RELEASES_MAX) {
        if let Err(error) = std::fs::remove_dir_all(place.logs(slot)) {
            tracing::warn!(%error, %slot, "old logs stay");
        }
    }
}
