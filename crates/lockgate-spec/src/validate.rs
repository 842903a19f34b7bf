//! The walk that holds the written tree against the language. It sees every part of the file, whether an
//! environment uses it or not.

use std::collections::BTreeMap;

use lockgate_model::{
    DependencyName, Diagnostic, Edit, EnvironmentName, Fix, JobName, Millis, PortName, ServiceName, Span,
    SystemName,
};

use crate::language;
use crate::leaf::{clock, measure, quantity, text};
use crate::reference;
use crate::scalar::{self, Problem};
use crate::schema::{Keys, Leaf, NameRule, Named, Pick, Shape, Short};
use crate::{port_rule, threshold};
use lockgate_diagnostics::codes;
use lockgate_diagnostics::{shown, suggest};
use lockgate_yaml::{Entry, Kind, Node, Scalar, Style};

pub(crate) fn validate(node: &Node, shape: &'static Shape, report: &mut Vec<Diagnostic>) {
    Walk { report }.shape(node, shape, Place { key: "the file", around: "", span: node.span });
}

struct Walk<'a> {
    report: &'a mut Vec<Diagnostic>,
}

/// Where the walk is, for messages.
#[derive(Clone, Copy)]
struct Place<'a> {
    key: &'a str,
    /// The key of the map around it: the metric of an objective.
    around: &'a str,
    span: Span,
}

