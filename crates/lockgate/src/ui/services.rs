//! The table of services in the picture of a release: both versions side by side, and the evidence.

use super::block::Line;
use super::view::{Arm, ServiceLine};
use super::words;
use crate::out::style;

/// Services shown at most; those with the most evidence against them come first when there are more.
const SERVICES_MAX: usize = 16;

/// Widths of the columns.
struct Layout {
    name: usize,
    rate: usize,
    errors: usize,
    p95: usize,
    bar: usize,
    /// Unit of the rate.
    per_second: &'static str,
}

const WIDE: Layout = Layout { name: 20, rate: 10, errors: 7, p95: 7, bar: 10, per_second: " req/s" };
const NARROW: Layout = Layout { name: 12, rate: 6, errors: 6, p95: 7, bar: 7, per_second: "/s" };
/// Share of the new version.
const WEIGHT: usize = 6;

impl Layout {
    /// The widest that fits.
    fn of(columns: usize) -> &'static Layout {
        if WIDE.total() <= columns { &WIDE } else { &NARROW }
    }

    fn arm(&self) -> usize {
        self.rate + self.errors + self.p95
    }

    fn total(&self) -> usize {
        self.name + WEIGHT + 2 * (2 + self.arm()) + 2 * (2 + self.bar)
    }
}

pub fn lines(services: &[ServiceLine], columns: usize) -> Vec<Line> {
    let layout = Layout::of(columns);
    let mut services: Vec<&ServiceLine> = services.iter().collect();
    let mut lines = vec![header(layout)];
    if SERVICES_MAX < services.len() {
        services.sort_by(|a, b| b.against.unwrap_or(0.0).total_cmp(&a.against.unwrap_or(0.0)));
    }
    lines.extend(services.iter().take(SERVICES_MAX).map(|it| row(it, layout)));
    if let Some(more) = services.len().checked_sub(SERVICES_MAX).filter(|it| 0 < *it) {
        lines.push(Line::new().styled(style::DIM, format!("  and {more} more")));
    }
    lines
}

fn header(layout: &Layout) -> Line {
    let dim = style::DIM;
    let arm = |line: Line, name: &str| {
        line.plain("  ")
            .cell_right(dim, &format!("{name}{}", layout.per_second), layout.rate)
            .cell_right(dim, "err", layout.errors)
            .cell_right(dim, "p95", layout.p95)
    };
    let line = Line::new().cell(dim, "service", layout.name).cell_right(dim, "new", WEIGHT);
    let line = arm(arm(line, "old"), "new");
    line.plain("  ").cell(dim, "against", layout.bar).plain("  ").cell(dim, "for", layout.bar)
}

fn row(service: &ServiceLine, layout: &Layout) -> Line {
    let plain = anstyle::Style::new();
    let weight = service.weight.to_string();
    let line = Line::new().cell(plain, &service.name, layout.name).cell_right(style::STRONG, &weight, WEIGHT);
    let line = arm(arm(line, service.old, layout), service.new, layout);
    let line = bar(line.plain("  "), service.against, style::BAD, layout.bar);
    bar(line.plain("  "), service.promote, style::GOOD, layout.bar)
}

fn arm(line: Line, arm: Option<Arm>, layout: &Layout) -> Line {
    let plain = anstyle::Style::new();
    let Some(arm) = arm else { return line.plain("  ").cell(style::DIM, "", layout.arm()) };
    let rate = arm.rate.map_or_else(|| "–".to_owned(), |it| format!("{it:.0}"));
    let p95 = match arm.p95_ms {
        Some(ms) => format!("≤{ms}ms"),
        None => "–".to_owned(),
    };
    let errors = if 0 < arm.errors { style::BAD } else { plain };
    line.plain("  ")
        .cell_right(plain, &rate, layout.rate)
        .cell_right(errors, &words::share(arm.errors, arm.requests), layout.errors)
        .cell_right(plain, &p95, layout.p95)
}

/// A bar of `share` of the width; nothing where there is no evidence to speak of.
fn bar(line: Line, share: Option<f64>, full: anstyle::Style, width: usize) -> Line {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let Some(share) = share else { return line.cell(style::DIM, "", width) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few dozen at most")]
    let eighths = (share.clamp(0.0, 1.0) * (width * 8) as f64).round() as usize;
    let drawn = format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
    let rest = width - drawn.chars().count();
    line.styled(full, drawn).styled(style::DIM, "░".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrow_table_fits_a_terminal_of_eighty_columns() {
        assert!(NARROW.total() <= 80, "{}", NARROW.total());
    }
}
