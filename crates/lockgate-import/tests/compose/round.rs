//! What is rendered from an imported spec means the same as the file that was imported.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_import::{Fate, Imported};
use lockgate_render::{Kind, Lock, Request, Selection, render};
use lockgate_spec::{Facts as SpecFacts, Spec};

use crate::plain::{Beside, Facts, services};

/// A fact that the two files do not share.
#[derive(Debug)]
struct Difference {
    service: String,
    key: String,
    before: Option<String>,
    after: Option<String>,
}

impl Difference {
    fn is_new(&self) -> bool {
        self.before.is_none()
    }

    fn begins(&self, key: &str) -> bool {
        self.key == key || self.key.strip_prefix(key).is_some_and(|it| it.starts_with(['.', '[']))
    }
}

/// Every reason for a difference, in the order of the page.
pub(crate) fn reasons() -> impl Iterator<Item = &'static str> {
    MEANT.iter().map(|it| it.why)
}

/// What the two files are about.
struct Case {
    dependencies: BTreeSet<String>,
    jobs: BTreeSet<String>,
}

/// A difference that is meant, and why.
struct Meant {
    why: &'static str,
    is: fn(&Difference, &Case) -> bool,
}

/// All that may differ; docs/reference/import.md says the same to users.
const MEANT: &[Meant] = &[
    Meant {
        why: "what ends is started again, unless somebody stopped it",
        is: |it, _| it.key == "restart" && (it.is_new() || it.before.as_deref() == Some("always")),
    },
    Meant {
        why: "it is what Compose does",
        is: |it, _| it.key == "deploy.mode" && it.before.as_deref() == Some("replicated"),
    },
    Meant {
        why: "one instance is the usual number",
        is: |it, _| it.key == "deploy.replicas" && it.before.as_deref() == Some("1"),
    },
    Meant {
        why: "a server that asks for a password reads it from its environment",
        is: |it, case| {
            let asks = |it: &Option<String>| it.as_deref().is_some_and(|it| it.contains("requirepass"));
            case.dependencies.contains(&it.service)
                && it.key == "command"
                && asks(&it.before)
                && asks(&it.after)
        },
    },
    Meant { why: "logs are rotated", is: |it, _| it.begins("logging") && it.is_new() },
    Meant {
        why: "the time to end is said, ten seconds as before, and one minute for a database",
        is: |it, case| {
            it.key == "stop_grace_period"
                && it.is_new()
                && (it.after.as_deref() == Some("10s") || case.dependencies.contains(&it.service))
        },
    },
    Meant { why: "an image that is built has a name", is: |it, _| it.key == "image" && it.is_new() },
    Meant {
        why: "an image that is built is tagged with the version of its release",
        is: |it, _| {
            let repository = |it: &Option<String>| {
                let text = it.clone().unwrap_or_default();
                text.rsplit_once(':').map_or(text.clone(), |it| it.0.to_owned())
            };
            it.key == "image" && repository(&it.before) == repository(&it.after)
        },
    },
    Meant {
        why: "jobs end before services start, and what is needed is well, not only started",
        is: |it, case| {
            let to = it.key.strip_prefix("depends_on.").unwrap_or("");
            let healthy = it.after.as_deref() == Some("service_healthy");
            let setup = to.strip_suffix("-setup").is_some_and(|it| case.dependencies.contains(it));
            (it.is_new() && (setup || case.dependencies.contains(to) || case.jobs.contains(to)))
                || (it.before.as_deref() == Some("service_started") && healthy)
        },
    },
    Meant {
        why: "a job has the volumes of its service, and is run when what that needs is there",
        is: |it, case| {
            let shared = it.begins("depends_on") || (it.begins("volumes") && it.is_new());
            case.jobs.contains(&it.service) && shared
        },
    },
    Meant {
        why: "a service is told the address of what it depends on, and its own ports",
        is: |it, _| it.is_new() && it.begins("environment"),
    },
    Meant {
        why: "an address has one notation, with its port, and a MongoDB has a password",
        is: |it, _| {
            let one = |it: &Option<String>| {
                let text = it.clone().unwrap_or_default();
                let text = text.replace("postgres://", "postgresql://").replace("mongodb:made@", "");
                let text = text.replace("?authSource=admin", "").replace("&authSource=admin", "");
                let text = [":5432", ":3306", ":27017", ":6379", ":5672"]
                    .iter()
                    .fold(text, |it, port| it.replace(port, ""));
                text.trim_end_matches('/').to_owned()
            };
            it.begins("environment") && one(&it.before) == one(&it.after)
        },
    },
    Meant {
        why: "a dependency is asked in the usual way of its type",
        is: |it, case| case.dependencies.contains(&it.service) && it.begins("healthcheck"),
    },
    Meant {
        why: "failures count after all attempts of the beginning, and what Compose does unless said is said",
        is: |it, _| {
            let longer = it.key == "healthcheck.start_period";
            let usual = [("interval", "30s"), ("timeout", "30s"), ("retries", "3")];
            let usual = usual.iter().any(|(key, value)| {
                it.key == format!("healthcheck.{key}") && it.after.as_deref() == Some(value)
            });
            longer || (it.is_new() && usual)
        },
    },
    Meant {
        why: "a check in a shell is `sh -c`",
        is: |it, _| it.begins("healthcheck.test") && !it.key.contains("interval"),
    },
    Meant {
        why: "a dependency is published on 127.0.0.1 only, with its page for people",
        is: |it, case| case.dependencies.contains(&it.service) && it.begins("ports"),
    },
    Meant {
        why: "volumes are named by their services",
        is: |it, _| {
            let named = |it: &Option<String>| it.as_deref().is_some_and(|it| it.starts_with("volume "));
            it.begins("volumes") && named(&it.before) && named(&it.after)
        },
    },
    Meant {
        why: "a dependency always has a volume for its data",
        is: |it, case| case.dependencies.contains(&it.service) && it.begins("volumes") && it.is_new(),
    },
    Meant {
        why: "dependencies are on a network with those who need them; one network of all is the default one",
        is: |it, _| it.begins("networks"),
    },
    Meant {
        why: "rights that nobody asks for are taken",
        is: |it, case| case.dependencies.contains(&it.service) && it.begins("security_opt") && it.is_new(),
    },
    Meant {
        why: "a dependency is set up in the usual way of its type, with a password",
        is: |it, case| {
            case.dependencies.contains(&it.service)
                && ((it.is_new() && (it.begins("environment") || it.key == "command"))
                    || it.key.ends_with("PASSWORD_FILE")
                    || it.begins("secrets"))
        },
    },
    Meant {
        why: "a job ends for good, and a release tries it again",
        is: |it, case| case.jobs.contains(&it.service) && it.key == "restart",
    },
];

