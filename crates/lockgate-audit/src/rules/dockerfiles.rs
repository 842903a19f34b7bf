//! Single Dockerfiles: what they are built on, who runs the program, what they give away, and who gets the signals.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Span};

use super::Context;
use crate::extract::dockerfile::{Dockerfile, Instruction, Stage};
use crate::fact::Origin;
use crate::listing::name_of;

/// Dockerfiles that are whole and meant to run: a block without a name is often a sketch, and what is for development
/// has other needs.
pub(crate) fn whole<'a>(context: &'a Context<'_>) -> impl Iterator<Item = &'a Dockerfile> {
    const OTHER: [&str; 8] =
        ["dev", "devel", "development", "devcontainer", "test", "tests", "local", "debug"];
    context.facts.dockerfiles.iter().filter(|file| {
        let name = file.name.to_lowercase();
        let is_sketch = name.is_empty() && file.origin != Origin::Tree;
        !is_sketch && !name.split(['/', '.']).any(|part| OTHER.contains(&part))
    })
}

/// Images that hold a runtime and nothing that serves, whose user is root, and what they are called without it.
pub(crate) fn is_plain(image: &str) -> bool {
    const RUNTIMES: [&str; 15] = [
        "alpine",
        "amazoncorretto",
        "busybox",
        "debian",
        "eclipse-temurin",
        "golang",
        "node",
        "openjdk",
        "oven/bun",
        "php",
        "python",
        "ruby",
        "rust",
        "scratch",
        "ubuntu",
    ];
    let (repository, tag) = split(image);
    // The variants of PHP that serve begin as root and go on as another user.
    let serves = repository == "php" && ["apache", "fpm"].iter().any(|it| tag.contains(it));
    RUNTIMES.contains(&repository) && !serves
}

/// Repository and tag; what Docker Hub adds to names without a host is left out.
pub(crate) fn split(image: &str) -> (&str, &str) {
    let image = image.split_once('@').map_or(image, |it| it.0);
    let (repository, tag) = image.rsplit_once(':').filter(|it| !it.1.contains('/')).unwrap_or((image, ""));
    let repository = repository.trim_start_matches("public.ecr.aws/docker/").trim_start_matches("docker.io/");
    let repository = repository.trim_start_matches("library/");
    (repository, tag)
}

/// What the shipped stages continue in the end.
pub(crate) fn foundation<'a>(shipped: &[&'a Stage]) -> &'a str {
    shipped.last().map_or("", |it| it.base.text.as_str())
}

/// The last of its kind that counts: a stage goes before those that it continues.
pub(super) fn last<'a>(shipped: &[&'a Stage], keyword: &'a str) -> Option<&'a Instruction> {
    shipped.iter().find_map(|it| it.last(keyword))
}

/// `CMD` as it counts: an `ENTRYPOINT` forgets the `CMD` of what its stage continues.
fn command<'a>(shipped: &[&'a Stage]) -> Option<&'a Instruction> {
    let says = shipped.iter().find(|it| it.last("CMD").or(it.last("ENTRYPOINT")).is_some())?;
    says.last("CMD")
}

pub(crate) fn base_unpinned(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for file in whole(context) {
        let mut unpinned: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
        for (idx, stage) in file.stages.iter().enumerate() {
            if file.parent(idx).is_none() && is_unpinned(&stage.base.text) {
                unpinned.entry(&stage.base.text).or_default().push(stage.base.span);
            }
        }
        for (base, places) in unpinned {
            let message = format!("the image is built on whatever `{base}` is on that day");
            let mut diagnostic = Diagnostic::warning(codes::BASE_UNPINNED, message);
            for place in places {
                let no_tag = split(base).1.is_empty();
                let why = if no_tag { "no tag, so `latest`" } else { "moves with each version" };
                diagnostic = diagnostic.label(place, why);
            }
            report.push(diagnostic.help("name a version as the tag, or better: a digest"));
        }
    }
}

