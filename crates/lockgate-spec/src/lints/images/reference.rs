//! References of images: `registry/repository:tag@digest`.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Diagnostic, Edit, Fix, Image, Span};
use lockgate_yaml::Style;

use super::built;
use crate::layers::{Data, Value};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for (name, service) in &seen.system.services {
        let written = seen.tree.at(&["services", name.as_str(), "image"]);
        if let (Some(Image::Named(image)), Some(written)) = (&service.image, written) {
            report.extend(unpinned(image, written.place()));
        }
    }
    for (name, dependency) in &seen.system.dependencies {
        let written = seen.tree.at(&["dependencies", name.as_str(), "image"]);
        if let (Some(image), Some(written)) = (&dependency.image, written) {
            report.extend(unpinned(image, written.place()));
        }
    }
    for (_, service, build) in built(seen) {
        if let (Some(image), Some(written)) = (&build.image, service.at(&["build", "image"])) {
            report.extend(tagged_repository(image, written));
        }
    }
}

/// The tag, if there is one. A port of the registry is none.
fn tag(image: &str) -> Option<&str> {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split('@').next()?.split_once(':').map(|it| it.1)
}

fn unpinned(image: &str, place: Span) -> Option<Diagnostic> {
    let named = shown(image);
    let (message, label) = match tag(image) {
        _ if image.contains('@') => return None,
        Some("latest") => {
            (format!("`{named}` is another image every time something is pushed"), "a tag that moves")
        }
        Some(_) => return None,
        None => (format!("`{named}` has no tag, which means `latest`"), "neither a tag nor a digest"),
    };
    let diagnostic = Diagnostic::warning(codes::UNPINNED, message).label(place, label);
    Some(diagnostic.help("name the version, so that a rollback and a second instance run the same image"))
}

fn tagged_repository(image: &str, written: &Value) -> Option<Diagnostic> {
    let tag = tag(image)?;
    let message = format!("the repository `{}` has a tag", shown(image));
    let diagnostic = Diagnostic::warning(codes::REPOSITORY_TAG, message)
        .label(written.place(), format!("`:{}` is a tag", shown(tag)))
        .help("images are pushed under the version of their release and deployed by digest; name the repository only");
    Some(match without_tag(written) {
        Some(fix) => diagnostic.fix(fix),
        None => diagnostic,
    })
}

/// Only where the text is in the file as it is read.
fn without_tag(written: &Value) -> Option<Fix> {
    let Data::Scalar(scalar) = &written.data else { return None };
    let span = written.origin.span;
    let as_written = scalar.style == Style::Plain && span.end - span.start == scalar.text.len();
    let tag = tag(&scalar.text).filter(|_| as_written)?;
    let edit = Edit { span: Span { start: span.end - tag.len() - 1, ..span }, text: String::new() };
    Some(Fix { title: "remove the tag".to_owned(), edits: vec![edit], safe: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_stand_behind_the_last_slash() {
        for (image, found) in [
            ("nginx", None),
            ("nginx:1.29", Some("1.29")),
            ("registry.example.org:5000/shop", None),
            ("registry.example.org:5000/shop:v1@sha256:abc", Some("v1")),
            ("shop@sha256:abc", None),
            ("ghcr.io/shop/${service.name}", None),
            ("ghcr.io/shop/web:${release.version}", Some("${release.version}")),
        ] {
            assert_eq!(tag(image), found, "{image}");
        }
    }
}
