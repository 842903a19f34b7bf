//! Migrations, seeds and cron jobs: containers that end.

use lockgate_model::{SeedsRun, When};

use super::file::Container;
use super::service::{done, of_image};
use super::{MIGRATE, SEED, value};
use crate::facts::{Environment, JobFact};

pub(super) fn containers(environment: &Environment<'_>) -> Vec<(String, Container)> {
    let system = environment.system;
    let mut containers = vec![];
    if let Some(job) = &environment.migration {
        let by_hand = system.migrations.as_ref().is_some_and(|it| it.when == When::AfterRollout);
        let profile = by_hand.then_some("after-rollout");
        containers.extend(one_off(environment, MIGRATE, job, profile));
    }
    if let Some(job) = &environment.seed {
        // Compose does not know what ran before: what runs once is started by a person.
        let once = system.seeds.as_ref().is_some_and(|it| it.run == SeedsRun::Once);
        let mut seed = one_off(environment, SEED, job, once.then_some("seed"));
        if let Some((_, container)) = &mut seed {
            container.depends_on.extend(environment.migration.iter().map(|_| (MIGRATE.to_owned(), done())));
        }
        containers.extend(seed);
    }
    for (name, cron) in &system.cron {
        let Some(fact) = environment.services.get(&cron.service) else { continue };
        let Some(mut container) = of_image(environment, fact) else { continue };
        container.command = cron.command.iter().map(|it| value::literal(it)).collect();
        container.restart = "no";
        container.profiles = vec!["cron"];
        containers.push((name.to_string(), container));
    }
    containers
}

fn one_off(
    environment: &Environment<'_>,
    name: &str,
    job: &JobFact<'_>,
    profile: Option<&'static str>,
) -> Option<(String, Container)> {
    let mut container = of_image(environment, environment.services.get(job.service)?)?;
    // What other services are is no matter of a job, and they wait for it.
    container.depends_on.retain(|it, _| !environment.services.keys().any(|name| name.as_str() == it));
    container.command = job.command.iter().map(|it| value::literal(it)).collect();
    container.restart = "no";
    container.profiles.extend(profile);
    Some((name.to_owned(), container))
}
