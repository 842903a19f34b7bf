//! Texts with a form of their own: paths, addresses, channels, codes.

use lockgate_diagnostics::{codes, shown, suggest};
use lockgate_model::Code;
use lockgate_yaml::{Scalar, Style};

use crate::reference;
use crate::scalar::{self, Problem};

fn bad(message: impl Into<String>, label: &str) -> Problem {
    Problem::new(codes::BAD_VALUE, message, label)
}

/// `tcp://host:port`, or a URL; both may hold references.
pub(crate) fn endpoint(scalar: &Scalar) -> Result<(), Problem> {
    let text = scalar.text.as_str();
    reference::check(text)?;
    let wrong = |label: &str| Err(bad(format!("`{}` is no address", shown(text)), label));
    let Some((scheme, rest)) = text.split_once("://") else {
        let port = text.rsplit_once(':').and_then(|it| it.1.parse::<u16>().ok());
        if port.is_some() && !text.contains(char::is_whitespace) {
            let problem = bad(format!("`{}` is no address", shown(text)), "how is it spoken to?");
            return Err(problem.perhaps(format!("tcp://{text}")));
        }
        return wrong(
            "an address such as `tcp://smtp.example.org:587` or `https://api.example.org` is wanted",
        );
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') || text.contains(char::is_whitespace) {
        return wrong("the host is missing");
    }
    match scheme {
        "http" | "https" => Ok(()),
        "tcp" | "udp" => match host.rsplit_once(':').and_then(|it| it.1.parse::<u16>().ok()) {
            Some(1..) => Ok(()),
            Some(0) | None if host.contains("${") => Ok(()),
            Some(0) | None => wrong("the port is missing"),
        },
        _ => wrong("it begins with `tcp://`, `udp://`, `http://` or `https://`"),
    }
}

pub(crate) fn context_path(scalar: &Scalar) -> Result<(), Problem> {
    if scalar.text == "." { Ok(()) } else { scalar::inner_path(scalar).map(drop) }
}

/// One `*` may stand in the last part.
pub(crate) fn include_path(scalar: &Scalar) -> Result<(), Problem> {
    scalar::inner_path(scalar)?;
    let (folder, file) = scalar.text.rsplit_once('/').unwrap_or(("", &scalar.text));
    let yaml = matches!(file.rsplit_once('.'), Some((_, "yaml" | "yml")));
    if folder.contains('*') || 1 < file.matches('*').count() || !yaml {
        let message = format!("`{}` names no files to include", shown(&scalar.text));
        let problem = bad(message, "a path such as `services/*.yaml` is wanted");
        return Err(
            problem.help("one `*` may stand in the name of the file, which ends with `.yaml` or `.yml`")
        );
    }
    Ok(())
}

pub(crate) fn absolute_path(scalar: &Scalar) -> Result<(), Problem> {
    let text = scalar.text.as_str();
    if text.starts_with('/') && 1 < text.len() && !text.split('/').any(|it| it == "..") {
        return Ok(());
    }
    Err(bad(format!("`{}` is no absolute path", shown(text)), "a path such as `/var/lib/app` is wanted"))
}

pub(crate) fn channel(scalar: &Scalar) -> Result<(), Problem> {
    let text = scalar.text.as_str();
    let name = text.strip_prefix('#').unwrap_or("");
    let fits = |it: char| it.is_lowercase() || it.is_ascii_digit() || matches!(it, '-' | '_');
    if !name.is_empty() && name.chars().count() <= 80 && name.chars().all(fits) {
        return Ok(());
    }
    let problem =
        bad(format!("`{}` is no channel", shown(text)), "a channel such as `\"#deploys\"` is wanted");
    Err(if !text.is_empty() && text.chars().all(fits) {
        problem.instead(format!("\"#{text}\""))
    } else if text.is_empty() {
        problem.help("quote it: without quotes `#` begins a comment")
    } else {
        problem
    })
}

