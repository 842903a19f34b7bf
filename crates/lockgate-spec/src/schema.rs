//! What a part of the language may look like, as data: the walk that checks a file, the shorthands, and the
//! test of the reference page all read the same tables.

use lockgate_model::Millis;

/// What may stand at a place.
#[derive(Debug)]
pub(crate) enum Shape {
    Scalar(Leaf),
    /// An argument vector.
    Argv,
    List(&'static Shape),
    /// A map whose keys the language gives.
    Keys(&'static Keys),
    /// A map whose keys the user chooses.
    Named(&'static Named),
}

#[derive(Debug)]
pub(crate) struct Keys {
    /// For messages: `a service`.
    pub(crate) what: &'static str,
    pub(crate) fields: &'static [Field],
    /// Keys that the full language has and this version does not carry out.
    pub(crate) later: &'static [&'static str],
    pub(crate) short: Short,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    pub(crate) shape: Shape,
    /// What holds when the key is absent; empty when nothing does.
    pub(crate) default: &'static str,
}

#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: NameRule,
    pub(crate) value: Shape,
    pub(crate) short: Short,
}

/// A second way of writing a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Short {
    None,
    /// A scalar stands for `{field: scalar}`.
    Field(&'static str),
    /// A scalar stands for `{scalar: {}}`.
    Key,
    /// A list stands for `{item: {}, ...}`.
    Items,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum NameRule {
    Service,
    Dependency,
    Environment,
    Port,
    Variable,
    /// Checked against what exists when an environment is resolved.
    Existing,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaf {
    /// Any text as it is written.
    Text,
    /// Text in which `${name.attr}` is replaced.
    Template,
    /// Like `Template`, for the value of a variable.
    VariableValue,
    VariableName,
    SystemName,
    ServiceName,
    PortName,
    Version,
    Integer {
        min: u64,
        max: u64,
    },
    Decimal {
        min: f64,
        max: f64,
    },
    Share,
    Bool,
    Duration {
        min: Millis,
    },
    Weight,
    OneOf(&'static [&'static str]),
    /// Some words, of which this version carries out the first list only.
    Growing {
        now: &'static [&'static str],
        later: &'static [&'static str],
    },
    Address,
    UrlPath,
    InnerPath,
    PortRule,
    /// The metric is the key of the map that it stands in.
    Objective,
    Alert,
}

impl Keys {
    pub(crate) fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|it| it.key == key)
    }
}

impl Leaf {
    /// For messages.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Leaf::Text | Leaf::Template | Leaf::VariableValue => "a string",
            Leaf::VariableName => "the name of a variable",
            Leaf::SystemName | Leaf::ServiceName | Leaf::PortName => "a name",
            Leaf::Version => "`v1`",
            Leaf::Integer { .. } | Leaf::Decimal { .. } => "a number",
            Leaf::Share | Leaf::Weight => "a percentage",
            Leaf::Bool => "`true` or `false`",
            Leaf::Duration { .. } => "a duration such as `30s`",
            Leaf::OneOf(_) | Leaf::Growing { .. } => "one word",
            Leaf::Address => "an IP address",
            Leaf::UrlPath => "a path such as `/health`",
            Leaf::InnerPath => "a path below the spec's folder",
            Leaf::PortRule => "a rule such as `http + 1000`",
            Leaf::Objective => "an objective such as `\"< 0.5%\"`",
            Leaf::Alert => "an alert such as `\"> 1% for 5m\"`",
        }
    }
}

impl Shape {
    pub(crate) fn wanted(&self) -> String {
        let (map, short) = match self {
            Shape::Scalar(leaf) => return leaf.wanted().to_owned(),
            Shape::Argv => return "a list of strings, one for each argument".to_owned(),
            Shape::List(_) => return "a list".to_owned(),
            Shape::Keys(keys) => ("a map", keys.short),
            Shape::Named(named) => ("a map", named.short),
        };
        match short {
            Short::None => map.to_owned(),
            Short::Field(_) | Short::Key => format!("a single value or {map}"),
            Short::Items => format!("a list or {map}"),
        }
    }
}
