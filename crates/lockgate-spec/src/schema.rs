//! What a part of the language may look like, as data: the walk that checks a file, the shorthands, the lowering,
//! the JSON Schema and the reference page all read the same tables.

use lockgate_model::Millis;

/// What may stand at a place.
#[derive(Debug)]
pub(crate) enum Shape {
    Scalar(Leaf),
    /// An argument vector.
    Argv,
    /// One argument vector, or a list of them.
    Argvs,
    List(&'static Shape),
    /// A list whose single item may stand for it.
    Many(&'static Shape),
    /// A map whose keys the language gives.
    Keys(&'static Keys),
    /// A map whose keys the user chooses.
    Named(&'static Named),
    /// Something of another language.
    Any,
}

#[derive(Debug)]
pub(crate) struct Keys {
    /// For messages: `a service`.
    pub(crate) what: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) short: Short,
    pub(crate) pick: Pick,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    pub(crate) shape: Shape,
    /// What holds when the key is absent; empty when nothing does.
    pub(crate) default: &'static str,
    /// One sentence, or more.
    pub(crate) about: &'static str,
    pub(crate) required: bool,
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
    /// A scalar, or what the field holds, stands for `{field: it}`.
    Field(&'static str),
    /// A scalar stands for `{scalar: {}}`.
    Key,
    /// A list stands for `{item: {}, ...}`.
    Items,
    /// A scalar stands for `{scalar: this}`.
    Item(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum NameRule {
    Service,
    Dependency,
    Environment,
    Port,
    Volume,
    Job,
    Variable,
    Header,
    Metric,
    Alert,
    JsonPath,
    Code,
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
    DependencyName,
    EnvironmentName,
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
    /// A fraction, as a number.
    Share,
    /// A share as it is written: `70%`.
    Percent,
    /// A share, exactly.
    PercentValue,
    /// `2` or `25%`.
    CountOrShare,
    Bool,
    Duration {
        min: Millis,
    },
    Weight,
    OneOf(&'static [&'static str]),
    Address,
    UrlPath,
    /// `tcp://host:port` or a URL.
    Endpoint,
    InnerPath,
    /// An inner path, or `.`.
    ContextPath,
    /// An inner path whose last part may have a `*`.
    IncludePath,
    AbsolutePath,
    Cpu,
    Memory,
    Cron,
    Timezone,
    Moment,
    Channel,
    PortRule,
    /// The metric is the key of the map that it stands in.
    Objective,
    Alert,
    /// The name of something measured.
    Metric,
    /// A comparison with any unit, with or without a time.
    Threshold,
}

/// Keys of which not all can be meant. Choosing one in a stronger layer drops the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    Any,
    AtMostOne(&'static [&'static str]),
    ExactlyOne(&'static [&'static str]),
}

impl Pick {
    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Pick::Any => &[],
            Pick::AtMostOne(keys) | Pick::ExactlyOne(keys) => keys,
        }
    }
}

impl Keys {
    pub(crate) const fn new(what: &'static str, fields: &'static [Field]) -> Keys {
        Keys { what, fields, short: Short::None, pick: Pick::Any }
    }

    pub(crate) const fn short(mut self, short: Short) -> Keys {
        self.short = short;
        self
    }

    pub(crate) const fn pick(mut self, pick: Pick) -> Keys {
        self.pick = pick;
        self
    }

    pub(crate) fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|it| it.key == key)
    }

    /// The field that a scalar or a list stands for.
    pub(crate) fn short_field(&self) -> Option<&'static Field> {
        match self.short {
            Short::Field(key) => self.field(key),
            Short::None | Short::Key | Short::Items | Short::Item(_) => None,
        }
    }

    /// Without its article: `service`.
    pub(crate) fn noun(&self) -> &'static str {
        self.what.strip_prefix("a ").or_else(|| self.what.strip_prefix("an ")).unwrap_or(self.what)
    }
}

impl Leaf {
    /// For messages.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Leaf::Text | Leaf::Template | Leaf::VariableValue => "a string",
            Leaf::VariableName => "the name of a variable",
            Leaf::SystemName
            | Leaf::ServiceName
            | Leaf::DependencyName
            | Leaf::EnvironmentName
            | Leaf::PortName => "a name",
            Leaf::Version => "`v1`",
            Leaf::Integer { .. } | Leaf::Decimal { .. } => "a number",
            Leaf::Share | Leaf::Percent | Leaf::PercentValue | Leaf::Weight => "a percentage",
            Leaf::CountOrShare => "a number or a percentage",
            Leaf::Bool => "`true` or `false`",
            Leaf::Duration { .. } => "a duration such as `30s`",
            Leaf::OneOf(_) => "one word",
            Leaf::Address => "an IP address",
            Leaf::UrlPath => "a path such as `/health`",
            Leaf::Endpoint => "an address such as `tcp://smtp.example.org:587`",
            Leaf::InnerPath | Leaf::ContextPath | Leaf::IncludePath => "a path below the spec's folder",
            Leaf::AbsolutePath => "an absolute path",
            Leaf::Cpu => "cores such as `500m` or `2`",
            Leaf::Memory => "bytes such as `256Mi`",
            Leaf::Cron => "a schedule such as `0 7 * * 1`",
            Leaf::Timezone => "a time zone such as `Europe/Berlin`",
            Leaf::Moment => "a moment such as `fri 16:00`",
            Leaf::Channel => "a channel such as `\"#deploys\"`",
            Leaf::PortRule => "a rule such as `http + 1000`",
            Leaf::Objective => "an objective such as `\"< 0.5%\"`",
            Leaf::Alert => "an alert such as `\"> 1% for 5m\"`",
            Leaf::Metric => "a metric such as `postgres.up`",
            Leaf::Threshold => "a comparison such as `\"< 5%\"`",
        }
    }
}

impl Shape {
    pub(crate) fn wanted(&self) -> String {
        let (map, short) = match self {
            Shape::Scalar(leaf) => return leaf.wanted().to_owned(),
            Shape::Argv => return "a list of strings, one for each argument".to_owned(),
            Shape::Argvs => return "a list of strings, or a list of such lists".to_owned(),
            Shape::List(_) => return "a list".to_owned(),
            Shape::Many(item) => return format!("{}, or a list", item.wanted()),
            Shape::Keys(keys) => ("a map", keys.short),
            Shape::Named(named) => ("a map", named.short),
            Shape::Any => return "anything".to_owned(),
        };
        match short {
            Short::None => map.to_owned(),
            Short::Field(_) | Short::Key | Short::Item(_) => format!("a single value or {map}"),
            Short::Items => format!("a list or {map}"),
        }
    }
}
