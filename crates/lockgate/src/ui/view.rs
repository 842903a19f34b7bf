//! The picture of a release under way: stages, services, and what is being waited for.

use lockgate_model::{Millis, Weight};

use super::block::Line;
use super::{services, words};
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

/// The longest name of a stage is `remove the new version`.
const STAGE_WIDTH: usize = 22;

impl View {
    /// The picture for a terminal of this size. What is over, and then what is to come, is told in one line where
    /// there is no room for more.
    pub fn lines(&self, (columns, rows): (u16, u16)) -> Vec<Line> {
        let mut rest = vec![];
        if !self.services.is_empty() {
            rest.push(Line::new());
            rest.extend(services::lines(&self.services, usize::from(columns)));
        }
        if !self.remarks.is_empty() {
            rest.push(Line::new());
        }
        rest.extend(self.remarks.iter().map(|(tone, text)| remark(*tone, text)));
        let room = usize::from(rows).saturating_sub(rest.len() + 2);
        let mut lines = vec![self.title_line()];
        lines.extend(self.stage_lines(room));
        lines.extend(rest);
        lines
    }

    fn stage_lines(&self, room: usize) -> Vec<Line> {
        let mut stages = self.stages.clone();
        for mark in [Mark::Done, Mark::Later] {
            if room < stages.len() {
                fold(&mut stages, mark);
            }
        }
        stages.iter().map(StageLine::line).collect()
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
}

/// Puts all stages of one kind into one line, where the first of them was.
fn fold(stages: &mut Vec<StageLine>, mark: Mark) {
    let Some(first) = stages.iter().position(|it| it.mark == mark) else { return };
    let count = stages.iter().filter(|it| it.mark == mark).count();
    if count == 1 {
        return;
    }
    let name =
        if mark == Mark::Done { format!("{count} stages done") } else { format!("{count} stages to come") };
    stages.retain(|it| it.mark != mark);
    stages.insert(first.min(stages.len()), StageLine { mark, name, detail: String::new() });
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
                stage(Mark::Done, "smoke", ""),
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
        let text = |size| view.lines(size).iter().map(Line::text).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!("wide", text((120, 50)));
        insta::assert_snapshot!("narrow and low", text((80, 9)));
    }
}
