//! Keys of services that mean the same for every part, and those that only Compose has.

use lockgate_diagnostics::{shown, suggest};
use lockgate_yaml::Entry;

use super::part::Part;
use super::patches;
use super::reading::{Reading, to_service};
use super::{items, network, text};
use crate::value::{Map, Value};

/// Keys that the spec has no words for, with the reason.
const KEPT: &[(&str, &str)] = &[
    ("annotations", "the spec has no annotations"),
    ("attach", "it is about the terminal of Compose"),
    ("blkio_config", HOST),
    ("cap_add", RIGHTS),
    ("cap_drop", RIGHTS),
    ("cgroup", HOST),
    ("cgroup_parent", HOST),
    ("configs", "the spec mounts no files"),
    ("container_name", "the spec names containers by their services"),
    ("cpu_count", HOST),
    ("cpu_percent", HOST),
    ("cpu_period", HOST),
    ("cpu_quota", HOST),
    ("cpu_rt_period", HOST),
    ("cpu_rt_runtime", HOST),
    ("cpu_shares", HOST),
    ("cpuset", HOST),
    ("credential_spec", RIGHTS),
    ("deploy", "the spec says it otherwise, or not at all"),
    ("develop", "it is about work on the code"),
    ("device_cgroup_rules", HOST),
    ("devices", HOST),
    ("dns", NAMES),
    ("dns_opt", NAMES),
    ("dns_search", NAMES),
    ("domainname", NAMES),
    ("entrypoint", "the spec has one command, which an image may take as arguments"),
    ("env_file", "what is in the file is not read: move its variables to `env` and `secrets`"),
    ("external_links", NAMES),
    ("extra_hosts", NAMES),
    ("gpus", HOST),
    ("group_add", RIGHTS),
    ("healthcheck", "the spec has other checks"),
    ("hostname", NAMES),
    ("init", HOST),
    ("ipc", HOST),
    ("isolation", HOST),
    ("label_file", "the spec has no labels"),
    ("labels", "the spec has no labels"),
    ("links", NAMES),
    ("logging", "the spec says nothing of drivers of logs"),
    ("mac_address", NAMES),
    ("mem_swappiness", HOST),
    ("memswap_limit", HOST),
    ("models", "the spec has no models"),
    ("oom_kill_disable", HOST),
    ("oom_score_adj", HOST),
    ("pid", HOST),
    ("pids_limit", HOST),
    ("platform", HOST),
    ("post_start", "the spec runs nothing in a container that has started"),
    ("pre_stop", "the spec runs nothing in a container that ends"),
    ("privileged", RIGHTS),
    ("profiles", "the spec starts every service of an environment"),
    ("provider", "the spec has no providers"),
    ("pull_policy", "the spec releases images by what they are"),
    ("pull_refresh_after", "the spec releases images by what they are"),
    ("read_only", RIGHTS),
    ("runtime", HOST),
    ("secrets", "the spec has secrets in variables, not in files"),
    ("security_opt", RIGHTS),
    ("shm_size", HOST),
    ("stdin_open", "it is about the terminal of Compose"),
    ("storage_opt", HOST),
    ("sysctls", HOST),
    ("tmpfs", "the spec mounts no memory"),
    ("tty", "it is about the terminal of Compose"),
    ("ulimits", HOST),
    ("use_api_socket", RIGHTS),
    ("user", RIGHTS),
    ("userns_mode", RIGHTS),
    ("uts", HOST),
    ("volumes_from", "the spec has no volumes that services share"),
    ("working_dir", "the spec says nothing of the folder of a command"),
];
const HOST: &str = "the spec says nothing of how a machine runs a container";
const RIGHTS: &str = "the spec says nothing of the rights of a container";
const NAMES: &str = "in the spec services are found by their names";

/// Keys that are read where they belong.
const READ: [&str; 16] = [
    "build",
    "command",
    "cpus",
    "depends_on",
    "environment",
    "expose",
    "extends",
    "image",
    "mem_limit",
    "mem_reservation",
    "network_mode",
    "networks",
    "ports",
    "restart",
    "scale",
    "volumes",
];

