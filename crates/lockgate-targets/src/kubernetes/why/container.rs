//! Containers that are not made, end too early, or answer their probes badly.

use k8s_openapi::api::core::v1::{Container, ContainerStateTerminated, ContainerStatus, Pod};

use super::seen::{Role, Seen, containers, last_end, waits};
use super::{Finding, SETTLING, Times, Verdict, after, hopeless, image, name, waiting, within};
use crate::{Class, TargetError};

/// A container that was started again this often before it was ever ready does not become ready by patience.
const RESTARTS_MAX: i32 = 3;

/// One container of a pod, with what rules need of both.
struct Subject<'s> {
    seen: &'s Seen,
    pod: &'s Pod,
    role: Role,
    spec: Option<&'s Container>,
    status: &'s ContainerStatus,
}

pub(super) fn findings(seen: &Seen, pod: &Pod, times: &Times) -> Vec<Verdict> {
    let found = containers(pod).filter_map(|(role, spec, status)| {
        if status.ready {
            return None;
        }
        let it = Subject { seen, pod, role, spec, status };
        let image = spec.and_then(|it| it.image.as_deref()).unwrap_or(&status.image);
        image::finding(seen, pod, image, status, times)
            .or_else(|| it.not_made(times))
            .or_else(|| it.not_started())
            .or_else(|| it.crashes())
            .or_else(|| it.probes(times))
            .or_else(|| it.begins())
    });
    found.collect()
}

impl Subject<'_> {
    /// `pod web-r12-x` or `pod web-r12-x, container proxy`.
    fn subject(&self) -> String {
        let (pod, container) = (name(self.pod), &self.status.name);
        let alone = self.pod.spec.as_ref().is_some_and(|it| it.containers.len() == 1);
        match self.role {
            Role::Init => format!("pod {pod}, init container {container}"),
            Role::Main if alone => format!("pod {pod}"),
            Role::Main => format!("pod {pod}, container {container}"),
        }
    }

    fn logs_hint(&self) -> String {
        let (pod, container) = (name(self.pod), &self.status.name);
        format!("kubectl {}logs {pod} -c {container} --previous", within(self.pod))
    }

    fn describe_hint(&self) -> String {
        format!("kubectl {}describe pod {}", within(self.pod), name(self.pod))
    }

    /// A variable or volume of it names what is not there, or its settings contradict each other.
    fn not_made(&self, times: &Times) -> Finding {
        let (reason, message) = waits(self.status)?;
        if !matches!(reason, "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError") {
            return None;
        }
        if reason == "RunContainerError" && last_end(self.status).is_some() {
            return None;
        }
        // The pod's own name and id, which stand in front already.
        let message = message.split(" (pod: ").next().unwrap_or(message);
        let text = format!("{} cannot be made: {message}", self.subject());
        let hint = if let Some((kind, name)) = absent(message) {
            format!("kubectl {}get {kind} {name}", within(self.pod))
        } else if message.contains("runAsNonRoot") {
            "give the image a USER that is a number other than 0, or the service a `user`".to_owned()
        } else {
            self.describe_hint()
        };
        Some(after(SETTLING, times, hopeless(Class::Fatal, text, hint)))
    }

    /// The runtime has everything but cannot run the program.
    fn not_started(&self) -> Finding {
        let (said, hint) = start_failure(last_end(self.status)?)?;
        let text = format!("{} cannot start its program: {said}", self.subject());
        Some(hopeless(Class::Fatal, text, hint))
    }

    fn crashes(&self) -> Finding {
        let end = last_end(self.status)?;
        let restarts = self.status.restart_count;
        let backs_off = waits(self.status).is_some_and(|it| it.0 == "CrashLoopBackOff");
        if !backs_off && restarts < RESTARTS_MAX {
            return (end.exit_code != 0 || self.role == Role::Main).then(|| {
                waiting(format!("{} {} and is started again", self.subject(), how(end, self.spec)))
            });
        }
        let mut text = format!(
            "{} ended {} times before it was ready; the last time it {}",
            self.subject(),
            self.ended(),
            how(end, self.spec),
        );
        let mut hint = self.logs_hint();
        if end.reason.as_deref() == Some("OOMKilled") {
            "give it more memory with `resources`, or have it use less".clone_into(&mut hint);
        } else if let Some(probe) = self.killing_probe() {
            text = format!("{text}, since its {probe}");
            "correct what it answers, or its `health`".clone_into(&mut hint);
        }
        let lines = self.seen.logs_of(name(self.pod), &self.status.name);
        if !lines.is_empty() {
            text = format!("{text}; its last lines:\n{}", lines.join("\n"));
        }
        Some(hopeless(Class::Fatal, text, hint))
    }

    fn ended(&self) -> i32 {
        let runs = self.status.state.as_ref().is_some_and(|it| it.running.is_some());
        self.status.restart_count + i32::from(!runs)
    }

    /// The kubelet ends containers whose liveness or startup probe fails.
    fn killing_probe(&self) -> Option<String> {
        self.seen.event(name(self.pod), &["Killing"])?.message.as_ref().filter(|it| it.contains("probe"))?;
        let message = self.seen.event(name(self.pod), &["Unhealthy"])?.message.as_deref()?;
        let kills = message.starts_with("Liveness") || message.starts_with("Startup");
        kills.then(|| uncapitalised(message))
    }

    /// It runs, and does not say that it is ready.
    fn probes(&self, times: &Times) -> Finding {
        self.status.state.as_ref()?.running.as_ref()?;
        if self.role == Role::Init {
            return Some(waiting(format!("{} runs", self.subject())));
        }
        let answered = self.seen.event(name(self.pod), &["Unhealthy"]).and_then(|it| it.message.as_deref());
        let said = answered.map_or_else(|| "it has not said that it is ready".to_owned(), uncapitalised);
        let ran = times.running.get(name(self.pod)).copied().unwrap_or_default();
        if ran < times.ready_within {
            return Some(waiting(format!("{}: {said}", self.subject())));
        }
        let text = format!("{} is not ready after {}: {said}", self.subject(), times.ready_within);
        let hint = format!("kubectl {}logs {} -c {}", within(self.pod), name(self.pod), self.status.name);
        Some(hopeless(Class::Fatal, text, hint))
    }

    fn begins(&self) -> Finding {
        let (reason, _) = waits(self.status)?;
        // Told of the container that it waits for.
        let first = self.role == Role::Main && reason == "PodInitializing";
        let pulling = self.seen.event(name(self.pod), &["Pulling", "Pulled"]);
        let pulling = pulling.filter(|it| it.reason.as_deref() == Some("Pulling"));
        let doing = pulling
            .and_then(|it| it.message.as_deref())
            .map_or_else(|| "is being made".to_owned(), uncapitalised);
        (!first).then(|| waiting(format!("{}: {doing}", self.subject())))
    }
}

