//! What a scalar means where a certain type is wanted, and what to say when it means nothing there.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

use lockgate_model::{Code, Diagnostic, Edit, Fix, Millis, Percent, Span, Weight};

use lockgate_diagnostics::codes;
use lockgate_diagnostics::{shown, suggest};
use lockgate_yaml::{Scalar, Style};

/// Why a scalar cannot be what it should be.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
    /// What to write instead.
    pub(crate) instead: Option<Instead>,
}

#[derive(Debug)]
pub(crate) enum Instead {
    /// The one sensible answer.
    Surely(String),
    /// A guess, as at a misspelt word.
    Perhaps(String),
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>, label: impl Into<String>) -> Problem {
        Problem { code, message: message.into(), label: label.into(), help: None, instead: None }
    }

    pub(crate) fn help(mut self, text: impl Into<String>) -> Problem {
        self.help = Some(text.into());
        self
    }

    pub(crate) fn instead(mut self, text: impl Into<String>) -> Problem {
        self.instead = Some(Instead::Surely(text.into()));
        self
    }

    pub(crate) fn perhaps(mut self, text: impl Into<String>) -> Problem {
        self.instead = Some(Instead::Perhaps(text.into()));
        self
    }

    pub(crate) fn at(self, span: Span) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(self.code, self.message).label(span, self.label);
        if let Some(help) = self.help {
            diagnostic = diagnostic.help(help);
        }
        let (text, safe) = match self.instead {
            Some(Instead::Surely(text)) => (text, true),
            Some(Instead::Perhaps(text)) => (text, false),
            None => return diagnostic,
        };
        diagnostic.fix(Fix { title: format!("write `{text}`"), edits: vec![Edit { span, text }], safe })
    }
}

/// What the error says of the text, which it quotes in full.
pub(crate) fn told(error: &impl Display, text: &str) -> String {
    let message = error.to_string();
    if text.is_empty() { message } else { message.replacen(text, &shown(text), 1) }
}

fn bad(message: impl Into<String>, label: impl Into<String>) -> Problem {
    Problem::new(codes::BAD_VALUE, message, label)
}

/// A whole number. Only plain decimal digits are one: other YAML readers take `0o17`, `+1000`, `1_000` or
/// `22:22` for numbers that the writer may not have meant.
pub(crate) fn integer(scalar: &Scalar, min: u64, max: u64) -> Result<u64, Problem> {
    let text = scalar.text.as_str();
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if scalar.style != Style::Plain {
        let problem = bad(format!("`{}` is a string, not a number", shown(text)), "a whole number is wanted");
        return Err(if digits { problem.instead(text) } else { problem });
    }
    if !digits {
        return Err(not_an_integer(text));
    }
    if text.len() > 1 && text.starts_with('0') {
        let problem = bad(format!("`{}` begins with a zero", shown(text)), "octal or decimal?");
        return Err(problem.help("write a decimal number without leading zeros"));
    }
    match text.parse::<u64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(bad(format!("`{}` is out of range", shown(text)), format!("allowed are {min} to {max}"))),
    }
}

fn not_an_integer(text: &str) -> Problem {
    let problem = bad(format!("`{}` is not a whole number", shown(text)), "a whole number is wanted");
    let octal = text.strip_prefix("0o").and_then(|it| u64::from_str_radix(it, 8).ok());
    let hex = text.strip_prefix("0x").and_then(|it| u64::from_str_radix(it, 16).ok());
    if let Some(number) = octal.or(hex) {
        return problem.help(format!("write it as a decimal number: `{number}`"));
    }
    let plain = text.replace('_', "");
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    if plain != text && !plain.is_empty() && plain.bytes().all(|it| it.is_ascii_digit()) {
        return problem.instead(plain);
    }
    if text.starts_with('-') {
        return problem.help("negative numbers have no meaning here");
    }
    problem
}

/// A decimal number between two bounds, which are both allowed.
pub(crate) fn decimal(scalar: &Scalar, min: f64, max: f64) -> Result<f64, Problem> {
    let text = scalar.text.as_str();
    let plain = scalar.style == Style::Plain
        && text.starts_with(|it: char| it.is_ascii_digit())
        && text.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    let number = if plain { text.parse::<f64>().ok() } else { None };
    let Some(number) = number else {
        return Err(bad(format!("`{}` is not a number", shown(text)), "a number such as `1.25` is wanted"));
    };
    if min <= number && number <= max {
        return Ok(number);
    }
    Err(bad(format!("`{}` is out of range", shown(text)), format!("allowed are {min} to {max}")))
}

/// `true` or `false` and nothing else: `yes`, `no`, `on` and `off` are words in YAML 1.2.
pub(crate) fn boolean(scalar: &Scalar) -> Result<bool, Problem> {
    let text = scalar.text.as_str();
    let plain = scalar.style == Style::Plain;
    let meant = match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    };
    match (plain, text, meant) {
        (true, "true" | "True" | "TRUE", _) => Ok(true),
        (true, "false" | "False" | "FALSE", _) => Ok(false),
        (_, _, meant) => {
            let problem =
                bad(format!("`{}` is not a truth value", shown(text)), "`true` or `false` is wanted");
            Err(match meant {
                Some(meant) => problem.instead(meant.to_string()),
                None => problem,
            })
        }
    }
}

