//! Every code that this crate reports, with its title and its page.

use lockgate_model::Code;

/// What a code stands for.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub code: Code,
    /// As it is called in this program: `PORT_TWICE`.
    pub name: &'static str,
    pub title: &'static str,
    /// Its explanation, in Markdown.
    pub page: &'static str,
}

macro_rules! codes {
    ($($name:ident = $number:literal, $page:literal, $title:literal;)*) => {
        $(pub const $name: Code = Code($number);)*

        const ALL: &[Rule] = &[$(Rule {
            code: $name,
            name: stringify!($name),
            title: $title,
            page: include_str!(concat!("../../../docs/errors/", $page, ".md")),
        },)*];
    };
}

codes! {
    BAD_YAML = 1, "LG001", "the file is not valid YAML";
    EMPTY = 2, "LG002", "the file says nothing";
    LIMIT = 3, "LG003", "the file is beyond a limit";
    DUPLICATE_KEY = 4, "LG004", "a key is given twice";
    SEVERAL_DOCUMENTS = 5, "LG005", "the file holds more than one document";
    NO_ALIASES = 6, "LG006", "anchors, aliases, merge keys and tags are not used in a spec";
    UNKNOWN_KEY = 10, "LG010", "a key is not known";
    WRONG_KIND = 12, "LG012", "a value is of the wrong kind";
    BAD_VALUE = 13, "LG013", "a value cannot be read";
    MISSING_KEY = 14, "LG014", "a key is missing";
    SPEC_VERSION = 15, "LG015", "the version of the spec's language is not known";
    BAD_NAME = 16, "LG016", "a name is not valid";
    NOT_A_CHOICE = 17, "LG017", "a value is not one of those allowed";
    INCLUDE = 18, "LG018", "a file cannot be included";
    OVERRIDES_NOTHING = 20, "LG020", "an override matches nothing";
    UNKNOWN_ENVIRONMENT = 21, "LG021", "an environment is not known";
    PORT_TWICE = 101, "LG101", "two ports have the same number";
    PORT_RULE_BROKEN = 102, "LG102", "a port differs from the port rule";
    BAD_PORT_RULE = 103, "LG103", "a port rule does not work";
    UNKNOWN_NAME = 104, "LG104", "a name is neither a service nor a dependency";
    CYCLE = 105, "LG105", "services depend on each other in a circle";
    NAME_CLASH = 106, "LG106", "a service and a dependency have the same name";
    NO_SERVICES = 107, "LG107", "the system has no services";
    HEALTH_PORT = 108, "LG108", "a health check has no port to ask";
    VARIABLE_NAME = 201, "LG201", "a variable has a name that a process cannot have";
    VARIABLE_VALUE = 202, "LG202", "a variable's value is not a string";
    COMMAND_IS_STRING = 203, "LG203", "a command is a string";
    BAD_REFERENCE = 204, "LG204", "a reference leads nowhere";
    NO_VALUE_HERE = 205, "LG205", "a reference has no value in this environment";
    PATH_OUTSIDE = 206, "LG206", "a path leaves the spec's folder";
    VARIABLE_TWICE = 207, "LG207", "two dependencies set the same variable";
    NO_ADDRESS = 208, "LG208", "a dependency has no address in an environment";
    RESERVED_VARIABLE = 209, "LG209", "a variable is set by Lockgate itself";
    SMOKE_SERVICE = 301, "LG301", "a smoke check does not say which service it asks";
    EITHER_OR = 302, "LG302", "exactly one of two keys must be there";
    RETRY_WAITS = 303, "LG303", "the waits between attempts are longer than the timeout";
    MISSING_FILE = 310, "LG310", "a file that a release needs is not there";
    STEPS = 401, "LG401", "canary steps do not lead to 100 %";
    NO_GATE = 402, "LG402", "a canary has nothing that judges it";
    TRIGGER_WITHOUT_SLO = 403, "LG403", "a rollback trigger has no SLO";
    INCOMPATIBLE = 404, "LG404", "a canary runs both versions on a schema that only one can use";
    BAD_THRESHOLD = 501, "LG501", "an objective or alert cannot be read";
    UNIT = 502, "LG502", "a threshold has no unit or the wrong one";
    ALERT_STRICTER = 503, "LG503", "an alert is stricter than its objective";
    NEVER_MET = 504, "LG504", "an objective can never be missed or never be met";
    UNREADABLE = 701, "LG701", "a file is not what its name says";
    KEY_TWICE = 702, "LG702", "a map of somebody else's file gives a key twice";
    SEVERAL_LIMITS = 703, "LG703", "the limit of a metric has several values";
    ALERT_INSIDE_TARGET = 704, "LG704", "an alert fires while its target is met";
    RETRIES_DO_NOT_FIT = 705, "LG705", "attempts do not fit the time they are given";
    WAITS_AND_ATTEMPTS = 706, "LG706", "a list of waits does not fit the number of attempts";
    COUNT_DIFFERS = 707, "LG707", "a list is not as long as it is said to be";
    MEMBER_MISSING = 708, "LG708", "one of a group is left out";
    FILE_MISSING = 709, "LG709", "a file is named and not there";
    WRONG_CHARACTERS = 710, "LG710", "a text was read with the wrong character set";
    NAME_AGAINST_PURPOSE = 711, "LG711", "a file's name says something else than its purpose";
    STEP_MISSING = 712, "LG712", "a procedure leaves out a step that is demanded";
    COMMAND_DOES_NOT = 713, "LG713", "a command does not do what its text says";
    NOT_A_COMMIT = 714, "LG714", "a commit has an id that no commit can have";
    DONE_BEFORE = 715, "LG715", "something is ticked that lies ahead";
    IMAGE_NOT_DEPLOYED = 721, "LG721", "the image that is built does not reach its deployment";
    IMAGE_PER_ENVIRONMENT = 722, "LG722", "each environment runs an image of its own";
    SECRET_EACH_TIME = 743, "LG743", "a secret is made anew with each release";
    WEIGHT_OUT_OF_REACH = 762, "LG762", "a share of traffic cannot be had with these instances";
    OTHER_NAMESPACE = 763, "LG763", "a route leads to a service in another namespace";
    REMOVES_WHAT_SERVES = 764, "LG764", "a cleanup removes what serves";
    NAMESPACE_LATER = 765, "LG765", "a namespace is used before it is there";
    MIGRATED_TOO_LATE = 766, "LG766", "a migration runs after the pods are replaced";
    SAME_AS_BASE = 768, "LG768", "an override changes nothing";
    NOT_KEPT = 770, "LG770", "a change is taken back by the next release";
    VALUES_LOST = 771, "LG771", "an upgrade loses values that were set before";
    REF_NEVER_MATCHES = 789, "LG789", "a protection rule never lets a deployment pass";
    ONE_APPROVAL = 790, "LG790", "more approvals are asked for than are waited for";
    AUTOMATIC_AND_GATED = 791, "LG791", "a deployment is automatic and waits for an approval";
}

/// Every code with its title, ascending.
pub fn codes() -> impl Iterator<Item = (Code, &'static str)> {
    ALL.iter().map(|it| (it.code, it.title))
}

/// The page that explains a code, in Markdown.
pub fn explain_code(code: Code) -> Option<&'static str> {
    rule(code).map(|it| it.page)
}

pub fn rule(code: Code) -> Option<&'static Rule> {
    ALL.iter().find(|it| it.code == code)
}
