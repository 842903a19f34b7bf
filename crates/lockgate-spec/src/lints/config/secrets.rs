//! What is declared of secrets: pairs that are none, and ages that follow from elsewhere.

use lockgate_diagnostics::{codes, shown, suggest};
use lockgate_model::Diagnostic;

use crate::layers::Value;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let all: Vec<(&str, &Value)> = declared(seen).collect();
    for (name, secret) in &all {
        let Some(written) = secret.get("public_of") else { continue };
        let Some(of) = written.text() else { continue };
        report.extend(no_pair(name, of, written, &all));
        report.extend(own_age(of, written, secret));
    }
}

/// The secrets of the services, and those of the release.
fn declared<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let services = seen.tree.get("services").into_iter().flat_map(Value::entries);
    let groups = services.filter_map(|it| it.1.get("secrets")).chain(seen.tree.get("secrets"));
    groups.flat_map(Value::entries).map(|it| (it.0.as_str(), it.1))
}

fn no_pair(name: &str, of: &str, written: &Value, all: &[(&str, &Value)]) -> Option<Diagnostic> {
    let Some((_, private)) = all.iter().find(|it| it.0 == of).filter(|_| name != of) else {
        let others = || all.iter().map(|it| it.0).filter(|it| *it != name);
        let message = format!("`{name}` is the public half of `{}`, which is no other secret", shown(of));
        let label = match suggest::nearest(of, others()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "not declared".to_owned(),
        };
        let diagnostic = Diagnostic::error(codes::PUBLIC_OF, message).label(written.place(), label);
        return Some(
            diagnostic.help(format!("declare the private half: `{}: {{generate: rsa-2048}}`", shown(of))),
        );
    };
    let generate = private.get("generate")?;
    let kind = generate.text()?;
    if ["rsa-2048", "rsa-4096", "ed25519"].contains(&kind) {
        return None;
    }
    let message = format!("`{of}` has no public half: `{kind}` makes no key pair");
    Some(
        Diagnostic::error(codes::PUBLIC_OF, message)
            .label(written.place(), "wants a key pair")
            .label(generate.place(), "makes one value")
            .help("key pairs are made by `rsa-2048`, `rsa-4096` and `ed25519`"),
    )
}

/// The public half is new when the pair is, and only then.
fn own_age(of: &str, written: &Value, secret: &Value) -> Option<Diagnostic> {
    let rotate = secret.get("rotate")?;
    Some(
        Diagnostic::warning(
            codes::ROTATED_ALONE,
            format!("a public half is replaced with its pair, `{}`", shown(of)),
        )
        .label(rotate.place(), "nothing reads this")
        .label(written.place(), "the pair")
        .help(format!("say `rotate` of `{}`", shown(of))),
    )
}
