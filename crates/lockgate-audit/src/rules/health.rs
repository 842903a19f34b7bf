//! Health checks of images: whether they ask where the program listens, with something that is there.

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use super::Context;
use super::dockerfiles::{foundation, is_plain, last, split, whole};
use crate::extract::dockerfile::{Instruction, Stage};
use crate::listing::name_of;

pub(crate) fn other_port_asked(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for file in whole(context) {
        let shipped = file.shipped();
        // Another base may listen on ports of its own.
        if !is_plain(foundation(&shipped)) {
            continue;
        }
        let Some(check) = last(&shipped, "HEALTHCHECK") else { continue };
        let Some(asked) = asked_port(&check.text) else { continue };
        let exposes: Vec<&Instruction> = shipped.iter().flat_map(|it| it.all("EXPOSE")).collect();
        let ports: Option<Vec<u16>> =
            exposes.iter().flat_map(|it| it.text.split_whitespace()).map(number).collect();
        // Variables and ranges say nothing certain.
        let Some(ports) = ports.filter(|it| !it.is_empty() && !it.contains(&asked)) else { continue };
        // A port of its own for health is told to the program somewhere.
        let others = shipped.iter().flat_map(|it| &it.instructions).filter(|it| it.keyword != "HEALTHCHECK");
        if others.into_iter().any(|it| names(&it.text, asked)) {
            continue;
        }
        let listed: Vec<String> = ports.iter().map(u16::to_string).collect();
        let message =
            format!("the health check asks port {asked}, and the image offers {}", listed.join(", "));
        let mut diagnostic = Diagnostic::warning(codes::OTHER_PORT_ASKED, message)
            .label(check.span, format!("asks port {asked}, which nothing else here names"));
        for expose in exposes {
            diagnostic = diagnostic.label(expose.span, "offered here");
        }
        report.push(diagnostic.help("ask the port that the program listens on, and expose the same"));
    }
}

/// `8080` and `8080/tcp`.
fn number(port: &str) -> Option<u16> {
    port.split('/').next().and_then(|it| it.parse().ok())
}

/// The one port of this machine that a text asks by an address.
fn asked_port(text: &str) -> Option<u16> {
    const HERE: [&str; 4] = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"];
    let mut found = vec![];
    for (scheme, usual) in [("http://", 80), ("https://", 443)] {
        for (at, _) in text.match_indices(scheme) {
            let rest = &text[at + scheme.len()..];
            let after = HERE.iter().find_map(|it| rest.strip_prefix(it))?;
            found.push(match after.strip_prefix(':') {
                Some(port) => {
                    let end = port.find(|it: char| !it.is_ascii_digit()).unwrap_or(port.len());
                    port[..end].parse().ok()?
                }
                None if after.starts_with(|it: char| it.is_alphanumeric() || ".-$".contains(it)) => {
                    return None;
                }
                None => usual,
            });
        }
    }
    let first = *found.first()?;
    found.iter().all(|it| *it == first).then_some(first)
}

/// Whether the number stands by itself in a text.
fn names(text: &str, port: u16) -> bool {
    let port = port.to_string();
    text.split(|it: char| !it.is_ascii_digit()).any(|it| it == port)
}

pub(crate) fn check_not_installed(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for file in whole(context) {
        let shipped = file.shipped();
        let base = foundation(&shipped);
        let Some(check) = last(&shipped, "HEALTHCHECK").filter(|_| is_bare(base)) else { continue };
        let programs = asking(check);
        let Some(program) = programs.first() else { continue };
        if programs.iter().any(|it| brings(&shipped, it)) {
            continue;
        }
        let base_place = shipped.last().map_or(check.span, |it| it.base.span);
        let message = format!("the health check runs `{program}`, which `{base}` does not have");
        let help = match split(base).0 {
            "node" => "ask with the program itself: `CMD [\"node\", \"-e\", \"fetch(...)\"]`, or install it",
            "python" => "ask with the program itself: `CMD [\"python\", \"-c\", \"...\"]`, or install it",
            _ => "install it in the stage that is shipped, or let the program check itself",
        };
        report.push(
            Diagnostic::warning(codes::CHECK_NOT_INSTALLED, message)
                .label(check.span, "fails each time: the image is never healthy")
                .label(base_place, "a slim base, and no `RUN` installs it")
                .help(help),
        );
    }
}

/// Bases of which it is known that nothing in them asks over a network.
fn is_bare(base: &str) -> bool {
    let (repository, tag) = split(base);
    let is_slim = tag.split('-').any(|it| it == "slim");
    is_slim && ["debian", "node", "python", "ruby", "rust"].contains(&repository)
}

/// The programs that a check runs, if each of them only asks.
fn asking(check: &Instruction) -> Vec<&str> {
    const ASK: [&str; 3] = ["curl", "wget", "nc"];
    let Some(command) = check.text.split_once("CMD").map(|it| it.1.trim()) else { return vec![] };
    if let Some(list) = command.strip_prefix('[') {
        let first = list.split(',').next().unwrap_or("").trim().trim_matches(['"', ']']);
        return ASK.into_iter().filter(|it| *it == first).collect();
    }
    let parts = command.split(['|', '&', ';']).filter_map(|it| it.split_whitespace().next());
    let (asks, others): (Vec<&str>, Vec<&str>) = parts.partition(|it| ASK.contains(it));
    // Something else that is run may do instead.
    if others.iter().all(|it| ["exit", "grep", "false"].contains(it)) { asks } else { vec![] }
}

/// Whether something that is shipped may bring the program along; what is not seen through may.
fn brings(shipped: &[&Stage], program: &str) -> bool {
    const UNSEEN: [&str; 9] =
        ["<<", ".sh", "$", "xargs", "install-deps", "with-deps", "chrome", "busybox", "ansible"];
    shipped.iter().flat_map(|it| &it.instructions).any(|it| match it.keyword.as_str() {
        "RUN" => {
            let by_package =
                program == "nc" && ["netcat", "ncat", "nmap"].iter().any(|name| it.text.contains(name));
            let is_script = it.text.starts_with(['.', '/']) || it.text.contains("make ");
            it.text.contains(program)
                || by_package
                || is_script
                || UNSEEN.iter().any(|mark| it.text.contains(mark))
        }
        "COPY" | "ADD" => {
            it.text.contains(program)
                || it.copy().is_some_and(|copy| copy.sources.iter().any(|it| is_system(it)))
        }
        _ => false,
    })
}

/// Folders in which programs lie, or may.
fn is_system(path: &str) -> bool {
    let name = name_of(path);
    let inside = path.starts_with('/') && ["", "usr", "local", "bin", "sbin", "rootfs"].contains(&name);
    inside || path == "/" || (path.contains('*') && path.contains("bin"))
}
