//! One-off tasks of a release: migration and seed.

use serde_json::json;

use super::{service, task};
use crate::aws::{Call, Cloud, Document, tags};
use crate::facts::JobFact;
use crate::output::Output;

pub(super) fn documents(cloud: &Cloud<'_>, output: &mut Output<'_>) -> Vec<Document> {
    let environment = cloud.environment;
    let jobs = [
        ("migrate", "migrations", environment.migration.as_ref()),
        ("seed", "seeds", environment.seed.as_ref()),
    ];
    let mut documents = vec![];
    for (name, origin, job) in jobs {
        if let Some(job) = job {
            documents.extend(documents_of(cloud, name, origin, job, output));
        }
    }
    documents
}

fn documents_of(
    cloud: &Cloud<'_>,
    name: &str,
    origin: &str,
    job: &JobFact<'_>,
    output: &mut Output<'_>,
) -> Vec<Document> {
    let environment = cloud.environment;
    let Some(fact) = environment.services.get(job.service) else { return vec![] };
    let family = cloud.name_of(name);
    let path = task::path(&format!("jobs/{name}"));
    let wanted = task::Wanted { family: &family, name, path, command: Some(&job.command) };
    let Some(mut definition) = task::definition(cloud, fact, &wanted, output) else { return vec![] };
    definition.origin.push(origin.to_owned());
    let run = json!({
        "cluster": cloud.cluster,
        "taskDefinition": family,
        "launchType": "FARGATE",
        "platformVersion": service::PLATFORM,
        "count": 1,
        "startedBy": format!("lockgate-{name}"),
        "networkConfiguration": service::network(cloud),
        "enableECSManagedTags": true,
        "propagateTags": "TASK_DEFINITION",
        "tags": tags(environment.system, "key", "value"),
    });
    let run = Document {
        path: format!("{}/jobs/{name}/run-task.json", cloud.folder()),
        call: Call::RunTask,
        name: name.to_owned(),
        body: run,
        origin: vec![origin.to_owned(), "target".to_owned()],
    };
    vec![definition, run]
}