/// The differences that nobody means, after the two files got the same values; and the reasons of the others.
pub(crate) fn compared_with_source(
    text: &str,
    dotenv: &BTreeMap<String, String>,
    spec: &str,
    imported: &Imported,
) -> (Vec<String>, BTreeSet<&'static str>) {
    let mut values = dotenv.clone();
    let before = services(text, &Beside { folder: ".", values: &values });
    for wanted in &imported.report.values {
        let (service, key) =
            wanted.path.strip_prefix("services.").and_then(|it| it.split_once('.')).unwrap_or_default();
        let value = before.get(service).and_then(|it| it.get(key));
        let value = value.map(|it| it.rsplit('\u{1f}').next().unwrap_or(it));
        let image = wanted.path.strip_prefix("services.").and_then(|it| before.get(it)?.get("image"));
        let made = if image.is_some_and(|it| it.starts_with("rabbitmq")) { "guest" } else { "made" };
        values.entry(wanted.name.clone()).or_insert_with(|| value.unwrap_or(made).to_owned());
    }
    let rendered = rendered(spec);
    let after = services(&rendered, &Beside { folder: "deploy/compose/local", values: &values });
    let mut shares = vec![];
    let mut case = Case { dependencies: BTreeSet::new(), jobs: BTreeSet::new() };
    let mut differences = vec![];
    for (name, facts) in &before {
        let path = format!("services.{name}");
        let field = imported.report.fields.iter().find(|it| it.path == path && it.to.is_some());
        let to = field.and_then(|it| it.to.as_deref()).unwrap_or_else(|| panic!("`{path}` has no field"));
        let now = match to.split_once('.') {
            Some(("dependencies", name)) => {
                case.dependencies.insert(name.to_owned());
                name
            }
            Some((_, name)) => name,
            None => {
                let name = if to == "migrations" { "migrate" } else { "seed" };
                case.jobs.insert(name.to_owned());
                name
            }
        };
        let after = after.get(now).unwrap_or_else(|| panic!("`{now}` is not rendered:\n{rendered}"));
        for (target, volume) in facts.iter().filter(|it| it.0.starts_with("volumes.")) {
            let name = |it: &String| {
                it.strip_prefix("volume ").map(|it| it.split(' ').next().unwrap_or("").to_owned())
            };
            let new = after.get(target).and_then(name);
            shares.extend(name(volume).filter(|it| !it.is_empty()).map(|it| (it, new)));
        }
        let found = compared(now, &renamed(facts, imported), &renamed(after, imported));
        differences.extend(found.into_iter().filter(|it| !is_dropped(name, &it.key, imported)));
    }
    for (name, new) in &shares {
        let others =
            shares.iter().filter(|it| it.0 == *name && it.1 != *new || it.0 != *name && it.1 == *new);
        assert_eq!(others.count(), 0, "`{name}` is not shared as before: {shares:?}");
    }
    let mut reasons = BTreeSet::new();
    let mut unmeant = vec![];
    for it in &differences {
        match MEANT.iter().find(|meant| (meant.is)(it, &case)) {
            Some(meant) => drop(reasons.insert(meant.why)),
            None => {
                unmeant.push(format!("{}: {}: {:?} became {:?}", it.service, it.key, it.before, it.after));
            }
        }
    }
    (unmeant, reasons)
}