impl Walk<'_> {
    fn shape(&mut self, node: &Node, shape: &'static Shape, place: Place<'_>) {
        // A null removes a key; whether there is one to remove is known when layers are merged.
        if node.is_null() {
            return;
        }
        match (shape, &node.kind) {
            (Shape::Scalar(leaf), Kind::Scalar(scalar)) => {
                if let Err(problem) = check_leaf(*leaf, scalar, place.around) {
                    self.report.push(problem.at(place.span));
                }
            }
            (Shape::Argv, Kind::Seq(items)) => self.argv(items, place),
            (Shape::Argv | Shape::Argvs, Kind::Scalar(scalar)) => self.command_is_string(scalar, place),
            (Shape::Argvs, Kind::Seq(items)) => self.argvs(items, place),
            (Shape::List(item) | Shape::Many(item), Kind::Seq(items)) => {
                for node in items {
                    let place = Place { key: place.key, around: place.around, span: node.span };
                    self.item(node, item, place);
                }
            }
            (Shape::Many(item), _) => self.shape(node, item, place),
            (Shape::Keys(keys), Kind::Map(entries)) => self.keys(entries, keys, place),
            (Shape::Keys(keys), Kind::Seq(_)) if takes_list(keys) => self.short_field(node, keys, place),
            (Shape::Keys(keys), Kind::Scalar(scalar)) => match keys.short {
                Short::Field(_) => self.short_field(node, keys, place),
                Short::Key => self.short_key(scalar, keys, place),
                Short::None | Short::Items | Short::Item(_) => self.wrong_kind(node, shape, place),
            },
            (Shape::Named(named), Kind::Map(entries)) => self.named(entries, named, place),
            (Shape::Named(named), Kind::Seq(items)) if named.short == Short::Items => {
                self.short_items(items, named, place);
            }
            (Shape::Named(named), Kind::Scalar(scalar)) if matches!(named.short, Short::Item(_)) => {
                if let Err(problem) = check_name(named.name, &scalar.text) {
                    self.report.push(problem.at(place.span));
                }
            }
            (Shape::Any, _) => {}
            (_, Kind::Scalar(_) | Kind::Seq(_) | Kind::Map(_)) => self.wrong_kind(node, shape, place),
        }
    }

    /// An item of a list; a null there removes nothing.
    fn item(&mut self, node: &Node, shape: &'static Shape, place: Place<'_>) {
        if node.is_null() {
            self.wrong_kind(node, shape, place);
        } else {
            self.shape(node, shape, place);
        }
    }

    fn short_field(&mut self, node: &Node, keys: &'static Keys, place: Place<'_>) {
        if let Some(field) = keys.short_field() {
            self.shape(node, &field.shape, place);
        }
    }

    /// One command, or several.
    fn argvs(&mut self, items: &[Node], place: Place<'_>) {
        if items.is_empty() || items.iter().all(|it| !matches!(it.kind, Kind::Seq(_))) {
            self.argv(items, place);
            return;
        }
        for item in items {
            let place = Place { span: item.span, ..place };
            match &item.kind {
                Kind::Seq(arguments) => self.argv(arguments, place),
                Kind::Scalar(scalar) => self.command_is_string(scalar, place),
                Kind::Map(_) => self.wrong_kind(item, &Shape::Argv, place),
            }
        }
    }

    fn wrong_kind(&mut self, node: &Node, shape: &'static Shape, place: Place<'_>) {
        let message = format!("`{}` is {}", shown(place.key), node.kind_name());
        let wanted = format!("{} is wanted", shape.wanted());
        let mut diagnostic = Diagnostic::error(codes::WRONG_KIND, message).label(place.span, wanted);
        if let (Shape::List(_), Kind::Scalar(scalar)) = (shape, &node.kind)
            && scalar.style == Style::Plain
        {
            diagnostic = diagnostic.help(format!("write it as a list: `[{}]`", shown(&scalar.text)));
        }
        if let Shape::Keys(keys) = shape
            && keys.pick != Pick::Any
            && keys.short == Short::None
        {
            let all = suggest::list(keys.fields.iter().map(|it| it.key));
            diagnostic = diagnostic.help(format!("{} is a map with {all}", keys.what));
        }
        if matches!(shape, Shape::Keys(keys) if keys.what == language::SECRET_WHAT) {
            diagnostic = diagnostic
                .help("the value of a secret is never in the spec; it is kept in the environment's store")
                .help(format!(
                    "write `{}: {{}}`, or say more, as in `{{generate: hex32, rotate: 1y}}`",
                    shown(place.key)
                ));
        }
        self.report.push(diagnostic);
    }

    fn keys(&mut self, entries: &[Entry], keys: &'static Keys, place: Place<'_>) {
        for entry in entries {
            if entry.key.starts_with("x-") {
                continue;
            }
            match keys.field(&entry.key) {
                Some(field) => {
                    let inner = Place { key: &entry.key, around: place.key, span: entry.place() };
                    self.shape(&entry.value, &field.shape, inner);
                }
                None => self.unknown_key(entry, entries, keys),
            }
        }
    }

    fn unknown_key(&mut self, entry: &Entry, siblings: &[Entry], keys: &'static Keys) {
        let key = entry.key.as_str();
        let message = format!("`{}` is not a key of {}", shown(key), keys.what);
        let mut diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, message);
        let free = keys.fields.iter().map(|it| it.key);
        let free: Vec<&str> = free.filter(|it| siblings.iter().all(|entry| entry.key != *it)).collect();
        if let Some(nearest) = suggest::nearest(key, free.iter().copied()) {
            let edits = vec![Edit { span: entry.key_span, text: nearest.to_owned() }];
            let title = format!("write `{nearest}`");
            diagnostic = diagnostic.label(entry.key_span, format!("did you mean `{nearest}`?")).fix(Fix {
                title,
                edits,
                safe: false,
            });
        } else {
            diagnostic = diagnostic.label(entry.key_span, "not known here");
        }
        let all = suggest::all(keys.fields.iter().map(|it| it.key));
        self.report.push(diagnostic.help(format!("the keys of {} are {all}", keys.what)));
    }

    fn named(&mut self, entries: &[Entry], named: &'static Named, place: Place<'_>) {
        if matches!(named.name, NameRule::Variable | NameRule::Header | NameRule::Alert) {
            self.almost_the_same(entries);
        }
        for entry in entries {
            if entry.key.starts_with("x-") {
                continue;
            }
            if let Err(problem) = check_name(named.name, &entry.key) {
                self.report.push(problem.at(entry.key_span));
            }
            let inner = Place { key: &entry.key, around: place.key, span: entry.place() };
            let is_structure = match (&named.value, &entry.value.kind) {
                (Shape::Scalar(Leaf::VariableValue), Kind::Seq(_) | Kind::Map(_)) => true,
                (Shape::Keys(keys), Kind::Seq(_)) => keys.short != Short::None,
                _ => false,
            };
            if matches!(named.name, NameRule::Variable) && is_structure {
                self.variable_is_structure(entry);
                continue;
            }
            self.shape(&entry.value, &named.value, inner);
        }
    }

    /// Other names have no uppercase letters.
    fn almost_the_same(&mut self, entries: &[Entry]) {
        let mut seen: BTreeMap<String, &Entry> = BTreeMap::new();
        for entry in entries {
            let Some(first) = seen.insert(entry.key.to_ascii_lowercase(), entry) else { continue };
            let message = format!("`{}` and `{}` differ by case only", shown(&first.key), shown(&entry.key));
            self.report.push(
                Diagnostic::warning(codes::ALMOST_THE_SAME, message)
                    .label(entry.key_span, "this one")
                    .label(first.key_span, "and this one")
                    .help("keep one of them, or tell them apart by more than case"),
            );
        }
    }

    fn variable_is_structure(&mut self, entry: &Entry) {
        let message = format!("the value of `{}` is {}", shown(&entry.key), entry.value.kind_name());
        self.report.push(
            Diagnostic::error(codes::VARIABLE_VALUE, message)
                .label(entry.place(), "variables are strings")
                .help("write it as one string, as the process is to see it"),
        );
    }

    fn short_key(&mut self, scalar: &Scalar, keys: &'static Keys, place: Place<'_>) {
        let key = scalar.text.as_str();
        if keys.field(key).is_some() {
            return;
        }
        let allowed: Vec<&'static str> = keys.fields.iter().map(|it| it.key).collect();
        if let Err(problem) = scalar::one_of(scalar, &allowed) {
            self.report.push(problem.at(place.span));
        }
    }

    fn short_items(&mut self, items: &[Node], named: &'static Named, place: Place<'_>) {
        for (idx, item) in items.iter().enumerate() {
            let (Kind::Scalar(scalar), false) = (&item.kind, item.is_null()) else {
                let message = format!("an item of `{}` is {}", place.key, item.kind_name());
                let label = "a name is wanted";
                self.report.push(
                    Diagnostic::error(codes::WRONG_KIND, message)
                        .label(item.span, label)
                        .help(format!("to say more about an item, make `{}` a map by name", place.key)),
                );
                continue;
            };
            if let Err(problem) = check_name(named.name, &scalar.text) {
                self.report.push(problem.at(item.span));
            }
            let same = |it: &&Node| matches!(&it.kind, Kind::Scalar(other) if other.text == scalar.text);
            if let Some(first) = items[..idx].iter().find(same) {
                let message = format!("`{}` is listed twice", shown(&scalar.text));
                self.report.push(
                    Diagnostic::error(codes::DUPLICATE_KEY, message)
                        .label(item.span, "listed again here")
                        .label(first.span, "first listed here"),
                );
            }
        }
    }

    fn argv(&mut self, items: &[Node], place: Place<'_>) {
        if items.is_empty() {
            let message = format!("`{}` is an empty list", place.key);
            let diagnostic = Diagnostic::error(codes::WRONG_KIND, message);
            self.report.push(diagnostic.label(place.span, "the program's name is wanted"));
        }
        if let Some(Node { kind: Kind::Scalar(program), span }) = items.first()
            && program.text.is_empty()
            && program.style != Style::Plain
        {
            let message = format!("`{}` begins with an empty text", place.key);
            let diagnostic = Diagnostic::error(codes::BAD_VALUE, message);
            self.report.push(diagnostic.label(*span, "the program's name is wanted"));
        }
        for item in items {
            match &item.kind {
                Kind::Scalar(scalar) if !item.is_null() => {
                    if let Err(problem) = scalar::argument(scalar) {
                        self.report.push(problem.at(item.span));
                    }
                }
                Kind::Scalar(_) | Kind::Seq(_) | Kind::Map(_) => {
                    let message = format!("an argument of `{}` is {}", place.key, item.kind_name());
                    let diagnostic = Diagnostic::error(codes::WRONG_KIND, message);
                    self.report.push(diagnostic.label(item.span, "each argument is one string"));
                }
            }
        }
    }

    fn command_is_string(&mut self, scalar: &Scalar, place: Place<'_>) {
        let message = format!("`{}` is a string; it must be a list of arguments", place.key);
        let diagnostic = Diagnostic::error(codes::COMMAND_IS_STRING, message)
            .label(place.span, "no shell splits this")
            .help("each argument is one item, so that spaces, quotes and `$` in it mean nothing special");
        let shell = |it: char| "\"'\\|&;<>()$`*?#~{}[]!\n".contains(it);
        let words: Vec<&str> = scalar.text.split_whitespace().collect();
        if words.is_empty() || scalar.text.contains(shell) {
            let text = "for a shell's own syntax, call one: `[sh, -c, \"...\"]`";
            self.report.push(diagnostic.help(text));
            return;
        }
        let text = format!("[{}]", words.iter().map(|it| flow_item(it)).collect::<Vec<_>>().join(", "));
        let fix = Fix {
            title: format!("write `{text}`"),
            edits: vec![Edit { span: place.span, text }],
            safe: true,
        };
        self.report.push(diagnostic.fix(fix));
    }
}

