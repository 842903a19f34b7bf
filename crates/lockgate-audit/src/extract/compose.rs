//! Compose files: services with what others refer to.

use lockgate_model::Span;

use crate::fact::Origin;
use crate::place::Word;
use crate::tree::Tree;

#[derive(Clone, Debug)]
pub(crate) struct Compose {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) services: Vec<Service>,
    /// Named volumes that the file declares.
    pub(crate) volumes: Vec<String>,
    /// Parts of it are elsewhere, so what is not here may be there.
    pub(crate) is_partial: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) name: Word,
    pub(crate) image: Option<Word>,
    /// The folder that is built, and the Dockerfile in it.
    pub(crate) build: Option<Build>,
    pub(crate) ports: Vec<Port>,
    pub(crate) variables: Vec<(Word, Option<Word>)>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) depends_on: Vec<Word>,
    pub(crate) replicas: Option<(u64, Span)>,
    pub(crate) has_command: bool,
    /// Started only when asked for.
    pub(crate) has_profiles: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Build {
    pub(crate) context: Word,
    pub(crate) dockerfile: Option<Word>,
    pub(crate) target: Option<Word>,
}

#[derive(Clone, Debug)]
pub(crate) struct Port {
    /// `None` when the host's port is left to Docker or is a range.
    pub(crate) host: Option<u16>,
    /// Address, port and protocol of the host's side: two of a kind cannot both be had.
    pub(crate) claim: String,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Mount {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) span: Span,
}

impl Compose {
    pub(crate) fn read(name: &str, origin: Origin, tree: Tree<'_>) -> Compose {
        let services = tree.get("services").into_iter().flat_map(Tree::entries);
        let volumes = tree.get("volumes").into_iter().flat_map(Tree::entries);
        Compose {
            name: name.to_owned(),
            origin,
            services: services.map(|(name, it)| service(name, it)).collect(),
            volumes: volumes.map(|it| it.0.text).collect(),
            is_partial: tree.has("include") || name.contains("override"),
        }
    }

    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|it| it.name.text == name)
    }
}

fn service(name: Word, tree: Tree<'_>) -> Service {
    let depends_on = tree
        .get("depends_on")
        .map_or(vec![], |it| it.items().filter_map(Tree::word).chain(it.entries().map(|it| it.0)).collect());
    let replicas = tree.at(&["deploy", "replicas"]).or_else(|| tree.get("scale"));
    Service {
        name,
        image: tree.get("image").and_then(Tree::word),
        build: tree.get("build").map(build),
        ports: tree.get("ports").into_iter().flat_map(Tree::items).filter_map(port).collect(),
        variables: tree.get("environment").map_or(vec![], Tree::variables),
        mounts: tree.get("volumes").into_iter().flat_map(Tree::items).filter_map(mount).collect(),
        depends_on,
        replicas: replicas.and_then(|it| Some((it.text()?.parse().ok()?, it.span()))),
        has_command: tree.has("command") || tree.has("entrypoint"),
        has_profiles: tree.has("profiles"),
    }
}

fn build(tree: Tree<'_>) -> Build {
    if let Some(context) = tree.word() {
        return Build { context, dockerfile: None, target: None };
    }
    let context = tree.get("context").and_then(Tree::word).unwrap_or(Word::new(".", tree.span()));
    let dockerfile = tree.get("dockerfile").and_then(Tree::word);
    Build { context, dockerfile, target: tree.get("target").and_then(Tree::word) }
}

fn port(tree: Tree<'_>) -> Option<Port> {
    let span = tree.span();
    if let Some(text) = tree.text() {
        let (address, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (outside, _) = address.rsplit_once(':')?;
        let host = outside.rsplit(':').next().and_then(|it| it.parse().ok());
        return Some(Port { host, claim: format!("{outside}/{protocol}"), span });
    }
    let published = tree.str("published")?;
    let protocol = tree.str("protocol").unwrap_or("tcp");
    let address = tree.str("host_ip").map_or(String::new(), |it| format!("{it}:"));
    Some(Port { host: published.parse().ok(), claim: format!("{address}{published}/{protocol}"), span })
}

fn mount(tree: Tree<'_>) -> Option<Mount> {
    let span = tree.span();
    if let Some(text) = tree.text() {
        let mut parts = text.split(':');
        let first = parts.next()?;
        let Some(target) = parts.next() else {
            return Some(Mount { source: String::new(), target: first.to_owned(), span });
        };
        return Some(Mount { source: first.to_owned(), target: target.to_owned(), span });
    }
    let text = |key| tree.str(key).unwrap_or("").to_owned();
    Some(Mount { source: text("source"), target: text("target"), span })
}
