//! Cores and bytes, as Kubernetes writes them.

use lockgate_diagnostics::{codes, shown};
use lockgate_yaml::Scalar;

use crate::scalar::Problem;

/// Thousandths of a core.
pub(crate) fn cpu(scalar: &Scalar) -> Result<u64, Problem> {
    let text = scalar.text.as_str();
    let millis = match text.strip_suffix('m') {
        Some(number) => whole(number),
        None => thousandths(text),
    };
    let Some(millis) = millis else {
        let message = format!("`{}` is no number of cores", shown(text));
        let problem = Problem::new(codes::BAD_VALUE, message, "cores such as `500m` or `2` are wanted");
        return Err(problem.help("`1000m` is one core"));
    };
    match millis {
        0 => Err(zero(text)),
        millis => Ok(millis),
    }
}

const UNITS: [(&str, u64); 8] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
];

/// Bytes.
pub(crate) fn memory(scalar: &Scalar) -> Result<u64, Problem> {
    let text = scalar.text.as_str();
    let unit = UNITS.iter().find(|it| text.ends_with(it.0));
    let (number, unit) = match unit {
        Some((suffix, unit)) => (text.strip_suffix(suffix).unwrap_or(text), *unit),
        None => (text, 1),
    };
    let bytes = thousandths(number).and_then(|it| it.checked_mul(unit)).map(|it| it / 1_000);
    let Some(bytes) = bytes else { return Err(not_bytes(text)) };
    match bytes {
        0 => Err(zero(text)),
        // Nothing runs in less; a unit was forgotten.
        bytes if bytes < 1 << 20 => {
            let message = format!("`{}` is less than one megabyte", shown(text));
            let problem = Problem::new(codes::BAD_VALUE, message, "a unit is missing");
            Err(problem.help(format!("did you mean `{}Mi`?", shown(number))))
        }
        bytes => Ok(bytes),
    }
}

fn not_bytes(text: &str) -> Problem {
    let message = format!("`{}` is no number of bytes", shown(text));
    let problem = Problem::new(codes::BAD_VALUE, message, "bytes such as `256Mi` or `1Gi` are wanted");
    let lower = text.to_ascii_lowercase();
    let letters = lower.trim_start_matches(|it: char| it.is_ascii_digit() || it == '.');
    let number = &text[..text.len() - letters.len()];
    let unit = match letters {
        "m" | "mb" | "mib" | "mi" => "Mi",
        "g" | "gb" | "gib" | "gi" => "Gi",
        "k" | "kb" | "kib" | "ki" => "Ki",
        _ => return problem,
    };
    let meant = format!("{number}{unit}");
    let different = meant != text && memory(&Scalar::plain(meant.as_str())).is_ok();
    if different { problem.help(format!("did you mean `{meant}`?")) } else { problem }
}

fn zero(text: &str) -> Problem {
    let message = format!("`{}` is nothing", shown(text));
    Problem::new(codes::BAD_VALUE, message, "more than zero is wanted")
}

fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// A decimal number with at most three decimals, times a thousand.
fn thousandths(text: &str) -> Option<u64> {
    let (number, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if 3 < decimals.len() {
        return None;
    }
    let scale = 10_u64.pow(3 - u32::try_from(decimals.len()).ok()?);
    whole(number)?.checked_mul(1_000)?.checked_add(whole(decimals)?.checked_mul(scale)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        let cpu = |text| cpu(&Scalar::plain(text)).ok();
        assert_eq!([cpu("100m"), cpu("0.5"), cpu("2")], [Some(100), Some(500), Some(2_000)]);
        assert_eq!([cpu("0"), cpu("m"), cpu("-1"), cpu("1.2345"), cpu("")], [None; 5]);
        let memory = |text| memory(&Scalar::plain(text)).ok();
        assert_eq!([memory("256Mi"), memory("1.5Gi")], [Some(256 << 20), Some(3 << 29)]);
        assert_eq!(
            [memory("512"), memory("512m"), memory("1GB"), memory("0Mi"), memory("99999999Ti")],
            [None; 5]
        );
    }
}