/// A word as an item of `[...]`, quoted where YAML would read it otherwise.
fn flow_item(word: &str) -> String {
    let first = word.starts_with(|it: char| it.is_ascii_alphanumeric() || "./_".contains(it));
    let dashed = word.starts_with('-') && 1 < word.len();
    let plain = word.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_./=+".contains(&it));
    if (first || dashed) && plain { word.to_owned() } else { format!("\"{word}\"") }
}

/// May the shorthand of these keys be a list?
fn takes_list(keys: &Keys) -> bool {
    keys.short_field()
        .is_some_and(|it| matches!(it.shape, Shape::Many(_) | Shape::Argvs | Shape::Argv | Shape::List(_)))
}

fn check_name(rule: NameRule, name: &str) -> Result<(), Problem> {
    let scalar = Scalar::plain(name);
    match rule {
        NameRule::Service => scalar::parsed::<ServiceName>(&scalar).map(drop),
        NameRule::Dependency => scalar::parsed::<DependencyName>(&scalar).map(drop),
        NameRule::Environment => scalar::parsed::<EnvironmentName>(&scalar).map(drop),
        NameRule::Port | NameRule::Volume => scalar::parsed::<PortName>(&scalar).map(drop),
        NameRule::Job => scalar::parsed::<JobName>(&scalar).map(drop),
        NameRule::Variable => scalar::variable_name(name),
        NameRule::Header => text::header(name),
        NameRule::Metric => measure::metric(name).map(drop),
        NameRule::Alert => text::alert_name(name),
        NameRule::JsonPath => text::json_path(name),
        NameRule::Code => text::code(name),
        NameRule::Existing => Ok(()),
    }
}

