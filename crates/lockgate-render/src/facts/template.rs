//! Values that hold what is known only later: a secret, the version, an address that is found by looking.

/// A text and its references, in order. A format writes each part in its own notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(pub(crate) Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    /// `${secrets.NAME}`
    Secret(String),
    /// `${release.version}`
    Version,
    /// What else stays as it is written: `git.sha`, `postgres.url`.
    Other(String),
}

impl Template {
    pub(crate) fn parse(text: &str) -> Template {
        let mut parts = vec![];
        let mut rest = text;
        while let Some(begin) = rest.find("${") {
            let Some(length) = rest[begin..].find('}') else { break };
            push_text(&mut parts, &rest[..begin]);
            parts.push(reference(&rest[begin + 2..begin + length]));
            rest = &rest[begin + length + 1..];
        }
        push_text(&mut parts, rest);
        Template(parts)
    }

    /// The text, if nothing is to be filled in.
    pub(crate) fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|it| match it {
            Part::Secret(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Each part in the notation of a format.
    pub(crate) fn write(&self, mut part: impl FnMut(&Part) -> String) -> String {
        self.0.iter().map(&mut part).collect()
    }
}

/// What a reference is called as a variable: `git.sha7` is `GIT_SHA7`.
pub(crate) fn as_variable(name: &str) -> String {
    name.chars().map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' }).collect()
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

fn reference(name: &str) -> Part {
    match name.strip_prefix("secrets.") {
        Some(secret) => Part::Secret(secret.to_owned()),
        None if name == "release.version" => Part::Version,
        None => Part::Other(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_everything_else_is_text() {
        let parts = Template::parse("redis://:${secrets.REDIS_PASSWORD}@redis/$1${").0;
        let text = |it: &str| Part::Text(it.to_owned());
        assert_eq!(
            parts,
            [text("redis://:"), Part::Secret("REDIS_PASSWORD".to_owned()), text("@redis/$1${")]
        );
        assert_eq!(Template::parse("${release.version}").0, [Part::Version]);
        assert_eq!(Template::parse("").plain(), Some(""));
        assert_eq!(Template::parse("a").plain(), Some("a"));
    }
}
