//! The picture of a release under way: stages, services, and what is being waited for.

use lockgate_model::{Millis, Weight};

use super::block::Line;
use super::words;
use crate::out::style;

/// All that the picture shows, worked out already.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// `shop/local  r12  v1 → v2`
    pub title: String,
    pub elapsed: Millis,
    pub stages: Vec<StageLine>,
    pub services: Vec<ServiceLine>,
    /// What is being waited for and why; how it ended.
    pub remarks: Vec<(Tone, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Wait,
    Plain,
}

#[derive(Clone, Debug)]
pub struct StageLine {
    pub mark: Mark,
    pub name: String,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Done,
    Now,
    Later,
    Failed,
    Undone,
}

#[derive(Clone, Debug)]
pub struct ServiceLine {
    pub name: String,
    /// Share of the new version.
    pub weight: Weight,
    pub old: Option<Arm>,
    pub new: Option<Arm>,
    /// Evidence against the new version, 0 to 1 of what aborts it.
    pub against: Option<f64>,
    /// Evidence for it, 0 to 1 of what promotes it early.
    pub promote: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Arm {
    /// Requests per second now; `None` before there are two readings.
    pub rate: Option<f64>,
    pub requests: u64,
    pub errors: u64,
    pub p95_ms: Option<u32>,
}

/// Services shown at most; those with the most evidence against them come first when there are more.
const SERVICES_MAX: usize = 16;
const BAR_WIDTH: usize = 10;
/// The longest name of a stage is `remove the new version`.
const STAGE_WIDTH: usize = 22;

impl View {
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = vec![self.title_line()];
        lines.extend(self.stages.iter().map(StageLine::line));
        if !self.services.is_empty() {
            lines.push(Line::new());
            lines.extend(self.service_lines());
        }
        if !self.remarks.is_empty() {
            lines.push(Line::new());
        }
        lines.extend(self.remarks.iter().map(|(tone, text)| remark(*tone, text)));
        lines
    }

    /// The same with remarks broken into lines of at most `columns`: why a release went back may not be cut.
    #[must_use]
    pub fn fit(mut self, columns: usize) -> View {
        let remarks = std::mem::take(&mut self.remarks);
        let broken =
            |(tone, text): (Tone, String)| words::wrap(&text, columns).into_iter().map(move |it| (tone, it));
        self.remarks = remarks.into_iter().flat_map(broken).collect();
        self
    }

    fn title_line(&self) -> Line {
        let elapsed = format!("   {}", words::span(self.elapsed));
        Line::new().styled(style::STRONG, &self.title).styled(style::DIM, elapsed)
    }

    fn service_lines(&self) -> Vec<Line> {
        let mut services: Vec<&ServiceLine> = self.services.iter().collect();
        let mut lines = vec![header()];
        if SERVICES_MAX < services.len() {
            services.sort_by(|a, b| b.against.unwrap_or(0.0).total_cmp(&a.against.unwrap_or(0.0)));
        }
        lines.extend(services.iter().take(SERVICES_MAX).map(|it| it.line()));
        if let Some(more) = services.len().checked_sub(SERVICES_MAX).filter(|it| 0 < *it) {
            lines.push(Line::new().styled(style::DIM, format!("  and {more} more")));
        }
        lines
    }
}

impl StageLine {
    fn line(&self) -> Line {
        let (mark, mark_style) = match self.mark {
            Mark::Done => ("✓", style::GOOD),
            Mark::Now => ("▸", style::HINT),
            Mark::Later => ("·", style::DIM),
            Mark::Failed => ("✗", style::BAD),
            Mark::Undone => ("↶", style::WARN),
        };
        let text = if self.mark == Mark::Later { style::DIM } else { anstyle::Style::new() };
        let line = Line::new().styled(mark_style, format!("{mark} ")).cell(text, &self.name, STAGE_WIDTH);
        line.styled(style::DIM, format!(" {}", self.detail))
    }
}

fn header() -> Line {
    let dim = style::DIM;
    let arm = |line: Line, name: &str| line.plain("  ").cell(dim, name, 24);
    let line = Line::new().cell(dim, "service", 20).cell_right(dim, "new", 6);
    let line = arm(arm(line, "old: req/s  errors   p95"), "new: req/s  errors   p95");
    line.plain("  ").cell(dim, "against", BAR_WIDTH).plain("  ").cell(dim, "for", BAR_WIDTH)
}

impl ServiceLine {
    fn line(&self) -> Line {
        let plain = anstyle::Style::new();
        let line =
            Line::new().cell(plain, &self.name, 20).cell_right(style::STRONG, &self.weight.to_string(), 6);
        let line = arm(arm(line, self.old), self.new);
        let line = bar(line.plain("  "), self.against, style::BAD);
        bar(line.plain("  "), self.promote, style::GOOD)
    }
}

fn arm(line: Line, arm: Option<Arm>) -> Line {
    let plain = anstyle::Style::new();
    let Some(arm) = arm else { return line.plain("  ").cell(style::DIM, "", 24) };
    let rate = arm.rate.map_or_else(|| "–".to_owned(), |it| format!("{it:.0}"));
    let p95 = match arm.p95_ms {
        Some(ms) => format!("≤{ms}ms"),
        None => "–".to_owned(),
    };
    let errors = if 0 < arm.errors { style::BAD } else { plain };
    line.plain("  ")
        .cell_right(plain, &rate, 10)
        .cell_right(errors, &words::share(arm.errors, arm.requests), 7)
        .cell_right(plain, &p95, 7)
}

/// A bar of `share` of the width; nothing where there is no evidence to speak of.
fn bar(line: Line, share: Option<f64>, full: anstyle::Style) -> Line {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let Some(share) = share else { return line.cell(style::DIM, "", BAR_WIDTH) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 80")]
    let eighths = (share.clamp(0.0, 1.0) * (BAR_WIDTH * 8) as f64).round() as usize;
    let drawn = format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
    let rest = BAR_WIDTH - drawn.chars().count();
    line.styled(full, drawn).styled(style::DIM, "░".repeat(rest))
}

fn remark(tone: Tone, text: &str) -> Line {
    let tone = match tone {
        Tone::Good => style::GOOD,
        Tone::Bad => style::BAD,
        Tone::Wait => style::WARN,
        Tone::Plain => anstyle::Style::new(),
    };
    Line::new().styled(tone, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_of_a_canary() {
        let arm = |rate, requests, errors| Arm { rate: Some(rate), requests, errors, p95_ms: Some(10) };
        let stage =
            |mark, name: &str, detail: &str| StageLine { mark, name: name.into(), detail: detail.into() };
        let view = View {
            title: "shop/local  r2  v1 → v2".into(),
            elapsed: Millis(12_300),
            stages: vec![
                stage(Mark::Done, "start", "2 services, 0.4s"),
                stage(Mark::Now, "canary 20%", "gate: 480 of 300 requests"),
                stage(Mark::Later, "canary 50%", ""),
            ],
            services: vec![
                ServiceLine {
                    name: "web".into(),
                    weight: Weight::from_basis_points(2_000).unwrap(),
                    old: Some(arm(160.2, 1_920, 0)),
                    new: Some(arm(39.8, 480, 9)),
                    against: Some(0.75),
                    promote: Some(0.0),
                },
                ServiceLine {
                    name: "a-service-with-a-long-name".into(),
                    weight: Weight::ALL,
                    old: None,
                    new: Some(Arm::default()),
                    against: None,
                    promote: None,
                },
            ],
            remarks: vec![(Tone::Wait, "waits for evidence until 14:02:11".into())],
        };
        let text: Vec<String> = view.lines().iter().map(Line::text).collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
