//! References of images, as registries take them: `host:port/path/name:tag@digest`.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Diagnostic, Image, System};

use super::{Wrong, filled};
use crate::layers::Value;

/// As registries and engines have it.
const NAME_MAX: usize = 255;
const TAG_MAX: usize = 128;

pub(super) fn check(tree: &Value, system: &System, report: &mut Vec<Diagnostic>) {
    for (name, service) in &system.services {
        let (text, keys) = match &service.image {
            Some(Image::Named(text)) => (text, &["image"][..]),
            Some(Image::Built(build)) => match &build.image {
                Some(text) => (text, &["build", "image"][..]),
                None => continue,
            },
            Some(Image::SameAs(_)) | None => continue,
        };
        let written = tree.at(&["services", name.as_str()]).and_then(|it| it.at(keys));
        report.extend(written.and_then(|it| problem(text, it)));
    }
    for (name, dependency) in &system.dependencies {
        let written = tree.at(&["dependencies", name.as_str(), "image"]);
        if let (Some(text), Some(written)) = (&dependency.image, written) {
            report.extend(problem(text, written));
        }
    }
}

fn problem(text: &str, written: &Value) -> Option<Diagnostic> {
    let wrong = reference(&filled(text)).err()?;
    Some(wrong.at(codes::BAD_IMAGE, "name of an image", text, written.place()))
}

fn reference(text: &str) -> Result<(), Wrong> {
    if text.is_empty() {
        return Err(Wrong::new("a name such as `nginx:1.29` is wanted"));
    }
    if let Some((_, rest)) = text.split_once("://") {
        return Err(Wrong::help("an image is named without a scheme", format!("write `{rest}`")));
    }
    if text.contains(|it: char| it.is_whitespace() || it.is_control() || !it.is_ascii()) {
        return Err(Wrong::new("letters and digits of ASCII are allowed, and no spaces"));
    }
    let (name, digest_text) = text.split_once('@').map_or((text, None), |(name, it)| (name, Some(it)));
    digest_text.map_or(Ok(()), digest)?;
    let last = name.rfind('/').map_or(0, |it| it + 1);
    let (path, tag_text) = match name[last..].find(':') {
        Some(at) => (&name[..last + at], Some(&name[last + at + 1..])),
        None => (name, None),
    };
    tag_text.map_or(Ok(()), tag)?;
    if NAME_MAX < path.len() {
        return Err(Wrong::new(format!("it has {} characters, and {NAME_MAX} are the most", path.len())));
    }
    repository(path)
}

/// The first part is a host when it looks like one.
fn repository(path: &str) -> Result<(), Wrong> {
    let rest = match path.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
            registry(host)?;
            rest
        }
        Some(_) | None => path,
    };
    if rest.contains(|it: char| it.is_ascii_uppercase()) {
        let host = &path[..path.len() - rest.len()];
        let help = format!("write `{}`", shown(&format!("{host}{}", rest.to_ascii_lowercase())));
        return Err(Wrong::help("no registry takes uppercase letters", help));
    }
    match rest.split('/').find(|it| !is_component(it)) {
        Some("") => Err(Wrong::new("a part of the name is empty")),
        Some(part) => {
            let label = format!("`{}` is no part of a name", shown(part));
            let help = "lowercase letters and digits, with single `.`, `_` or `-` between them";
            Err(Wrong::help(label, help))
        }
        None => Ok(()),
    }
}

fn registry(host: &str) -> Result<(), Wrong> {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let name = name
        .split('.')
        .all(|it| it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-') && !it.is_empty());
    let port = port.is_none_or(|it| it.parse::<u16>().is_ok());
    if name && port { Ok(()) } else { Err(Wrong::new(format!("`{}` is no registry", shown(host)))) }
}

/// Letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_component(part: &str) -> bool {
    let inner = |it: &u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let ends = part.as_bytes().first().is_some_and(inner) && part.as_bytes().last().is_some_and(inner);
    let separators = part.split(|it: char| it.is_ascii_lowercase() || it.is_ascii_digit());
    let fits = |it: &str| matches!(it, "" | "." | "_" | "__") || it.bytes().all(|it| it == b'-');
    ends && separators.into_iter().all(fits)
}

fn tag(text: &str) -> Result<(), Wrong> {
    let first = text.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_');
    let rest = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"_.-".contains(&it));
    if first && rest && text.len() <= TAG_MAX {
        return Ok(());
    }
    let label = if text.is_empty() {
        "there is no tag behind `:`".to_owned()
    } else {
        format!("`{}` is no tag", shown(text))
    };
    Err(Wrong::help(label, format!("letters, digits, `_`, `.` and `-`, at most {TAG_MAX} of them")))
}

fn digest(text: &str) -> Result<(), Wrong> {
    let (algorithm, value) = text.split_once(':').unwrap_or((text, ""));
    let digits = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        _ => return Err(Wrong::new("a digest is `sha256:` and 64 hexadecimal digits")),
    };
    // A reference stands for the whole value.
    if value == "x" {
        return Ok(());
    }
    if value.len() != digits {
        let label = format!(
            "a digest by {algorithm} has {digits} digits, and this one has {}",
            value.chars().count()
        );
        return Err(Wrong::new(label));
    }
    if value.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it)) {
        return Ok(());
    }
    Err(Wrong::new("the digits of a digest are 0 to 9 and a to f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_registries_read_them() {
        let digest = "0123456789abcdef".repeat(4);
        for good in [
            "nginx",
            "nginx:1.10",
            "library/nginx:1.29-alpine_3",
            "localhost/shop",
            "registry.example.org:5000/team/web:v1",
            "Registry.Example.org/team/web",
            "a__b/c--d/e.f_g",
            &format!("web@sha256:{digest}"),
            &format!("web:1@sha256:{digest}"),
        ] {
            assert!(reference(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Web",
            "team/Web",
            "a b",
            "https://a/b",
            "web:",
            "web:-1",
            "web:a/b",
            "/web",
            "web/",
            "a//b",
            "-web",
            "web-",
            "a___b",
            "web@sha256:abcd",
            "web@md5:abcd",
            "web@",
            "wéb",
            &format!("web:{}", "a".repeat(129)),
            &format!("web@sha256:{}", "g".repeat(64)),
            &"a".repeat(256),
        ] {
            assert!(reference(bad).is_err(), "{bad}");
        }
    }
}