/// A key that means the same for services and dependencies, or that only Compose has.
pub(super) fn rest(reading: &mut Reading<'_>, part: &Part, entry: &Entry) {
    let key = entry.key.as_str();
    let path = part.path(key);
    if super::is_empty(&entry.value) {
        return reading.mapped_but(path, entry.key_span, "nothing", "it is empty".to_owned());
    }
    match key {
        "restart" => restart(reading, part, entry),
        "networks" | "network_mode" => network::service(reading, part, entry),
        "extends" => extends(reading, part, entry),
        "links" if items(&entry.value).iter().all(|it| is_plain_link(reading, part, text(it))) => {
            let to = format!("services.{}.depends_on", part.name);
            reading.mapped_but(path, entry.key_span, to, "services are found by their names".to_owned());
        }
        "deploy" | "cpus" | "mem_limit" | "mem_reservation" | "scale" | "build" => {
            whole_but(reading, part, entry, "the spec says nothing of how a dependency is run");
        }
        key if key.starts_with("x-") => {
            reading.mapped_but(path, entry.key_span, "nothing", "Compose does not read it either".to_owned());
        }
        key => {
            if let Some((_, why)) = KEPT.iter().find(|it| it.0 == key) {
                for source in ["secrets", "configs"].into_iter().filter(|it| *it == key) {
                    needed(reading, source, entry);
                }
                reading.keep(part, entry, why);
            } else {
                let known =
                    KEPT.iter().map(|it| it.0).chain(READ).chain(["stop_signal", "stop_grace_period"]);
                let near =
                    suggest::nearest(key, known).map_or(String::new(), |it| format!(": is `{it}` meant?"));
                reading.dropped(path, entry.key_span, format!("Compose has no key `{}`{near}", shown(key)));
            }
        }
    }
}

/// What a service mounts of the top-level `secrets` or `configs`.
pub(super) fn needed(reading: &mut Reading<'_>, group: &'static str, entry: &Entry) {
    for item in items(&entry.value) {
        if let Some(name) = text(item).or(item.get("source").and_then(text)) {
            reading.needed.insert((group, name.to_owned()));
        }
    }
}

fn is_plain_link(reading: &Reading<'_>, part: &Part, link: Option<&str>) -> bool {
    let known = |it: &str| reading.part(it).is_some_and(|it| it.written == it.name);
    link.is_some_and(|it| known(it) && part.needs().iter().any(|need| need.0 == it))
}

fn extends(reading: &mut Reading<'_>, part: &Part, entry: &Entry) {
    let path = part.path("extends");
    if let Some(base) = &part.elsewhere {
        let why = format!(
            "{base} is not read: write here what it says, or import what `docker compose config` prints"
        );
        return reading.dropped(path, entry.key_span, why);
    }
    let to = format!("services.{}", part.name);
    reading.mapped_but(path, entry.key_span, to, "what it takes stands in the service itself".to_owned());
}

fn restart(reading: &mut Reading<'_>, part: &Part, entry: &Entry) {
    let policy = reading.plain(&entry.value);
    if matches!(policy.as_deref(), Some("always" | "unless-stopped")) {
        let to = format!("{}.{}", if part.is_service() { "services" } else { "dependencies" }, part.name);
        return reading.mapped_but(
            part.path("restart"),
            entry.key_span,
            to,
            "what ends is always started again".to_owned(),
        );
    }
    reading.keep(part, entry, "the spec starts again what ends");
}

/// A key as it is written, after each of its entries was reported.
pub(super) fn whole(reading: &mut Reading<'_>, part: &Part, entry: &Entry) {
    let path = part.path(&entry.key);
    if let Some(value) = reading.written(&path, entry) {
        reading.patches.add(patches::SERVICE, &part.name, Map::one(&entry.key, value));
    }
    if items(&entry.value).is_empty() {
        reading.patched(path, entry.key_span, to_service(&part.name, &entry.key), "it is no list");
    }
}

pub(super) fn whole_but(reading: &mut Reading<'_>, part: &Part, entry: &Entry, why: &str) {
    reading.keep(part, entry, why);
}

/// One key of a map, as it is written.
pub(super) fn inner(reading: &mut Reading<'_>, part: &Part, way: &[&str], entry: &Entry, why: &str) {
    let path = part.path(&format!("{}.{}", way.join("."), entry.key));
    let Some(value) = reading.written(&path, entry) else { return };
    let set = way.iter().rev().fold(Map::one(&entry.key, value), |map, key| Map::one(key, Value::Map(map)));
    reading.patches.add(patches::SERVICE, &part.name, set);
    let to = to_service(&part.name, &format!("{}.{}", way.join("."), entry.key));
    reading.patched(path, entry.key_span, to, why);
}
