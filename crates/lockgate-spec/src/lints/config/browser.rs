//! What browsers get to see: fixed when the image is built, and of use outside only.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Diagnostic, Image};

use crate::layers::Value;
use crate::lints::shared::label;
use crate::lints::target::is_this_machine;
use crate::lints::url::{is_loopback, urls};
use crate::lints::variables::{self, Variable};
use crate::reference::{self, Piece};
use crate::spec::Seen;

/// Beginnings of names that bundlers put into what browsers load.
const BUILT_IN: [&str; 6] = ["EXPO_PUBLIC_", "GATSBY_", "NEXT_PUBLIC_", "REACT_APP_", "VITE_", "VUE_APP_"];
/// As those, and read when the service starts.
const HANDED_ON: [&str; 2] = ["NUXT_PUBLIC_", "PUBLIC_"];

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    if !seen.system.target.runs_images() {
        return;
    }
    for (name, service) in &seen.system.services {
        let Some(Image::Built(build)) = &service.image else { continue };
        for (argument, text) in build.args.iter().filter(|it| is_public(it.0)) {
            let written = seen.tree.at(&["services", name.as_str(), "build", "args", argument]);
            report.extend(written.and_then(|it| internal(seen, argument, it, text)));
        }
    }
    for variable in variables::all(seen).filter(|it| is_public(it.name)) {
        let late = too_late(seen, variable);
        report.extend(late.or_else(|| internal(seen, variable.name, variable.value, variable.text)));
    }
}

fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|it| name.starts_with(it))
}

/// Do browsers read a variable of this name?
pub(super) fn is_public(name: &str) -> bool {
    is_built_in(name) || HANDED_ON.iter().any(|it| name.starts_with(it))
}

/// A variable of the running container that was wanted when its image was built.
fn too_late(seen: &Seen<'_>, variable: Variable<'_>) -> Option<Diagnostic> {
    let name = variable.name;
    let builder = match &seen.system.services.get(variable.service)?.image {
        Some(Image::SameAs(base)) => base.as_str(),
        Some(Image::Built(_)) => variable.service,
        Some(Image::Named(_)) | None => return None,
    };
    let Some(Image::Built(build)) = &seen.system.services.get(builder)?.image else { return None };
    if !is_built_in(name) || build.args.get(name).is_some_and(|it| it == variable.text) {
        return None;
    }
    let message = format!("`{name}` is read when the image is built, and `env` is set when it is started");
    let diagnostic =
        Diagnostic::warning(codes::BUILD_TIME, message).label(variable.entry.key_span, "comes too late");
    let argument = seen.tree.at(&["services", builder, "build", "args", name]);
    let diagnostic = label(diagnostic, argument, "this is what browsers get");
    Some(match argument {
        Some(_) => diagnostic.help("remove the variable: what browsers load holds the build argument"),
        None => diagnostic.help(format!("move it to `build`, as in `args: {{{name}: ...}}`")),
    })
}

/// A value that leads nowhere outside of the system.
fn internal(seen: &Seen<'_>, name: &str, written: &Value, text: &str) -> Option<Diagnostic> {
    let host = referenced(seen, written)
        .or_else(|| urls(text).map(|it| it.host).find(|it| is_internal(seen, it)))?;
    let service = seen.tree.at(&["services", host]);
    let message = format!("browsers read `{name}`, and `{}` is known inside only", shown(text));
    let why = if is_loopback(host) { "their own machine" } else { "no name that they can find" };
    let diagnostic = Diagnostic::warning(codes::INTERNAL_IN_BROWSER, message).label(written.place(), why);
    let diagnostic = match service {
        Some(service) => diagnostic.label(service.key_span, "a name within the system"),
        None => diagnostic,
    };
    let way_in = service.is_some_and(|it| it.get("ingress").is_some());
    Some(if way_in {
        diagnostic.help(format!(
            "`${{{host}.ingress.url}}` leads there from outside, and so does a path such as `/api`"
        ))
    } else {
        diagnostic.help("use a path such as `/api` that an ingress leads to the service")
    })
}

/// The service whose inner address a reference stands for.
fn referenced<'a>(seen: &Seen<'_>, written: &'a Value) -> Option<&'a str> {
    let pieces = reference::pieces(written.text()?).ok()?;
    pieces.into_iter().find_map(|it| {
        let Piece::Reference(inner) = it else { return None };
        let (name, attribute) = inner.strip_prefix("services.").unwrap_or(inner).split_once('.')?;
        let inside = ["url", "host"].contains(&attribute) && seen.system.services.contains_key(name);
        inside.then_some(name)
    })
}

fn is_internal(seen: &Seen<'_>, host: &str) -> bool {
    let bundled = |it: &lockgate_model::Dependency| it.external.is_none();
    let named =
        seen.system.services.contains_key(host) || seen.system.dependencies.get(host).is_some_and(bundled);
    let inner = [".svc", ".cluster.local", ".internal"].iter().any(|it| host.ends_with(it));
    let elsewhere = is_loopback(host) && !is_this_machine(&seen.system.target);
    named || elsewhere || inner && host != "host.docker.internal"
}
