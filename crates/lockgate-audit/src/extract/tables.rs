//! Facts of tables and lists in prose: how many instances an environment has, and which images are named.

use crate::fact::Fact;
use crate::markdown::{Document, Prose};

pub(crate) fn facts(document: &Document) -> Vec<Fact> {
    let mut found = vec![];
    // Elsewhere an image may be one of the past, or of somebody else.
    let is_label = |it: &&Prose| {
        let text = it.text().to_lowercase();
        text.starts_with("base image:") || text.starts_with("image:")
    };
    let codes = document.prose.iter().filter(is_label).flat_map(|it| &it.codes);
    found.extend(codes.filter(|it| is_image(&it.text)).filter_map(Fact::image));
    replicas_of_tables(document, &mut found);
    replicas_of_lists(document, &mut found);
    found
}

/// `node:20-slim`, and no `host:8080`, `a: b` or URL.
fn is_image(text: &str) -> bool {
    let Some((repository, tag)) = text.rsplit_once(':') else { return false };
    let allowed = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_' | '/');
    let is_port = tag.bytes().all(|it| it.is_ascii_digit()) && 3 < tag.len();
    !repository.is_empty()
        && !tag.is_empty()
        && !text.contains("//")
        && !is_port
        && text.split(':').all(|it| it.chars().all(allowed))
}

/// `| Environment | Replicas |`.
fn replicas_of_tables(document: &Document, found: &mut Vec<Fact>) {
    for table in &document.tables {
        let column = |name: &str| table.header.iter().position(|it| it.text().to_lowercase() == name);
        let (Some(environment), Some(replicas)) = (column("environment"), column("replicas")) else {
            continue;
        };
        for row in &table.rows {
            let (Some(name), Some(count)) = (row.get(environment), row.get(replicas)) else { continue };
            if let Ok(number) = count.text().parse() {
                found.push(Fact::replicas(&name.text().to_lowercase(), number, count.span()));
            }
        }
    }
}

/// `Replicas: 3 (production)`.
fn replicas_of_lists(document: &Document, found: &mut Vec<Fact>) {
    for prose in &document.prose {
        let text = prose.text().to_lowercase();
        let Some(rest) = text.strip_prefix("replicas:").map(str::trim) else { continue };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let place = rest[digits..].trim().trim_start_matches('(').split([')', ' ']).next().unwrap_or("");
        if let Ok(number) = rest[..digits].parse() {
            found.push(Fact::replicas(place, number, prose.span()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_from_addresses() {
        for image in ["node:20-bookworm-slim", "postgres:15-alpine", "ghcr.io/a/b:v1"] {
            assert!(is_image(image), "{image}");
        }
        for other in ["localhost:8080", "http://a:80", "services: web", "a:b c", ":x", "main.rs"] {
            assert!(!is_image(other), "{other}");
        }
    }
}