/// Why the program of a pod that has ended was never run; nothing if it was.
pub(crate) fn never_started(pod: &Pod) -> Option<TargetError> {
    containers(pod).find_map(|(role, spec, status)| {
        let it = Subject { seen: &Seen::default(), pod, role, spec, status };
        match it.not_started()? {
            Verdict::Hopeless(error) => Some(error),
            Verdict::Waiting { .. } => None,
        }
    })
}

/// What the runtime said when it could not run the program, and what mends it.
fn start_failure(end: &ContainerStateTerminated) -> Option<(&str, &'static str)> {
    if !matches!(end.reason.as_deref(), Some("StartError" | "ContainerCannotRun")) {
        return None;
    }
    let said = end.message.as_deref().unwrap_or_default();
    let said = said.rsplit_once("unable to start container process: ").map_or(said, |it| it.1);
    let hint = if said.contains("exec format error") {
        "the image is built for another platform: `kubectl get nodes -L kubernetes.io/arch`"
    } else {
        "the `command` must name a program that is in the image and may be run"
    };
    Some((said.trim_end_matches(": unknown"), hint))
}

/// How the first container of a pod ended, such as `was killed by SIGKILL`.
pub(crate) fn how_it_ended(pod: &Pod, end: &ContainerStateTerminated) -> String {
    how(end, pod.spec.as_ref().and_then(|it| it.containers.first()))
}

/// `secret "absent" not found`, `couldn't find key nokey in ConfigMap why/some`.
fn absent(message: &str) -> Option<(&'static str, &str)> {
    let lower = message.to_lowercase();
    let kind = if lower.contains("secret") { "secret" } else { "configmap" };
    if let Some((_, place)) = message.split_once("couldn't find key ").and_then(|it| it.1.split_once(" in "))
    {
        let name = place.rsplit_once('/').map_or(place, |it| it.1);
        return Some((kind, name));
    }
    let named = lower.contains("not found").then(|| message.split('"').nth(1)).flatten()?;
    Some((kind, named))
}

/// `exited with code 3`, `was killed by SIGSEGV`, `was killed for using more than its 16Mi of memory`.
fn how(end: &ContainerStateTerminated, spec: Option<&Container>) -> String {
    if end.reason.as_deref() == Some("OOMKilled") {
        let limits = spec.and_then(|it| it.resources.as_ref()?.limits.as_ref()?.get("memory"));
        return limits.map_or_else(
            || "was killed since its node ran out of memory".to_owned(),
            |it| format!("was killed for using more than its {} of memory", it.0),
        );
    }
    let signal =
        end.signal.filter(|it| *it > 0).or_else(|| (end.exit_code > 128).then_some(end.exit_code - 128));
    match signal.and_then(signal_name) {
        Some(signal) => format!("was killed by {signal}"),
        None => format!("exited with code {}", end.exit_code),
    }
}

fn signal_name(number: i32) -> Option<&'static str> {
    // Those that end programs in practice; a shell that reports another is believed by its code.
    let names = [
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (15, "SIGTERM"),
    ];
    names.iter().find(|it| it.0 == number).map(|it| it.1)
}

fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |it| it.to_lowercase().chain(letters).collect())
}