fn is_unpinned(base: &str) -> bool {
    /// Besides the plain ones; other names without a host or a tag may be what the build calls something of its own.
    const OF_DOCKER: [&str; 18] = [
        "almalinux",
        "archlinux",
        "caddy",
        "composer",
        "elixir",
        "erlang",
        "fedora",
        "gradle",
        "haproxy",
        "httpd",
        "maven",
        "mongo",
        "mysql",
        "nginx",
        "perl",
        "postgres",
        "redis",
        "rockylinux",
    ];
    // A variable is a decision of the build, and templates are filled in by somebody else.
    if base == "scratch" || base.contains(['$', '@', '{', '<']) {
        return false;
    }
    let (repository, tag) = split(base);
    let is_image = repository.contains('/') || is_plain(base) || OF_DOCKER.contains(&repository);
    tag == "latest" || (tag.is_empty() && is_image)
}

pub(crate) fn runs_as_root(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for file in whole(context) {
        let shipped = file.shipped();
        let entry = last(&shipped, "ENTRYPOINT");
        let Some(program) = command(&shipped).or(entry) else { continue };
        // An entry point of the base's own may change the user.
        let is_known = is_plain(foundation(&shipped)) || entry.is_some();
        if !is_known || changes_user(&shipped) {
            continue;
        }
        let user = last(&shipped, "USER");
        let is_root = match user {
            Some(user) => matches!(user.text.split(':').next(), Some("root" | "0")),
            None => is_plain(foundation(&shipped)),
        };
        if !is_root {
            continue;
        }
        let diagnostic = Diagnostic::warning(codes::RUNS_AS_ROOT, "the image's program runs as root");
        let diagnostic = match user {
            Some(user) => {
                diagnostic.label(user.span, "root from here on").label(program.span, "starts as root")
            }
            None => diagnostic.label(program.span, "starts as root: no `USER` in what is shipped"),
        };
        let help = match split(foundation(&shipped)).0 {
            "node" => "write `USER node` before it; the base has this user",
            "oven/bun" => "write `USER bun` before it; the base has this user",
            _ => "make a user, and write `USER` with its name or number before it",
        };
        report.push(diagnostic.help(help));
    }
}

/// Whether something that the image starts may go on as another user: a helper for it, a server that does so by
/// itself, or a script of its own.
fn changes_user(shipped: &[&Stage]) -> bool {
    const HELPERS: [&str; 7] = ["gosu", "su-exec", "setpriv", "runuser", "s6-", "sudo", "supervisord"];
    const SERVERS: [&str; 7] = ["nginx", "httpd", "apache2", "php-fpm", "haproxy", "cron", "sshd"];
    let all = shipped.iter().flat_map(|it| &it.instructions);
    let has_helper = |it: &Instruction| HELPERS.iter().chain(&SERVERS).any(|name| it.text.contains(name));
    let is_script = |it: &Instruction| {
        it.argv().iter().any(|word| {
            let name = name_of(word);
            name.contains("entrypoint")
                || (it.keyword == "ENTRYPOINT" && name.contains(".sh"))
                || name == "su"
        })
    };
    all.into_iter().any(|it| has_helper(it) || (it.keyword != "RUN" && it.copy().is_none() && is_script(it)))
}

pub(crate) fn secret_in_image(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for file in whole(context) {
        for instruction in file.head.iter().chain(file.instructions()) {
            for (name, value) in instruction.sets() {
                if !value.is_some_and(|it| is_secret(&name, &it)) {
                    continue;
                }
                let message = format!("the value of the secret `{name}` stands in the Dockerfile");
                report.push(
                    Diagnostic::warning(codes::SECRET_IN_IMAGE, message)
                        .label(instruction.span, "everybody who has the file or the image can read it")
                        .help(
                            "hand it over when the program starts; for a build use `RUN --mount=type=secret`",
                        )
                        .help("if it was ever real, replace it: it stays in the history of the repository"),
                );
            }
        }
    }
}

