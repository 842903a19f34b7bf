//! Instructions of a Dockerfile, and how each is written so that the builder reads the very same values.

use std::fmt::Write;

use lockgate_model::{Millis, StopSignal};

use crate::facts::shell;

/// One stage: comments, `FROM` and what follows it.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) about: &'static str,
    pub(super) from: String,
    pub(super) name: &'static str,
    pub(super) instructions: Vec<Instruction>,
}

#[derive(Clone, Debug)]
pub(super) enum Instruction {
    /// A line for people, or for a linter.
    Remark(&'static str),
    /// The default is on one line: a Dockerfile cannot write a line feed into a value.
    Arg {
        name: String,
        default: Option<String>,
    },
    Env(Vec<(&'static str, Value)>),
    Label(Vec<(&'static str, Value)>),
    Workdir(String),
    Copy(Copy),
    /// One after the other, until one fails.
    Run(Vec<Command>),
    Expose(Vec<u16>),
    /// User and group by number, as platforms check that it is not root.
    User(u16),
    Healthcheck(Option<Check>),
    StopSignal(StopSignal),
    /// Without a shell between: signals reach the program.
    Cmd(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    /// The value of an argument or variable.
    Of(&'static str),
    /// A text in front of the value that is there.
    InFrontOf(&'static str, &'static str),
}

#[derive(Clone, Debug)]
pub(super) struct Copy {
    /// Another stage; else the context.
    pub(super) from: Option<&'static str>,
    pub(super) owner: Option<u16>,
    pub(super) sources: Vec<String>,
    pub(super) target: String,
}

#[derive(Clone, Debug)]
pub(super) enum Command {
    Argv(Vec<String>),
    /// A line of shell without values of the spec.
    Script(&'static str),
    /// The second where the first fails.
    Either(Box<Command>, Box<Command>),
    /// With its output thrown away.
    Quiet(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) command: Vec<String>,
    pub(super) interval: Millis,
    pub(super) timeout: Millis,
    /// Failures are not counted while it starts.
    pub(super) start: Millis,
    pub(super) retries: u16,
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }
}

impl Command {
    pub(super) fn argv<const N: usize>(words: [&str; N]) -> Command {
        Command::Argv(words.map(str::to_owned).to_vec())
    }
}

impl Copy {
    pub(super) fn context(sources: &[&str], target: &str) -> Instruction {
        Copy::instruction(None, sources, target)
    }

    pub(super) fn stage(from: &'static str, source: &str, target: &str) -> Instruction {
        Copy::instruction(Some(from), &[source], target)
    }

    fn instruction(from: Option<&'static str>, sources: &[&str], target: &str) -> Instruction {
        let sources = sources.iter().map(|it| (*it).to_owned()).collect();
        Instruction::Copy(Copy { from, owner: None, sources, target: target.to_owned() })
    }

    pub(super) fn owned(from: &'static str, source: String, target: String, owner: u16) -> Instruction {
        Instruction::Copy(Copy { from: Some(from), owner: Some(owner), sources: vec![source], target })
    }
}

/// Could a path be written without quotes, and does it mean itself?
pub(super) fn is_plain_path(path: &str) -> bool {
    !path.is_empty() && path.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_./@+".contains(&it))
}

/// Could a value be written at all?
pub(super) fn is_one_line(text: &str) -> bool {
    !text.contains(['\n', '\r', '\0'])
}

pub(super) fn text(stages: &[Stage]) -> String {
    let mut text = String::new();
    for stage in stages {
        let Stage { about, from, name, instructions } = stage;
        write!(text, "\n# {about}\nFROM {from} AS {name}\n").expect("a string takes all");
        for instruction in instructions {
            text += &line(instruction);
            text.push('\n');
        }
    }
    text
}

fn line(instruction: &Instruction) -> String {
    match instruction {
        Instruction::Remark(text) => format!("# {text}"),
        Instruction::Arg { name, default: None } => format!("ARG {name}"),
        Instruction::Arg { name, default: Some(text) } => format!("ARG {name}={}", quoted(text)),
        Instruction::Env(pairs) => format!("ENV {}", assignments(pairs)),
        Instruction::Label(pairs) => format!("LABEL {}", assignments(pairs)),
        Instruction::Workdir(path) => format!("WORKDIR {path}"),
        Instruction::Copy(it) => copy(it),
        Instruction::Run(commands) => {
            let lines: Vec<String> = commands.iter().map(command).collect();
            format!("RUN {}", lines.join(" \\\n && "))
        }
        Instruction::Expose(ports) => {
            let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
            format!("EXPOSE {}", ports.join(" "))
        }
        Instruction::User(number) => format!("USER {number}:{number}"),
        Instruction::Healthcheck(None) => "HEALTHCHECK NONE".to_owned(),
        Instruction::Healthcheck(Some(check)) => healthcheck(check),
        Instruction::StopSignal(signal) => format!(
            "STOPSIGNAL {}",
            match signal {
                StopSignal::Term => "SIGTERM",
                StopSignal::Int => "SIGINT",
                StopSignal::Quit => "SIGQUIT",
            }
        ),
        Instruction::Cmd(argv) => format!("CMD {}", exec(argv)),
    }
}

fn healthcheck(check: &Check) -> String {
    let Check { command, interval, timeout, start, retries } = check;
    format!(
        "HEALTHCHECK --interval={} --timeout={} --start-period={} --retries={retries} \\\n    CMD {}",
        duration(*interval),
        duration(*timeout),
        duration(*start),
        exec(command)
    )
}

/// As Go reads it; a day is no unit there.
fn duration(time: Millis) -> String {
    if time.0.is_multiple_of(1_000) { format!("{}s", time.0 / 1_000) } else { format!("{}ms", time.0) }
}

fn command(it: &Command) -> String {
    match it {
        Command::Argv(argv) => shell::line(argv),
        Command::Script(script) => (*script).to_owned(),
        Command::Quiet(argv) => format!("{} >/dev/null", shell::line(argv)),
        Command::Either(first, second) => format!("{{ {} || {}; }}", command(first), command(second)),
    }
}

fn copy(copy: &Copy) -> String {
    let Copy { from, owner, sources, target } = copy;
    let from = from.map_or(String::new(), |it| format!("--from={it} "));
    let owner = owner.map_or(String::new(), |it| format!("--chown={it}:{it} "));
    format!("COPY {from}{owner}{} {target}", sources.join(" "))
}

fn assignments(pairs: &[(&'static str, Value)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| match value {
        Value::Text(text) => format!("{name}={}", quoted(text)),
        Value::Of(other) => format!("{name}=\"${{{other}}}\""),
        Value::InFrontOf(text, other) => format!("{name}=\"{text}${{{other}}}\""),
    });
    pairs.collect::<Vec<_>>().join(" \\\n    ")
}

/// The builder takes these three characters for its own, within quotes as well.
fn quoted(text: &str) -> String {
    debug_assert!(is_one_line(text), "a Dockerfile has no way to write a line feed: {text:?}");
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// The form that no shell reads: JSON.
fn exec(argv: &[String]) -> String {
    let words: Vec<String> =
        argv.iter().map(|it| serde_json::to_string(it).expect("a string serialises")).collect();
    format!("[{}]", words.join(", "))
}