/// A release that waits longer is a mistake in the unit; it also keeps sums far from overflow.
const DURATION_MAX: Millis = Millis::mins(2 * 366 * 24 * 60);

pub(crate) fn duration(scalar: &Scalar, min: Millis) -> Result<Millis, Problem> {
    let text = scalar.text.as_str();
    let span: Millis = match text.parse() {
        Ok(span) => span,
        Err(_) if text == "0" => Millis::ZERO,
        Err(error) => {
            let problem = bad(told(&error, text), "a duration such as `30s` or `15m` is wanted");
            let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
            let units = format!("`{text}s`, `{text}m` or `{text}ms`?");
            return Err(if digits { problem.help(units) } else { problem });
        }
    };
    if span < min {
        let message = format!("`{}` is too short", shown(text));
        return Err(bad(message, format!("at least `{min}` is wanted")));
    }
    if DURATION_MAX < span {
        return Err(bad(format!("`{}` is too long", shown(text)), "at most two years are allowed"));
    }
    Ok(span)
}

pub(crate) fn weight(scalar: &Scalar) -> Result<Weight, Problem> {
    let text = scalar.text.as_str();
    text.parse::<Weight>().map_err(|error| {
        let problem = bad(told(&error, text), "a percentage such as `5%` is wanted");
        let with_unit = format!("{text}%");
        if with_unit.parse::<Weight>().is_ok() { problem.instead(with_unit) } else { problem }
    })
}

/// A percentage as a fraction, or a plain fraction: `25%` and `0.25`.
pub(crate) fn share(scalar: &Scalar) -> Result<f64, Problem> {
    if scalar.text.ends_with('%') {
        let percent: Percent = scalar.text.parse().map_err(|error: lockgate_model::InvalidQuantity| {
            bad(told(&error, &scalar.text), "not a percentage")
        })?;
        return Ok(percent.fraction());
    }
    decimal(scalar, 0.0, 1.0)
}

/// A share that is kept as it is written.
pub(crate) fn percent(scalar: &Scalar) -> Result<Percent, Problem> {
    let text = scalar.text.as_str();
    text.parse::<Percent>().map_err(|error| {
        let problem = bad(told(&error, text), "a percentage such as `70%` is wanted");
        let with_unit = format!("{text}%");
        if with_unit.parse::<Percent>().is_ok() { problem.instead(with_unit) } else { problem }
    })
}

/// A share that something is aimed at.
pub(crate) fn positive_percent(scalar: &Scalar) -> Result<(), Problem> {
    if percent(scalar)? == Percent(0) {
        return Err(bad(format!("`{}` is nothing", shown(&scalar.text)), "more than zero is wanted"));
    }
    Ok(())
}

/// `2` or `25%`, as it is written.
pub(crate) fn count_or_share(scalar: &Scalar) -> Result<String, Problem> {
    if scalar.text.ends_with('%') {
        percent(scalar)?;
    } else {
        integer(&Scalar::plain(&*scalar.text), 0, 1_000)?;
    }
    Ok(scalar.text.clone())
}

/// A value of a type that says itself why a text is not one.
pub(crate) fn parsed<T>(scalar: &Scalar) -> Result<T, Problem>
where
    T: FromStr,
    T::Err: Display,
{
    let text = scalar.text.as_str();
    text.parse::<T>().map_err(|error| {
        let problem = Problem::new(codes::BAD_NAME, told(&error, text), "not valid");
        let similar = similar(text);
        if let Some(strange) = text.chars().find(|it| !it.is_ascii()) {
            // It may look like a letter of ASCII, or like nothing.
            problem.help(format!("`{}` is U+{:04X}", strange.escape_debug(), u32::from(strange)))
        } else if similar != text && similar.parse::<T>().is_ok() {
            problem.help(format!("did you mean `{similar}`?"))
        } else {
            problem
        }
    })
}

/// A name of the same letters that more places take.
fn similar(text: &str) -> String {
    let letter = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' };
    text.trim().chars().map(letter).collect::<String>().trim_matches('-').to_owned()
}

pub(crate) fn address(scalar: &Scalar) -> Result<IpAddr, Problem> {
    let invalid = |_| {
        let message = format!("`{}` is not an IP address", shown(&scalar.text));
        bad(message, "an address such as `127.0.0.1` is wanted")
    };
    scalar.text.parse().map_err(invalid)
}

