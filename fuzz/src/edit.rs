//! Bytes as edits of a real spec: lines and values are removed, repeated, moved, and replaced by others.

/// The specs that edits begin with.
const BASES: [&str; 4] = [
    include_str!("../../crates/lockgate-spec/tests/specs/nova.yaml"),
    include_str!("../../examples/nova/lockgate.yaml"),
    include_str!("../../examples/kanvaro/lockgate.yaml"),
    include_str!("../../examples/covenant-connect-ecs/lockgate.yaml"),
];

/// Values that are almost right somewhere, and wrong in most places.
const VALUES: [&str; 56] = [
    "",
    "~",
    "null",
    "yes",
    "no",
    "on",
    "0",
    "-1",
    "1",
    "1.5",
    "1e3",
    "0o17",
    "0x1F",
    "1_000",
    ".inf",
    ".nan",
    "22:22",
    "+1000",
    "99999999999999999999",
    "65535",
    "65536",
    "5",
    "5m",
    "-1s",
    "1h1",
    "1h1m",
    "0s",
    "∞",
    "5%",
    "100%",
    "101%",
    "0.5%",
    "\"< 300ms\"",
    "\"> 1% for 5m\"",
    "\"= 0\"",
    "[]",
    "{}",
    "[a, b]",
    "{a: b}",
    "[[]]",
    "${web.url}",
    "${release.version}",
    "\"${\"",
    "\"$${x}\"",
    "../x",
    "/etc",
    "web",
    "WEB",
    "wéb",
    "\u{202e}x",
    "a b",
    "\"a\\nb\"",
    "|",
    "&a x",
    "*a",
    "http + 1000",
];

/// Three bytes an edit: what, which line, and what with. More than this makes noise of the spec.
const EDITS_MAX: usize = 16;

/// The spec that the first byte chooses, with the edits that follow.
pub fn edited(data: &[u8]) -> String {
    let (base, edits) = data.split_first().unwrap_or((&0, &[]));
    let base = BASES[usize::from(*base) % BASES.len()];
    let mut lines: Vec<String> = base.lines().map(str::to_owned).collect();
    for edit in edits.chunks_exact(4).take(EDITS_MAX) {
        let &[what, line, high, with] = edit else { continue };
        if lines.is_empty() {
            break;
        }
        let at = (usize::from(line) | usize::from(high) << 8) % lines.len();
        one(&mut lines, what, at, with);
    }
    lines.join("\n") + "\n"
}

fn one(lines: &mut Vec<String>, what: u8, at: usize, with: u8) {
    let other = usize::from(with) * 7 % lines.len();
    let value = VALUES[usize::from(with) % VALUES.len()];
    match what % 10 {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => lines.swap(at, other),
        3 => lines.insert(at, lines[other].clone()),
        4 => set_value(&mut lines[at], value),
        5 => {
            let from = lines[other].split_once(": ").map_or("", |it| it.1).to_owned();
            set_value(&mut lines[at], &from);
        }
        6 => set_key(&mut lines[at], value),
        7 => lines[at].insert_str(0, "  "),
        8 => lines[at] = lines[at].strip_prefix("  ").unwrap_or("").to_owned(),
        _ => replace_word(&mut lines[at], usize::from(with), value),
    }
}

fn set_value(line: &mut String, value: &str) {
    let key = line.split_once(':').map_or(line.as_str(), |it| it.0);
    *line = format!("{key}: {value}");
}

fn set_key(line: &mut String, key: &str) {
    let indent = line.len() - line.trim_start().len();
    let rest = line.split_once(':').map_or("", |it| it.1);
    *line = format!("{}{key}:{rest}", &line[..indent]);
}

/// Inside lists and maps that stand on one line.
fn replace_word(line: &mut String, nth: usize, value: &str) {
    let is_word = |it: char| it.is_alphanumeric() || "_-.%".contains(it);
    let starts: Vec<usize> = line
        .char_indices()
        .filter(|it| is_word(it.1) && !line[..it.0].ends_with(is_word))
        .map(|it| it.0)
        .collect();
    let Some(&start) = starts.get(nth % starts.len().max(1)) else { return };
    let end = line[start..].find(|it| !is_word(it)).map_or(line.len(), |it| start + it);
    line.replace_range(start..end, value);
}