pub(crate) fn check_leaf(leaf: Leaf, scalar: &Scalar, around: &str) -> Result<(), Problem> {
    scalar::without_nul(scalar)?;
    match leaf {
        Leaf::Text => Ok(()),
        Leaf::Template => reference::check(&scalar.text),
        Leaf::VariableValue => scalar::variable_value(scalar).and_then(|it| reference::check(&it)),
        Leaf::VariableName => scalar::variable_name(&scalar.text),
        Leaf::SystemName => scalar::parsed::<SystemName>(scalar).map(drop),
        Leaf::ServiceName => scalar::parsed::<ServiceName>(scalar).map(drop),
        Leaf::DependencyName => scalar::parsed::<DependencyName>(scalar).map(drop),
        Leaf::EnvironmentName => scalar::parsed::<EnvironmentName>(scalar).map(drop),
        Leaf::PortName => scalar::parsed::<PortName>(scalar).map(drop),
        Leaf::Version => spec_version(scalar),
        Leaf::Integer { min, max } => scalar::integer(scalar, min, max).map(drop),
        Leaf::Decimal { min, max } => scalar::decimal(scalar, min, max).map(drop),
        Leaf::Share => scalar::share(scalar).map(drop),
        Leaf::Percent => scalar::positive_percent(scalar),
        Leaf::PercentValue => scalar::percent(scalar).map(drop),
        Leaf::CountOrShare => scalar::count_or_share(scalar).map(drop),
        Leaf::Bool => scalar::boolean(scalar).map(drop),
        Leaf::Duration { min } => scalar::duration(scalar, min).map(|_: Millis| ()),
        Leaf::Weight => scalar::weight(scalar).map(drop),
        Leaf::OneOf(allowed) => scalar::one_of(scalar, allowed).map(drop),
        Leaf::Address => scalar::address(scalar).map(drop),
        Leaf::UrlPath => scalar::url_path(scalar).map(drop),
        Leaf::Endpoint => text::endpoint(scalar),
        Leaf::InnerPath => scalar::inner_path(scalar).map(drop),
        Leaf::ContextPath => text::context_path(scalar),
        Leaf::IncludePath => text::include_path(scalar),
        Leaf::AbsolutePath => text::absolute_path(scalar),
        Leaf::Cpu => quantity::cpu(scalar).map(drop),
        Leaf::Memory => quantity::memory(scalar).map(drop),
        Leaf::Cron => clock::cron(scalar),
        Leaf::Timezone => clock::timezone(scalar),
        Leaf::Moment => clock::moment(scalar).map(drop),
        Leaf::Channel => text::channel(scalar),
        Leaf::PortRule => port_rule::parse(scalar).map(drop),
        Leaf::Objective => match threshold::metric(around) {
            Some(metric) => threshold::objective(metric, scalar).map(drop),
            None => measure::objective(around, scalar),
        },
        Leaf::Alert => match threshold::metric(around) {
            Some(metric) => threshold::alert(metric, scalar).map(drop),
            None => measure::alert(around, scalar),
        },
        Leaf::Metric => measure::metric(&scalar.text).map(drop),
        Leaf::Threshold => measure::threshold(scalar).map(drop),
    }
}

fn spec_version(scalar: &Scalar) -> Result<(), Problem> {
    let text = scalar.text.as_str();
    if text == "v1" {
        return Ok(());
    }
    let message = format!("the spec's language `{}` is not known", shown(text));
    let problem = Problem::new(codes::SPEC_VERSION, message, "this version of Lockgate reads `v1`");
    let number = text.strip_prefix('v').filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
    let newer = number.is_some_and(|it| it.trim_start_matches('0') > "1");
    Err(if newer { problem.help("a newer Lockgate is needed for this file") } else { problem.instead("v1") })
}
