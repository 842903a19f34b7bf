//! What is removed after a release, and what never is.

use std::collections::BTreeSet;

use lockgate_docker::{ContainerState, Phase};
use lockgate_model::{Fixtures, Form, Keep, Scope, SlotRef};

use super::{Docker, failure, naming};
use crate::protocol::Failure;

impl Docker {
    /// Removes what this node made for the scope and nothing needs any more, by this rule:
    ///
    /// - containers of slots that do not run, and whose slot neither `keep` nor `known` has;
    /// - containers of jobs that do not run: the results of those that ended are in the records of the node, and when a
    ///   release prunes, none of its jobs waits for its turn;
    /// - containers of dependencies that do not run and that `keep` does not have;
    /// - of the images that this node pulled, those that neither `keep` names nor any container uses.
    ///
    /// What runs stays. Volumes and networks stay. Images that were here before, or that somebody else pulled, stay.
    /// Answers the images of `pulled` that are not here any more.
    pub(crate) async fn prune(
        &self,
        scope: &Scope,
        keep: &Keep,
        known: &BTreeSet<SlotRef>,
        pulled: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Failure> {
        let mut labels = naming::scope_labels(scope);
        labels.insert(naming::NODE.to_owned(), self.node_id.clone());
        let wanted: Vec<(&str, &str)> = labels.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
        let ours = self.engine.containers(&wanted).await.map_err(|it| failure(&it))?;
        for it in ours.iter().filter(|it| is_left_over(it, keep, known)) {
            tracing::info!(container = %it.name, "pruned");
            self.engine.remove(&it.id).await.map_err(|it| failure(&it))?;
        }
        self.prune_images(keep, pulled).await
    }

    async fn prune_images(
        &self,
        keep: &Keep,
        pulled: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Failure> {
        let kept = images(keep);
        let mut candidates: BTreeSet<String> =
            pulled.iter().filter(|it| !kept.contains(it.as_str())).cloned().collect();
        if candidates.is_empty() {
            return Ok(candidates);
        }
        let all = self.engine.containers(&[]).await.map_err(|it| failure(&it))?;
        candidates.retain(|image| !all.iter().any(|it| it.image == *image));
        for image in &candidates {
            tracing::info!(%image, "pruned");
            self.engine.remove_image(image).await.map_err(|it| failure(&it))?;
        }
        Ok(candidates)
    }
}

fn is_left_over(container: &ContainerState, keep: &Keep, known: &BTreeSet<SlotRef>) -> bool {
    if container.phase == Phase::Running {
        return false;
    }
    if let Some((_, slot, _)) = naming::instance_of(container) {
        return !known.contains(&slot) && !keep.slots.iter().any(|it| it.slot == slot);
    }
    if let Some(name) = container.labels.get(naming::DEPENDENCY) {
        return match &keep.fixtures {
            Fixtures::Docker(it) => !it.dependencies.contains_key(name),
            Fixtures::None | Fixtures::Objects(_) => false,
        };
    }
    container.labels.contains_key(naming::JOB)
}

/// All that a release needs that one can go back to.
fn images(keep: &Keep) -> BTreeSet<&str> {
    let slots = keep.slots.iter().filter_map(|it| match &it.form {
        Form::Container(container) => Some(container.image.as_str()),
        Form::Process | Form::Objects(_) => None,
    });
    let dependencies = match &keep.fixtures {
        Fixtures::Docker(it) => it.dependencies.values().map(|it| it.container.image.as_str()).collect(),
        Fixtures::None | Fixtures::Objects(_) => vec![],
    };
    keep.images.iter().map(String::as_str).chain(slots).chain(dependencies).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lockgate_docker::Ended;

    use super::*;

    fn container(labels: &[(&str, &str)], phase: Phase) -> ContainerState {
        let scope = [(naming::SYSTEM, "shop"), (naming::ENVIRONMENT, "prod")];
        let labels = scope.iter().chain(labels).map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
        let (id, name, image) = ("0a".to_owned(), "n".to_owned(), "i".to_owned());
        ContainerState { id, name, image, labels, phase, addresses: BTreeMap::new() }
    }

    #[test]
    fn what_runs_or_is_known_stays() {
        let ended = Phase::Ended(Ended { exit_code: 0, out_of_memory: false });
        let web = [(naming::SERVICE, "web"), (naming::RELEASE, "r1"), (naming::INSTANCE, "1")];
        let known = BTreeSet::from(["web@r1".parse().unwrap()]);
        let (nothing, keep) = (BTreeSet::new(), Keep::default());
        assert!(!is_left_over(&container(&web, Phase::Running), &keep, &nothing));
        assert!(!is_left_over(&container(&web, ended.clone()), &keep, &known));
        assert!(is_left_over(&container(&web, ended.clone()), &keep, &nothing));
        let job = [(naming::JOB, "r1.0.0.f1")];
        assert!(is_left_over(&container(&job, ended.clone()), &keep, &nothing));
        assert!(is_left_over(&container(&job, Phase::Created), &keep, &nothing), "its attempt was lost");
        let dependency = [(naming::DEPENDENCY, "postgres")];
        assert!(!is_left_over(&container(&dependency, ended), &keep, &nothing), "nothing is said of them");
    }
}
