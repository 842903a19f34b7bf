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
    BAD_IMAGE = 30, "LG030", "an image has a name that no registry takes";
    NAME_TOO_LONG = 31, "LG031", "a name becomes too long for its target";
    RESERVED_NAMESPACE = 32, "LG032", "a namespace belongs to others";
    ALMOST_THE_SAME = 33, "LG033", "two names differ by case only";
    ONE_PUSH_TWICE = 34, "LG034", "one push is released to two environments";
    BAD_REF = 35, "LG035", "no branch or tag can have this name";
    NEVER_DUE = 36, "LG036", "a schedule names a day that never comes";
    BAD_HOST = 37, "LG037", "a host has a name that cannot be found";
    UNKNOWN_TIMEZONE = 39, "LG039", "a time zone is not known";
    PROMOTE_CIRCLE = 40, "LG040", "environments promote each other's images in a circle";
    PORT_TWICE = 101, "LG101", "two ports have the same number";
    PORT_RULE_BROKEN = 102, "LG102", "a port differs from the port rule";
    BAD_PORT_RULE = 103, "LG103", "a port rule does not work";
    UNKNOWN_NAME = 104, "LG104", "a name is neither a service nor a dependency";
    CYCLE = 105, "LG105", "services depend on each other in a circle";
    NAME_CLASH = 106, "LG106", "a service and a dependency have the same name";
    NO_SERVICES = 107, "LG107", "the system has no services";
    HEALTH_PORT = 108, "LG108", "a health check has no port to ask";
    EXTENDS = 110, "LG110", "a service extends itself, in a circle, or where nothing reads it";
    REMOVED = 111, "LG111", "an environment removes what is needed there";
    PUBLISHED_TWICE = 112, "LG112", "two ports are published by one number";
    PUBLISHED_AND_MANY = 113, "LG113", "several instances want one port of a machine";
    PORT_TAKEN = 114, "LG114", "a service wants a port that a dependency has";
    USUAL_PORT = 115, "LG115", "a port is the usual one of something else";
    VARIABLE_NAME = 201, "LG201", "a variable has a name that a process cannot have";
    VARIABLE_VALUE = 202, "LG202", "a variable's value is not a string";
    COMMAND_IS_STRING = 203, "LG203", "a command is a string";
    BAD_REFERENCE = 204, "LG204", "a reference leads nowhere";
    NO_VALUE_HERE = 205, "LG205", "a reference has no value in this environment";
    PATH_OUTSIDE = 206, "LG206", "a path leaves the spec's folder";
    VARIABLE_TWICE = 207, "LG207", "two dependencies set the same variable";
    NO_ADDRESS = 208, "LG208", "a dependency has no address in an environment";
    RESERVED_VARIABLE = 209, "LG209", "a variable is set by Lockgate itself";
    ALWAYS_EQUAL = 210, "LG210", "two variables always have the same value";
    ADDRESS_LACKS = 211, "LG211", "an address lacks what its dependency demands";
    ADDRESS_REPEATED = 212, "LG212", "an address repeats what a reference says";
    INTERNAL_IN_BROWSER = 213, "LG213", "browsers are told an address that is known inside only";
    BUILD_TIME = 214, "LG214", "a variable of the build is set when the image is started";
    UNROUTED = 216, "LG216", "others are told a host or path that no ingress leads anywhere";
    MADE_EACH_TIME = 217, "LG217", "a secret is made by a command and not kept";
    ON_COMMAND_LINE = 218, "LG218", "a secret is on a command line";
    PLAIN_SECRET = 219, "LG219", "what looks like a secret stands in the spec";
    PUBLIC_OF = 220, "LG220", "a public half belongs to no key pair";
    ROTATED_ALONE = 221, "LG221", "a public half is to be replaced without its pair";
    NAME_NOT_HERE = 222, "LG222", "an address names what has no such name in an environment";
    SET_BY_BOTH = 223, "LG223", "a variable is declared and set by a dependency as well";
    REQUIRED_AND_GIVEN = 224, "LG224", "a variable is wanted of the store and has a value";
    SMOKE_SERVICE = 301, "LG301", "a smoke check does not say which service it asks";
    EITHER_OR = 302, "LG302", "exactly one of two keys must be there";
    RETRY_WAITS = 303, "LG303", "the waits between attempts are longer than the timeout";
    MISSING_FILE = 310, "LG310", "a file that a release needs is not there";
    MIGRATES_AT_START = 311, "LG311", "instances migrate the database when they start";
    MIGRATION_TIME = 312, "LG312", "an objective or alert of migrations is beyond the longest one";
    IDLE_RETRY = 313, "LG313", "a part of a retry has no effect";
    ONE_REPOSITORY = 320, "LG320", "several images have one repository";
    IN_NO_ENVIRONMENT = 321, "LG321", "a service is in no environment";
    NOTHING_TO_RUN = 322, "LG322", "a service has no image where images run";
    UNPINNED = 323, "LG323", "an image is not named by its version";
    REPOSITORY_TAG = 324, "LG324", "a repository that images are pushed to has a tag";
    NOWHERE_TO_PUSH = 325, "LG325", "an image has no repository that the target could pull it from";
    STAGE_OF_PRESET = 326, "LG326", "a stage is named of a Dockerfile that a preset writes";
    PROMOTED_DIFFERS = 327, "LG327", "an image is promoted to an environment that wants another one";
    SINGLE_VOLUME = 330, "LG330", "a volume of one instance belongs to several";
    KEPT_APART = 331, "LG331", "each instance keeps its own of what all should have";
    VERSION_ENDED = 340, "LG340", "a version gets no fixes any more";
    PLATFORM_CLOSED = 341, "LG341", "a platform takes no new customers";
    STEPS = 401, "LG401", "canary steps do not lead to 100 %";
    NO_GATE = 402, "LG402", "a canary has nothing that judges it";
    TRIGGER_WITHOUT_SLO = 403, "LG403", "a rollback trigger has no SLO";
    INCOMPATIBLE = 404, "LG404", "a canary runs both versions on a schema that only one can use";
    WEIGHT_NOT_REACHED = 410, "LG410", "a weight cannot be reached with these replicas";
    NOTHING_TO_SHIFT = 411, "LG411", "there is no traffic that the strategy could shift";
    SWITCHED_UNASKED = 412, "LG412", "all traffic is switched to a version that nothing was asked of";
    NOT_COMPARED = 413, "LG413", "a step is over before anything is compared";
    ALERT_OUTLASTS = 414, "LG414", "an alert lasts longer than a release is watched";
    NOT_WATCHED = 415, "LG415", "the old version is gone before it could be taken back to";
    UNUSED_BY_STRATEGY = 416, "LG416", "a key of the rollout has no effect with its strategy";
    NEVER_MOVES = 417, "LG417", "a rolling release can never begin";
    APPROVED_AND_PROMOTED = 418, "LG418", "a release asks a person and goes on without evidence";
    BAD_FREEZE = 419, "LG419", "a freeze means nothing";
    ALWAYS_FROZEN = 420, "LG420", "freezes leave no time of the week";
    BUDGET_BLOCKS = 421, "LG421", "a disruption budget never lets an instance go";
    BUDGET_ALLOWS_ALL = 422, "LG422", "a disruption budget protects nothing";
    SCALING_BOUNDS = 423, "LG423", "the bounds of autoscaling are the wrong way round";
    REPLICAS_OUTSIDE = 424, "LG424", "a number of replicas is outside of the bounds of autoscaling";
    AIM_WITHOUT_REQUEST = 425, "LG425", "an aim of autoscaling has nothing that it is a share of";
    REQUEST_OVER_LIMIT = 426, "LG426", "an instance asks for more than it may take";
    NEVER_EARLY = 427, "LG427", "no step can end early";
    BAD_THRESHOLD = 501, "LG501", "an objective or alert cannot be read";
    UNIT = 502, "LG502", "a threshold has no unit or the wrong one";
    ALERT_STRICTER = 503, "LG503", "an alert is stricter than its objective";
    NEVER_MET = 504, "LG504", "an objective can never be missed or never be met";
    THRESHOLD_TWICE = 510, "LG510", "one metric has two limits";
    SEVERITY = 511, "LG511", "what takes a release back is less severe than what does not";
    QUANTILES = 512, "LG512", "limits of two quantiles are in the wrong order";
    AVAILABILITY_AND_ERRORS = 513, "LG513", "availability and error rate contradict each other";
    UNWATCHED = 515, "LG515", "a dependency is watched by nothing";
    NOT_MONITORED = 516, "LG516", "an alert speaks of a dependency that is not monitored";
    NO_RECEIVER = 517, "LG517", "a critical alert reaches nobody";
    UNDECLARED_SECRET = 518, "LG518", "a secret is not declared";
    NO_ADDRESS_TO_TELL = 519, "LG519", "a receiver has no address";
    ONLY_BY_MAIL = 520, "LG520", "the weekly summary goes to somebody who does not get it";
    PROMOTE_FROM_ELSEWHERE = 613, "LG613", "images are promoted from where they cannot come from";
    SAME_VERSION = 614, "LG614", "every release has the same name";
    TAG_NO_VERSION = 615, "LG615", "a tag is not the name of a version";
    PROTECTION_NEVER_MATCHES = 616, "LG616", "a release is never allowed where it goes";
    NEVER_BUILT = 617, "LG617", "what is promoted was never built";
    NOT_ENFORCED = 618, "LG618", "an approval that GitHub does not enforce";
    TOO_FEW_APPROVERS = 619, "LG619", "more approvals are wanted than people may give";
    PROTECTION_WITHOUT_EFFECT = 620, "LG620", "a part of the protection has no effect";
    ANYBODY_APPROVES = 621, "LG621", "anybody may approve";
    GATE_BYPASSED = 622, "LG622", "a release waits for approval and goes on elsewhere without it";
    SHARED_CREDENTIAL = 623, "LG623", "two environments have one credential";
    PRODUCTION_VALUE = 624, "LG624", "other environments are told that they are production";
    PRODUCTION_HOST = 625, "LG625", "other environments lead to the host of production";
    SAME_AS_BELOW = 626, "LG626", "an override says what holds already";
    SHADOWED = 627, "LG627", "a default of an environment is taken by no service";
    BRANCH_WITHOUT_ENVIRONMENT = 628, "LG628", "a branch is checked and released nowhere";
    BRANCH_UNCHECKED = 629, "LG629", "a branch is released and not checked";
    SAME_PLACE = 630, "LG630", "two environments are in one place";
    UNUSED_CHECK = 631, "LG631", "a decision about a diagnostic has nothing to decide";
    STAYS_ERROR = 632, "LG632", "an error stays an error";
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
    NO_DEV_DEPENDENCIES = 724, "LG724", "a build runs without the packages that it needs";
    NOTHING_TO_COPY = 725, "LG725", "a stage copies what nothing makes";
    PROGRAM_HIDDEN = 726, "LG726", "a mount hides the program of its image";
    PROGRAM_ELSEWHERE = 727, "LG727", "the programs of one build are in two places";
    END_OF_LIFE = 728, "LG728", "a runtime gets no security fixes any more";
    BROWSER_INTERNAL = 729, "LG729", "browsers are told an address that they cannot reach";
    BUILD_VARIABLE_AT_RUN = 730, "LG730", "a variable is set too late to be read";
    BASE_UNPINNED = 731, "LG731", "an image is built on whatever was pushed last";
    RUNS_AS_ROOT = 732, "LG732", "the program of an image runs as root";
    SECRET_IN_IMAGE = 733, "LG733", "a secret stands in a Dockerfile";
    SHELL_FIRST = 734, "LG734", "a shell stands between an image's program and its signals";
    OTHER_PORT_ASKED = 735, "LG735", "a health check asks another port than the image offers";
    CHECK_NOT_INSTALLED = 736, "LG736", "a health check runs a program that the image does not have";
    NO_SUCH_STAGE = 737, "LG737", "a build stops at a stage that its Dockerfile does not have";
    CREDENTIALS_LEFT_OUT = 741, "LG741", "a connection leaves out the user that is demanded";
    ONE_PATH_ONLY = 742, "LG742", "variables exist on one way to production only";
    SECRET_EACH_TIME = 743, "LG743", "a secret is made anew with each release";
    SECRET_NOT_READ = 744, "LG744", "a secret is changed where nobody reads it";
    FIXED_ROTATION = 745, "LG745", "a rotation always writes the same";
    EXPRESSION_ELSEWHERE = 746, "LG746", "an expression stands where nothing replaces it";
    NOT_SECRET = 747, "LG747", "the same values are secret and not secret";
    FIXED_PORT = 761, "LG761", "two instances want one port of the host";
    WEIGHT_OUT_OF_REACH = 762, "LG762", "a share of traffic cannot be had with these instances";
    OTHER_NAMESPACE = 763, "LG763", "a route leads to a service in another namespace";
    REMOVES_WHAT_SERVES = 764, "LG764", "a cleanup removes what serves";
    NAMESPACE_LATER = 765, "LG765", "a namespace is used before it is there";
    MIGRATED_TOO_LATE = 766, "LG766", "a migration runs after the pods are replaced";
    MIGRATED_BY_ALL = 767, "LG767", "every instance migrates the database";
    SAME_AS_BASE = 768, "LG768", "an override changes nothing";
    UNDECLARED = 769, "LG769", "a name is used and not declared";
    NOT_KEPT = 770, "LG770", "a change is taken back by the next release";
    VALUES_LOST = 771, "LG771", "an upgrade loses values that were set before";
    NO_SUCH_STEP = 781, "LG781", "an expression names a step that is not there";
    WRONG_INPUT = 782, "LG782", "an action gets something else than it wants";
    TWO_DEPLOYERS = 783, "LG783", "two workflows deploy at the same time";
    TESTS_ALONE = 784, "LG784", "tests run without the services they need";
    SCAN_WITHOUT_GATE = 785, "LG785", "a scan that must be clean never fails";
    NO_AWS_ACCESS = 786, "LG786", "a job calls AWS without access to an account";
    NOTHING_INSTALLED = 787, "LG787", "a job runs scripts and installs nothing";
    TWICE_CHECKED = 788, "LG788", "two workflows run the same checks";
    REF_NEVER_MATCHES = 789, "LG789", "a protection rule never lets a deployment pass";
    ONE_APPROVAL = 790, "LG790", "more approvals are asked for than are waited for";
    AUTOMATIC_AND_GATED = 791, "LG791", "a deployment is automatic and waits for an approval";
    ACTION_GONE = 792, "LG792", "a version of an action was ended";
    AWS_PARAMETER = 801, "LG801", "a command of the AWS CLI cannot work";
    ENDPOINT_KIND = 802, "LG802", "an endpoint is of another kind than the database";
    NO_SUCH_METRIC = 803, "LG803", "an alarm watches a metric that nobody publishes";
    NOBODY_TOLD = 804, "LG804", "an alarm tells nobody";
    FILE_NOT_READ = 805, "LG805", "a platform does not read a file of this name";
    SEEDS_NOTHING = 806, "LG806", "a command is expected to seed and does not";
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
