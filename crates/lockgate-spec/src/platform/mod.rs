//! What the world beyond the file takes: names of images, hosts, branches and time zones, and how long a name may
//! become. Places are checked where an environment is resolved, because references are replaced by then.

mod host;
mod image;
mod names;
mod refs;
mod zones;

use lockgate_diagnostics::shown;
use lockgate_model::{Code, Diagnostic, Span, System};

use crate::layers::Value;

pub(crate) use refs::{across as refs_across, overlap};

pub(crate) fn check(tree: &Value, system: &System, report: &mut Vec<Diagnostic>) {
    image::check(tree, system, report);
    host::check(tree, system, report);
    names::check(tree, system, report);
    refs::check(tree, report);
    zones::check(tree, report);
}

/// Why a text is not what it stands for.
struct Wrong {
    label: String,
    help: Option<String>,
}

impl Wrong {
    fn new(label: impl Into<String>) -> Wrong {
        Wrong { label: label.into(), help: None }
    }

    fn help(label: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { label: label.into(), help: Some(help.into()) }
    }

    fn at(self, code: Code, what: &str, text: &str, place: Span) -> Diagnostic {
        let message = if text.is_empty() {
            format!("the {what} is empty")
        } else {
            format!("`{}` is no {what}", shown(text))
        };
        let diagnostic = Diagnostic::error(code, message).label(place, self.label);
        match self.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// The text with a letter in the place of each reference that is replaced later.
fn filled(text: &str) -> String {
    let mut rest = text;
    let mut filled = String::new();
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        filled.push('x');
        rest = after.split_once('}').map_or("", |it| it.1);
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_later_stands_for_something() {
        assert_eq!(filled("shop/web:v${release.version}-${git.sha7}"), "shop/web:vx-x");
        assert_eq!(filled("shop/web"), "shop/web");
    }
}