fn is_secret(name: &str, value: &str) -> bool {
    const NAMES: [&str; 8] = [
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "TOKEN",
        "API_KEY",
        "PRIVATE_KEY",
        "SECRET_ACCESS_KEY",
        "ENCRYPTION_KEY",
    ];
    const PUBLIC: [&str; 4] = ["PUBLIC", "PUBLISHABLE", "ANON", "SITE_KEY"];
    let name = name.to_ascii_uppercase();
    let is_named =
        NAMES.iter().any(|it| name.strip_suffix(it).is_some_and(|it| it.is_empty() || it.ends_with('_')));
    is_named && !PUBLIC.iter().any(|it| name.contains(it)) && is_value(value)
}

/// Neither a variable, a switch, a number, a place, nor a text that says it stands for something else.
fn is_value(text: &str) -> bool {
    const WORDS: [&str; 11] =
        ["yes", "no", "on", "off", "true", "false", "none", "null", "required", "optional", "disabled"];
    const PLACEHOLDERS: [&str; 15] = [
        "test",
        "dummy",
        "placeholder",
        "change",
        "replace",
        "example",
        "your",
        "fake",
        "mock",
        "unset",
        "not-",
        "not_",
        "xxx",
        "build",
        "todo",
    ];
    let lower = text.to_ascii_lowercase();
    let is_number = text.bytes().all(|it| it.is_ascii_digit() || b".,".contains(&it));
    let is_place = text.starts_with(['/', '<']) || text.contains("://");
    !text.is_empty()
        && !text.contains(['$', '{'])
        && !is_number
        && !is_place
        && !WORDS.contains(&lower.as_str())
        && !PLACEHOLDERS.iter().any(|it| lower.contains(it))
}

pub(crate) fn shell_first(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for file in whole(context) {
        let shipped = file.shipped();
        // Another shell, as on Windows, has other ways.
        if shipped.iter().any(|it| it.last("SHELL").is_some()) {
            continue;
        }
        let entry = last(&shipped, "ENTRYPOINT");
        // These tell all processes of a group.
        let tells_all = |it: &Instruction| it.text.contains("dumb-init") || it.argv().contains(&"-g");
        for instruction in entry.into_iter().chain(command(&shipped)) {
            if keeps_signals(instruction) && !entry.is_some_and(tells_all) {
                report.push(shell_of(instruction));
            }
        }
    }
}

/// Whether a shell stays in front of the program.
fn keeps_signals(instruction: &Instruction) -> bool {
    let text = &instruction.text;
    let last = text.split(['&', '|', ';']).next_back().unwrap_or("").trim();
    let is_shell = !instruction.is_exec_form() && !text.is_empty();
    is_shell && !last.starts_with("exec ") && !text.contains("trap ")
}

fn shell_of(instruction: &Instruction) -> Diagnostic {
    let keyword = &instruction.keyword;
    if instruction.text.starts_with('[') {
        return Diagnostic::error(
            codes::SHELL_FIRST,
            format!("`{keyword}` is no list, so a shell runs it as text"),
        )
        .label(instruction.span, "a list needs double quotes")
        .help("put each word in double quotes");
    }
    let message = format!("`{keyword}` starts a shell, which may keep the signal to stop for itself");
    let mut diagnostic = Diagnostic::warning(codes::SHELL_FIRST, message)
        .label(instruction.span, "no list, so `/bin/sh -c` gets the signals");
    if keyword == "ENTRYPOINT" {
        diagnostic =
            diagnostic.help("`CMD` and the arguments of `docker run` do not reach the program either");
    }
    diagnostic.help(cure(instruction))
}

/// The list that does the same, where no shell is needed.
fn cure(instruction: &Instruction) -> String {
    const OF_SHELLS: [char; 15] =
        ['$', '&', '|', ';', '<', '>', '*', '?', '"', '\'', '`', '(', '\\', '=', '~'];
    let keyword = &instruction.keyword;
    if instruction.text.contains(OF_SHELLS) {
        return format!(
            "write `exec` before the program: `{keyword} [\"sh\", \"-c\", \"... exec PROGRAM\"]`"
        );
    }
    let words: Vec<String> = instruction.text.split_whitespace().map(|it| format!("\"{it}\"")).collect();
    format!("write a list: `{keyword} [{}]`", words.join(", "))
}