pub(crate) fn one_of(scalar: &Scalar, allowed: &[&'static str]) -> Result<&'static str, Problem> {
    let text = scalar.text.as_str();
    if let Some(found) = allowed.iter().find(|it| **it == text) {
        return Ok(found);
    }
    let message = format!("`{}` is not one of the allowed values", shown(text));
    let problem =
        Problem::new(codes::NOT_A_CHOICE, message, format!("use {}", suggest::list(allowed.iter().copied())));
    Err(match suggest::nearest(text, allowed.iter().copied()) {
        Some(nearest) => problem.help(format!("did you mean `{nearest}`?")).perhaps(nearest),
        None => problem,
    })
}

/// A path of a URL.
pub(crate) fn url_path(scalar: &Scalar) -> Result<String, Problem> {
    let text = scalar.text.as_str();
    let visible = text.bytes().all(|it| it.is_ascii_graphic());
    if text.starts_with('/') && visible {
        return Ok(text.to_owned());
    }
    let problem =
        bad(format!("`{}` is not a path of a URL", shown(text)), "it begins with `/` and has no spaces");
    let slashed = format!("/{text}");
    Err(if visible && !text.is_empty() && !text.contains("://") { problem.instead(slashed) } else { problem })
}

/// A file or folder that is in the spec's folder or below it.
pub(crate) fn inner_path(scalar: &Scalar) -> Result<String, Problem> {
    let text = scalar.text.as_str();
    let outside = |reason: &str| {
        let message = format!("the path `{}` does not stay in the spec's folder", shown(text));
        let problem = Problem::new(codes::PATH_OUTSIDE, message, reason);
        Err(problem
            .help("paths are relative to the folder of the spec, so that a release can keep its files"))
    };
    if text.is_empty() {
        return outside("it is empty");
    }
    if text.starts_with(['/', '\\', '~']) || text.get(1..2) == Some(":") {
        return outside("it is absolute");
    }
    if text.contains('\\') {
        return outside("parts are separated by `/`");
    }
    if text.split('/').any(|it| it == "..") {
        return outside("`..` leads out of it");
    }
    Ok(text.to_owned())
}

/// Linux gives no process a longer argument or variable (`MAX_ARG_STRLEN`, 128 KiB); the name and the end count.
const ARGUMENT_MAX: usize = 127 * 1024;

/// YAML has escapes for it, and neither processes nor files nor HTTP can be given it.
pub(crate) fn without_nul(scalar: &Scalar) -> Result<(), Problem> {
    if scalar.text.contains('\0') {
        return Err(bad(
            format!("`{}` holds the character U+0000", shown(&scalar.text)),
            "no process can be given it",
        ));
    }
    Ok(())
}

/// One argument of a command.
pub(crate) fn argument(scalar: &Scalar) -> Result<(), Problem> {
    without_nul(scalar)?;
    if ARGUMENT_MAX < scalar.text.len() {
        let message = format!("an argument has {} bytes", scalar.text.len());
        let problem = bad(message, format!("at most {ARGUMENT_MAX} are allowed"));
        return Err(problem.help("give the process a file instead"));
    }
    crate::reference::check(&scalar.text)
}

/// The value of a variable: a string, and visibly one, because other readers of YAML would turn `yes` or
/// `1.10` into something else.
pub(crate) fn variable_value(scalar: &Scalar) -> Result<String, Problem> {
    let text = scalar.text.as_str();
    if ARGUMENT_MAX < text.len() {
        let message = format!("the value has {} bytes", text.len());
        let problem =
            Problem::new(codes::VARIABLE_VALUE, message, format!("at most {ARGUMENT_MAX} are allowed"));
        return Err(problem.help("give the process a file instead"));
    }
    if scalar.style != Style::Plain || !looks_typed(text) {
        return Ok(text.to_owned());
    }
    let message = format!("the value `{}` is not a string", shown(text));
    let problem = Problem::new(codes::VARIABLE_VALUE, message, "variables are strings");
    Err(problem
        .help("quote it, so that it reaches the process as it is written")
        .instead(format!("\"{text}\"")))
}

/// Would some reader of YAML take this plain text for a number, a truth value or a date?
fn looks_typed(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n") {
        return true;
    }
    let unsigned = lower.strip_prefix(['+', '-']).unwrap_or(&lower);
    if matches!(unsigned, ".inf" | ".nan") || lower.parse::<f64>().is_ok() {
        return true;
    }
    let digits = |it: &str, more: &[char]| {
        it.starts_with(|it: char| it.is_ascii_digit())
            && it.chars().all(|it| it.is_ascii_digit() || more.contains(&it))
    };
    let radix = unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0o"));
    radix.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_hexdigit()))
        || digits(unsigned, &['_'])
        || (digits(unsigned, &[':']) && unsigned.contains(':'))
}

pub(crate) fn variable_name(name: &str) -> Result<(), Problem> {
    let first = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    if first && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
        return Ok(());
    }
    let message = format!("`{}` cannot be the name of a variable", shown(name));
    let problem = Problem::new(codes::VARIABLE_NAME, message, "not a variable's name");
    Err(problem.help("letters, digits and `_` are allowed, and it does not begin with a digit"))
}
