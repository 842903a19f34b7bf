//! What tells that two runs found the same thing: a hash of the line and of what follows it, so that lines which
//! are added above change nothing.
//!
//! The hash is the one that GitHub's upload action computes where a tool gives none. With any other value the
//! action warns, and results that were uploaded in two ways would be two alerts.

use std::collections::BTreeMap;

/// Characters that are hashed from the beginning of a line on, blanks not counted.
const BLOCK: usize = 100;
const BASE: u64 = 37;
/// What stands for the end of the file.
const END: u16 = u16::MAX;

/// One fingerprint for each line: the hash, and which of the lines with this hash it is.
pub(super) fn of_lines(text: &str) -> Vec<String> {
    let (units, starts) = hashed(text);
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    let starts = starts.into_iter().map(|start| {
        let block = units[start..].iter().copied().chain(std::iter::repeat(0)).take(BLOCK);
        let hash = block.fold(0, |hash: u64, it| hash.wrapping_mul(BASE).wrapping_add(u64::from(it)));
        let count = seen.entry(hash).or_default();
        *count += 1;
        format!("{hash:x}:{count}")
    });
    starts.collect()
}

/// The UTF-16 units that count, every line end as one `\n`, and where among them each line begins.
fn hashed(text: &str) -> (Vec<u16>, Vec<usize>) {
    let mut units = vec![];
    let mut starts = vec![];
    let mut at_start = true;
    let mut after_return = false;
    for unit in text.encode_utf16().chain([END]) {
        let is = |it: char| u32::from(unit) == u32::from(it);
        let skipped = is(' ') || is('\t') || (after_return && is('\n'));
        after_return = is('\r');
        if skipped {
            continue;
        }
        if at_start {
            starts.push(units.len());
        }
        at_start = is('\n') || is('\r');
        units.push(if is('\r') { u16::from(b'\n') } else { unit });
    }
    (units, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_the_kind_of_line_end_do_not_count() {
        let lines = of_lines("a: 1\nb: 2\n");
        assert_eq!(lines.len(), 3);
        assert_eq!(of_lines("a:1\r\n\tb: 2\r\n"), lines);
        assert_eq!(of_lines("a: 1\rb: 2 \r"), lines);
    }

    /// The value is the one that the upload action gives to an empty file.
    #[test]
    fn hashes_are_those_of_the_upload_action() {
        assert_eq!(of_lines(""), ["c129715d7a2bc9a3:1"]);
    }

    #[test]
    fn equal_lines_are_counted() {
        let lines = of_lines(&"replicas: 3\n".repeat(100));
        let hash = lines[0].split(':').next().unwrap();
        assert_eq!(lines[..3], [1, 2, 3].map(|it| format!("{hash}:{it}")));
    }

    #[test]
    fn lines_that_are_added_above_change_no_hash() {
        let text = "a: 1\r\nb: 2\r\n";
        assert_eq!(of_lines(&format!("# new\n{text}"))[1..], of_lines(text));
    }
}
