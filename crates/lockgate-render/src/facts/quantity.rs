//! Amounts of CPU and memory, as numbers.

/// Thousandths of a CPU: `500m` is 500, `1` and `1.0` are 1000.
pub(crate) fn millicpu(text: &str) -> Option<u64> {
    match text.strip_suffix('m') {
        Some(number) => number.parse().ok(),
        None => scaled(text, 1_000),
    }
}

/// Bytes: `512Mi`, `1G`, `1024`.
pub(crate) fn bytes(text: &str) -> Option<u64> {
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
    let unit = UNITS.into_iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (number, factor) = unit.unwrap_or((text, 1));
    scaled(number, factor)
}

/// A decimal number times a factor, rounded up.
fn scaled(text: &str, factor: u64) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut total = whole.checked_mul(factor)?;
    if !decimals.is_empty() {
        let power = 10_u64.checked_pow(u32::try_from(decimals.len()).ok()?)?;
        let part: u64 = decimals.parse().ok()?;
        total = total.checked_add(part.checked_mul(factor)?.div_ceil(power))?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_kubernetes_reads_them() {
        assert_eq!(
            ["100m", "1", "0.25", "2.5"].map(millicpu),
            [Some(100), Some(1_000), Some(250), Some(2_500)]
        );
        assert_eq!(["512Mi", "1Gi", "1.5Gi"].map(bytes), [Some(512 << 20), Some(1 << 30), Some(3 << 29)]);
        assert_eq!(["1k", "1024", "x", ""].map(bytes), [Some(1_000), Some(1_024), None, None]);
    }
}