/// Does the report say that nothing says it any more?
fn is_dropped(service: &str, key: &str, imported: &Imported) -> bool {
    let path = format!("services.{service}.{key}");
    // Lists and maps of labels are the same to Compose.
    let listed = format!("services.{service}.{}[", key.split('.').next().unwrap_or(key));
    let dropped = imported.report.fields.iter().filter(|it| it.fate == Fate::Dropped).map(|it| &it.path);
    dropped
        .into_iter()
        .any(|it| path == *it || path.starts_with(&format!("{it}.")) || it.starts_with(&listed))
}

/// What the spec calls what the file calls otherwise.
fn names(imported: &Imported) -> Vec<(&str, &str)> {
    let named = imported.report.fields.iter().filter_map(|it| {
        let written = it.path.strip_prefix("services.").filter(|it| !it.contains('.'))?;
        Some((
            written,
            match it.to.as_deref()? {
                "migrations" => "migrate",
                "seeds" => "seed",
                to => to.split_once('.')?.1,
            },
        ))
    });
    named.filter(|it| it.0 != it.1).collect()
}

/// The facts with the names that the spec has.
fn renamed(facts: &Facts, imported: &Imported) -> Facts {
    let names = names(imported);
    let key = |key: &String| {
        let Some(name) = key.strip_prefix("depends_on.") else { return key.clone() };
        let (name, more) = name.split_at(name.find('.').unwrap_or(name.len()));
        let new = names.iter().find(|it| it.0 == name).map_or(name, |it| it.1);
        format!("depends_on.{new}{more}")
    };
    let value = |text: &String| {
        let strange = names.iter().filter(|it| it.0.contains('_'));
        strange.fold(text.clone(), |text, it| text.replace(it.0, it.1))
    };
    one_prefix(&facts.iter().map(|it| (key(it.0), value(it.1))).collect())
}

/// `MariaDB` reads the variables of `MySQL` as its own.
fn one_prefix(facts: &Facts) -> Facts {
    let one = |it: &String| it.replace("environment.MARIADB_", "environment.MYSQL_");
    facts.iter().map(|it| (one(it.0), it.1.clone())).collect()
}

fn compared(service: &str, before: &Facts, after: &Facts) -> Vec<Difference> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differ = keys.into_iter().filter(|it| before.get(*it) != after.get(*it));
    let differ = differ.map(|key| Difference {
        service: service.to_owned(),
        key: key.clone(),
        before: before.get(key).cloned(),
        after: after.get(key).cloned(),
    });
    differ.collect()
}

/// The Compose file of a spec.
fn rendered(spec: &str) -> String {
    let (parsed, _) = Spec::parse("lockgate.yaml", spec);
    let systems = parsed.environments().into_iter().map(|environment| {
        let (system, diagnostics) = parsed.resolve(&environment, &SpecFacts::default());
        system.unwrap_or_else(|| panic!("{environment}: {diagnostics:#?}"))
    });
    let request = Request {
        systems: systems.collect(),
        lock: Lock::default(),
        source: "lockgate.yaml".to_owned(),
        selection: Selection { kinds: Some([Kind::Compose].into()), ..Selection::default() },
        images: BTreeMap::new(),
        version: None,
    };
    let rendered = render(&request).unwrap_or_else(|problems| panic!("{problems:#?}\n{spec}"));
    let file = rendered.artifacts.iter().find(|it| it.kind == Kind::Compose);
    file.unwrap_or_else(|| panic!("no Compose file of\n{spec}")).text.clone()
}
