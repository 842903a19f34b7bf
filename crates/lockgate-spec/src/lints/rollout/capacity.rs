//! Numbers of instances, and what each of them is given.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Service};
use lockgate_yaml::Scalar;

use super::{counted, instances, is_kubernetes};
use crate::layers::Value;
use crate::leaf::quantity;
use crate::lints::shared::label;
use crate::scalar::{self, Problem};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for (name, service) in &seen.system.services {
        let Some(value) = seen.tree.at(&["services", name.as_str()]) else { continue };
        let of = Of { name: name.as_str(), service, value };
        if is_kubernetes(seen) {
            of.budget(report);
            of.aims(report);
        }
        of.bounds(report);
        of.limits(report);
    }
}

/// A service, as it is written and as it is meant.
struct Of<'a> {
    name: &'a str,
    service: &'a Service,
    value: &'a Value,
}

impl Of<'_> {
    fn replicas(&self) -> Option<&Value> {
        self.value.at(&["autoscaling", "min"]).or(self.value.get("replicas"))
    }

    fn budget(&self, report: &mut Vec<Diagnostic>) {
        let size = instances(self.service);
        let said = |key: &str| {
            let place = self.value.at(&["disruption_budget", key])?;
            Some((place, count(place.text()?, size)?))
        };
        let (place, stay) = match (said("min_available"), said("max_unavailable")) {
            (Some(stay), _) => stay,
            (None, Some((place, missing))) => (place, size.saturating_sub(missing)),
            (None, None) => return,
        };
        let name = self.name;
        let finding = |code, message: String| {
            let diagnostic = Diagnostic::warning(code, message)
                .label(place.place(), format!("{stay} of {} must stay", counted(size)));
            label(diagnostic, self.replicas(), counted(size))
        };
        if size <= stay {
            let message = format!("the disruption budget of `{name}` never lets an instance go");
            let help =
                "a machine that it runs on can never be emptied: run two or more, and let one be missing";
            report.push(finding(codes::BUDGET_BLOCKS, message).help(help));
        } else if stay == 0 && 1 < size {
            let message = format!("the disruption budget of `{name}` lets all instances go at once");
            report.push(finding(codes::BUDGET_ALLOWS_ALL, message).help("as in `max_unavailable: 1`"));
        }
    }

    fn bounds(&self, report: &mut Vec<Diagnostic>) {
        let Some(scaling) = &self.service.autoscaling else { return };
        let (name, replicas) = (self.name, self.service.replicas);
        let (Some(max), min) =
            (self.value.at(&["autoscaling", "max"]), self.value.at(&["autoscaling", "min"]))
        else {
            return;
        };
        let written = self.value.get("replicas");
        if scaling.max < scaling.min {
            let message = format!("`{name}` is scaled from {} up to {} instances", scaling.min, scaling.max);
            let diagnostic = Diagnostic::error(codes::SCALING_BOUNDS, message).label(max.place(), "the most");
            let diagnostic = match min {
                Some(min) => diagnostic.label(min.place(), "the fewest"),
                None => label(diagnostic, written, "the fewest, unless `min` is said"),
            };
            report.push(diagnostic.help("the most are as many as the fewest, or more"));
            return;
        }
        let (Some(written), Some(min)) = (written, min) else { return };
        let outside = !(scaling.min..=scaling.max).contains(&replicas);
        if outside && written.origin.layer.is_specific() && written.origin.layer == min.origin.layer {
            let message = format!(
                "`{name}` has {replicas} replicas, and autoscaling keeps {} to {}",
                scaling.min, scaling.max
            );
            report.push(
                Diagnostic::warning(codes::REPLICAS_OUTSIDE, message)
                    .label(written.place(), "never so many")
                    .label(if replicas < scaling.min { min.place() } else { max.place() }, "the bound")
                    .help("remove `replicas`: autoscaling sets the number"),
            );
        }
    }

    /// The share of a request that is not made cannot be computed. Where only a limit is said, it is the request.
    fn aims(&self, report: &mut Vec<Diagnostic>) {
        for key in ["cpu", "memory"] {
            let Some(aim) = self.value.at(&["autoscaling", key]) else { continue };
            let said = |of: &str| self.value.at(&["resources", of, key]).is_some();
            if said("requests") || said("limits") {
                continue;
            }
            let message =
                format!("`{}` is scaled by a share of `requests.{key}`, which it does not have", self.name);
            let diagnostic = Diagnostic::error(codes::AIM_WITHOUT_REQUEST, message)
                .label(aim.place(), "a share of nothing");
            let example = if key == "cpu" { "100m" } else { "256Mi" };
            report.push(diagnostic.help(format!("add `resources: {{requests: {{{key}: {example}}}}}`")));
        }
    }

    fn limits(&self, report: &mut Vec<Diagnostic>) {
        for (key, read) in [("cpu", quantity::cpu as Read), ("memory", quantity::memory)] {
            let of = |of: &str| self.value.at(&["resources", of, key]);
            let (Some(request), Some(limit)) = (of("requests"), of("limits")) else { continue };
            let (Some(asked), Some(most)) = (request.read(read), limit.read(read)) else { continue };
            if asked <= most {
                continue;
            }
            let message = format!(
                "`{}` asks for {} of {key} and may take {}",
                self.name,
                request.written(),
                limit.written()
            );
            report.push(
                Diagnostic::error(codes::REQUEST_OVER_LIMIT, message)
                    .label(request.place(), "set aside for it")
                    .label(limit.place(), "the most it may take")
                    .help("no instance could be placed: the limit is the request, or more"),
            );
        }
    }
}

type Read = fn(&Scalar) -> Result<u64, Problem>;

/// A number, or a share of `size` that is rounded up, as Kubernetes does.
fn count(text: &str, size: u16) -> Option<u16> {
    if !text.ends_with('%') {
        return text.parse().ok();
    }
    let share = scalar::percent(&Scalar::plain(text)).ok()?;
    let thousandths = u64::from(share.0) * u64::from(size);
    u16::try_from(thousandths.div_ceil(100_000)).ok()
}
