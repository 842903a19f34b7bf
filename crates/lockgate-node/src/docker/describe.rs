//! A slot's instance, a job or a dependency as a container to make. Pure: secrets, addresses and files are handed in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lockgate_docker::{Attachment, MountAt, MountKind, NewContainer, Privileges, Restart};
use lockgate_model::{Container, Millis, MountFrom, Scope, StopSignal};

use super::files::FilesOf;
use super::naming::{self, DEFAULT_NETWORK, Labels};
use crate::protocol::Failure;
use crate::secrets::Revealed;

/// What a container is beside its form.
pub(crate) struct About<'a> {
    pub(crate) scope: &'a Scope,
    /// Who it is, for errors: `web@r12 #1`, `job migrate`.
    pub(crate) whose: &'a str,
    pub(crate) name: String,
    pub(crate) labels: Labels,
    pub(crate) command: &'a [String],
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) secrets: &'a Revealed,
    /// Names at the router, and where that is.
    pub(crate) hosts: BTreeMap<String, IpAddr>,
    /// Names that it has on its networks.
    pub(crate) aliases: Vec<String>,
    pub(crate) published: Vec<(u16, u16)>,
    pub(crate) privileges: Privileges,
    pub(crate) restart: Restart,
    pub(crate) stop: Option<(StopSignal, Millis)>,
}

/// `files` are those that its mounts ask for, by their paths in the container.
pub(crate) fn container(
    about: About<'_>,
    form: &Container,
    files: &FilesOf,
) -> Result<NewContainer, Failure> {
    let mut env = about.env;
    for (name, secret) in about.secrets.iter() {
        env.insert(name.to_owned(), secret.to_owned());
    }
    for (name, template) in &form.templates {
        let value = lockgate_model::compose(template, |it| about.secrets.get(it));
        let value = value.map_err(|secret| {
            Failure::fatal(format!(
                "{}: variable {name} is composed of a secret {secret} that it does not have",
                about.whose
            ))
        })?;
        env.insert(name.clone(), value);
    }
    let networks = networks(&form.networks)
        .into_iter()
        .map(|it| Attachment { network: naming::in_scope(about.scope, it), aliases: about.aliases.clone() });
    Ok(NewContainer {
        name: about.name,
        image: form.image.clone(),
        entrypoint: form.entrypoint.clone(),
        command: about.command.to_vec(),
        env,
        user: form.user.clone(),
        labels: about.labels,
        networks: networks.collect(),
        hosts: about.hosts,
        mounts: form.mounts.iter().filter_map(|it| mount(about.scope, it, files)).collect(),
        published: about.published,
        limits: form.limits,
        writable: form.writable,
        init: form.init,
        privileges: about.privileges,
        restart: about.restart,
        stop: about.stop.map(|(signal, grace)| (signal_name(signal).to_owned(), grace)),
    })
}

/// The default one first, for by it the router reaches the container.
pub(crate) fn networks(asked: &[String]) -> Vec<&str> {
    let others: BTreeSet<&str> =
        asked.iter().map(String::as_str).filter(|it| *it != DEFAULT_NETWORK).collect();
    std::iter::once(DEFAULT_NETWORK).chain(others).collect()
}

fn mount(scope: &Scope, mount: &lockgate_model::Mount, files: &FilesOf) -> Option<MountAt> {
    let kind = match &mount.from {
        MountFrom::Scratch => MountKind::Scratch,
        MountFrom::Volume(name) => {
            MountKind::Volume { name: naming::in_scope(scope, name), labels: naming::scope_labels(scope) }
        }
        MountFrom::Secret(_) | MountFrom::Text(_) => MountKind::File(files.get(&mount.path)?.clone()),
    };
    Some(MountAt { path: mount.path.clone(), kind })
}

pub(crate) fn signal_name(signal: StopSignal) -> &'static str {
    match signal {
        StopSignal::Term => "SIGTERM",
        StopSignal::Int => "SIGINT",
        StopSignal::Quit => "SIGQUIT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_network_is_always_there_and_first() {
        let of = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(networks(&of(&[])), ["default"]);
        assert_eq!(networks(&of(&["back", "default", "back"])), ["default", "back"]);
    }
}