pub(crate) fn header(name: &str) -> Result<(), Problem> {
    let fits = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    if !name.is_empty() && name.bytes().all(fits) {
        return Ok(());
    }
    let message = format!("`{}` is no name of a header", shown(name));
    Err(Problem::new(codes::BAD_NAME, message, "letters, digits and `-` are allowed"))
}

/// As Prometheus and its users write them.
pub(crate) fn alert_name(name: &str) -> Result<(), Problem> {
    let first = name.starts_with(|it: char| it.is_ascii_alphabetic());
    if first && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
        return Ok(());
    }
    let message = format!("`{}` is no name of an alert", shown(name));
    Err(Problem::new(codes::BAD_NAME, message, "a name such as `RedisDown` is wanted"))
}

/// `$`, then `.name` or `[number]`, any number of times.
pub(crate) fn json_path(path: &str) -> Result<(), Problem> {
    let wrong = || {
        let message = format!("`{}` is no JSON path", shown(path));
        Err(bad(message, "a path such as `$.status` or `$.keys[0].kid` is wanted"))
    };
    let Some(mut rest) = path.strip_prefix('$') else { return wrong() };
    while !rest.is_empty() {
        let len = if let Some(name) = rest.strip_prefix('.') {
            let len = name.find(['.', '[']).unwrap_or(name.len());
            let word = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-');
            if len == 0 || !name[..len].chars().all(word) {
                return wrong();
            }
            1 + len
        } else if let Some((number, _)) = rest.strip_prefix('[').and_then(|it| it.split_once(']')) {
            let digits = number.bytes().all(|it| it.is_ascii_digit());
            if !digits || number.parse::<u32>().is_err() {
                return wrong();
            }
            2 + number.len()
        } else {
            return wrong();
        };
        rest = &rest[len..];
    }
    Ok(())
}

/// A code that can be reported at all.
pub(crate) fn code(name: &str) -> Result<(), Problem> {
    let known = name.parse::<Code>().ok().filter(|it| codes::explain_code(*it).is_some());
    if known.is_some() {
        return Ok(());
    }
    let message = format!("there is no diagnostic `{}`", shown(name));
    let all: Vec<String> = codes::codes().map(|it| it.0.to_string()).collect();
    let label = match suggest::nearest(name, all.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "a code such as `LG402` is wanted".to_owned(),
    };
    Err(Problem::new(codes::NOT_A_CHOICE, message, label))
}

fn number(text: &str) -> Option<serde_json::Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let digits = text.starts_with(|it: char| it.is_ascii_digit() || matches!(it, '-' | '+' | '.'));
    let number = text.parse::<f64>().ok().filter(|it| digits && it.is_finite())?;
    Some(number.into())
}

/// What a plain scalar is in YAML 1.2, for parts of the file that are of another language.
pub(crate) fn core_schema(scalar: &Scalar) -> serde_json::Value {
    let text = scalar.text.as_str();
    if scalar.style != Style::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => serde_json::Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => number(text).unwrap_or_else(|| text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_paths_are_names_and_numbers() {
        for good in ["$", "$.keys", "$.keys[0].kid", "$[2]", "$.a-b.c_d"] {
            assert!(json_path(good).is_ok(), "{good}");
        }
        for bad in ["", "keys", "$.", "$..a", "$[x]", "$[+1]", "$[1", "$.a b", "$a"] {
            assert!(json_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn endpoints_have_a_scheme_a_host_and_for_tcp_a_port() {
        let good = |text: &str| endpoint(&Scalar::plain(text)).is_ok();
        for text in ["tcp://a.example:587", "https://api.example.org/v1", "tcp://${smtp.host}:587"] {
            assert!(good(text), "{text}");
        }
        for text in [
            "a.example:587",
            "tcp://a.example",
            "tcp://:1",
            "tcp://a:0",
            "ftp://a",
            "https://",
            "tcp://a b:1",
        ] {
            assert!(!good(text), "{text}");
        }
    }
}
