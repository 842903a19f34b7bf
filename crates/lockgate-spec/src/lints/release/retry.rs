//! Retries of migrations and seeds: how many waits there are, how long they are in all, and which keys say nothing.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Millis, Retry};

use crate::layers::Value;
use crate::lints::shared::{info, label};
use crate::spec::Seen;

/// What is tried again.
struct Job<'a> {
    name: &'static str,
    value: &'a Value,
    written: &'a Value,
    retry: Retry,
    timeout: Millis,
}

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let migrations = seen.system.migrations.as_ref().map(|it| ("migrations", it.retry, it.timeout));
    let seeds = seen.system.seeds.as_ref().map(|it| ("seeds", it.retry, it.timeout));
    for (name, retry, timeout) in migrations.into_iter().chain(seeds) {
        let Some(value) = seen.tree.get(name) else { continue };
        let Some(written) = value.get("retry") else { continue };
        let job = Job { name, value, written, retry, timeout };
        report.extend(job.long_waits());
        report.extend(job.one_attempt());
        report.extend(job.short_max());
    }
}

/// The waits between the attempts: one fewer than there are attempts.
pub(super) fn waits(retry: &Retry) -> impl Iterator<Item = Millis> {
    (1..retry.attempts).map(|it| retry.wait_after(it))
}

/// Every attempt takes as long as it may, and every wait lies between.
pub(super) fn worst(retry: &Retry, timeout: Millis) -> Millis {
    let attempts = timeout.0.saturating_mul(u64::from(retry.attempts));
    Millis(waits(retry).map(|it| it.0).fold(attempts, u64::saturating_add))
}

/// `2s + 4s + 8s`; of many the first and the last.
fn listed(waits: &[Millis]) -> String {
    const SHOWN_MAX: usize = 8;
    let text = |it: &[Millis]| it.iter().map(Millis::to_string).collect::<Vec<_>>().join(" + ");
    match waits {
        [first @ .., last] if SHOWN_MAX < waits.len() => format!("{} + ... + {last}", text(&first[..3])),
        _ => text(waits),
    }
}

impl Job<'_> {
    fn long_waits(&self) -> Option<Diagnostic> {
        let waits: Vec<Millis> = waits(&self.retry).collect();
        let sum = Millis(waits.iter().map(|it| it.0).fold(0, u64::saturating_add));
        if sum <= self.timeout {
            return None;
        }
        let (attempts, timeout) = (self.retry.attempts, self.timeout);
        let message =
            format!("{attempts} attempts wait {sum} in all, which is longer than the timeout of {timeout}");
        let listed = listed(&waits);
        let place = self.written.place();
        let diagnostic = info(codes::RETRY_WAITS, message)
            .label(place, format!("waits between {attempts} attempts: {listed} = {sum}"));
        let diagnostic = label(diagnostic, self.value.get("timeout"), "holds for each attempt");
        let worst = worst(&self.retry, timeout);
        Some(
            diagnostic.help(format!(
                "at worst all takes {worst}: {attempts} times {timeout}, and the waits on top"
            )),
        )
    }

    /// Waits are written, and there is nothing to wait for.
    fn one_attempt(&self) -> Option<Diagnostic> {
        let idle = ["initial", "max", "factor"].iter().find_map(|it| self.written.get(it))?;
        if self.retry.attempts != 1 {
            return None;
        }
        let message = format!("{} are tried once, so there is nothing to wait for", self.name);
        let diagnostic =
            Diagnostic::warning(codes::IDLE_RETRY, message).label(idle.key_span, "nothing reads this");
        let diagnostic = label(diagnostic, self.written.get("attempts"), "one attempt has no wait");
        Some(diagnostic.help("say how often it is tried in all: `attempts: 3` has two waits"))
    }

    /// Every wait is cut, so the first one is no first one.
    fn short_max(&self) -> Option<Diagnostic> {
        let (initial, max) = (self.retry.initial, self.retry.max);
        if self.retry.attempts == 1 || initial <= max {
            return None;
        }
        let message = format!("no wait is longer than {max}, so none is {initial}");
        let [first, longest] = ["initial", "max"].map(|it| self.written.get(it));
        let (first_text, longest_text) = ("the first wait", "the longest wait");
        let diagnostic = Diagnostic::warning(codes::IDLE_RETRY, message);
        let diagnostic = label(diagnostic, first, first_text);
        Some(
            label(diagnostic, longest, longest_text)
                .help("`max` limits what `initial` begins with; raise it, or lower `initial`"),
        )
    }
}
