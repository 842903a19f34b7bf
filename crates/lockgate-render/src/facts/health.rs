//! The command that asks an instance for its health from within its own container, with a tool that is in the image.

use lockgate_model::{Health, Millis, Preset, Probe, ProbeKind, Service};

use super::Environment;
use super::ServiceFact;

/// What is asked of an instance where the platform runs a command: readiness, else what `local` asks.
pub(crate) enum Question<'a> {
    Http { path: &'a str, port: u16 },
    Tcp { port: u16 },
    Command(&'a [String]),
}

/// `None` for a worker that nothing can be asked of.
pub(crate) fn question(service: &Service) -> Option<Question<'_>> {
    let probe = service.probes.ready.as_ref().or(service.probes.live.as_ref());
    probe.and_then(|it| of_probe(service, it)).or_else(|| of_health(service))
}

fn of_probe<'a>(service: &'a Service, probe: &'a Probe) -> Option<Question<'a>> {
    match &probe.kind {
        ProbeKind::Http { path, port, .. } => {
            Some(Question::Http { path, port: service.ports.get(port)?.number })
        }
        // No tool of an ordinary image speaks gRPC: that the port is open is what can be asked.
        ProbeKind::Grpc { port, .. } | ProbeKind::Tcp { port } => {
            Some(Question::Tcp { port: service.ports.get(port)?.number })
        }
        ProbeKind::Command(command) => Some(Question::Command(command)),
    }
}

fn of_health(service: &Service) -> Option<Question<'_>> {
    match &service.health {
        Health::Http { path, port, .. } => {
            Some(Question::Http { path, port: service.ports.get(port)?.number })
        }
        Health::Uptime { .. } => None,
    }
}

/// When it is asked, and what is made of the answers.
pub(crate) struct Timing {
    pub(crate) interval: Millis,
    pub(crate) timeout: Millis,
    /// Failures in a row that make an instance unhealthy.
    pub(crate) retries: u16,
    /// Failures are not counted while it starts.
    pub(crate) start: Millis,
}

/// `None` for a worker that nothing can be asked of.
pub(crate) fn timing(service: &Service) -> Option<Timing> {
    let probe = service.probes.ready.as_ref().or(service.probes.live.as_ref());
    let (start, local) = match &service.health {
        Health::Http { interval, timeout, unhealthy_after, ready_within, .. } => {
            (*ready_within, Some((*interval, *timeout, *unhealthy_after)))
        }
        Health::Uptime { ready_after } => (*ready_after, None),
    };
    let (interval, timeout, retries) =
        probe.map(|it| (it.interval, it.timeout, it.unhealthy_after)).or(local)?;
    Some(Timing { interval, timeout, retries, start })
}

/// `None` where nothing is asked, or where nobody knows what is in the image.
pub(crate) fn command(environment: &Environment<'_>, fact: &ServiceFact<'_>) -> Option<Vec<String>> {
    let question = question(fact.service)?;
    if let Question::Command(command) = question {
        return Some(command.to_vec());
    }
    let (owner, build) = fact.image.as_ref()?.build?;
    debug_assert!(environment.services.contains_key(owner), "images are built for services");
    with_tool(build.preset.filter(|_| build.dockerfile.is_none())?, &question)
}

pub(crate) fn with_tool(preset: Preset, question: &Question<'_>) -> Option<Vec<String>> {
    let argv = |words: &[&str]| Some(words.iter().map(|it| (*it).to_owned()).collect());
    let quoted = |text: &str| serde_json::to_string(text).expect("a string serialises");
    match (preset, question) {
        (_, Question::Command(command)) => Some(command.to_vec()),
        (Preset::Node | Preset::Nextjs | Preset::Nestjs, Question::Http { path, port }) => {
            let url = quoted(&format!("http://127.0.0.1:{port}{path}"));
            argv(&[
                "node",
                "-e",
                &format!("fetch({url}).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"),
            ])
        }
        (Preset::Node | Preset::Nextjs | Preset::Nestjs, Question::Tcp { port }) => {
            let script = format!(
                "require('net').connect({port}, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))"
            );
            argv(&["node", "-e", &script])
        }
        (Preset::Python, Question::Http { path, port }) => {
            let url = quoted(&format!("http://127.0.0.1:{port}{path}"));
            argv(&["python", "-c", &format!("import urllib.request as u; u.urlopen({url}, timeout=5)")])
        }
        (Preset::Python, Question::Tcp { port }) => argv(&[
            "python",
            "-c",
            &format!("import socket; socket.create_connection((\"127.0.0.1\", {port}), 5)"),
        ]),
        (Preset::Rust, Question::Http { path, port }) => {
            argv(&["curl", "-fsS", "-o", "/dev/null", &format!("http://127.0.0.1:{port}{path}")])
        }
        (Preset::Rust, Question::Tcp { port }) => argv(&[
            "curl",
            "-fsS",
            "--max-time",
            "5",
            "-o",
            "/dev/null",
            &format!("telnet://127.0.0.1:{port}"),
        ]),
    }
}
