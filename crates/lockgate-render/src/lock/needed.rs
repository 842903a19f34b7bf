//! What the artifacts of a system name that somebody else may move.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::Facts;
use crate::output::Output;
use crate::{Request, dockerfile, github};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// `name:tag`; what the spec itself names by a digest is not part of it.
    pub images: BTreeSet<String>,
    /// `owner/name`, and the tag that is meant.
    pub actions: BTreeMap<String, String>,
}

pub fn needed(request: &Request) -> Needed {
    let facts = Facts::new(request);
    let mut images = dockerfile::base_images(&facts);
    for environment in &facts.environments {
        for (name, bundled) in &environment.bundled {
            images.insert(bundled.image.clone());
            let monitored = environment.system.dependencies[*name].monitored;
            images.extend(bundled.exporter.as_ref().filter(|_| monitored).map(|it| it.image.to_owned()));
        }
    }
    images.retain(|it| !it.contains('@') && it != "scratch");
    // Problems of the spec are told where it is rendered.
    let actions = github::actions(&facts, &mut Output::new(&facts));
    let actions = actions.into_iter().map(|it| (it.repository().to_owned(), it.tag.to_owned())).collect();
    Needed { images, actions }
}
