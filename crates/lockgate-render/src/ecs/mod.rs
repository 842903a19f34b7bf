//! Amazon ECS on Fargate: task definitions, services with ECS's own strategies, and what stands around them.

mod balancer;
mod deployment;
mod job;
mod scaling;
mod schedule;
mod service;
mod task;

use std::collections::BTreeSet;

use crate::artifact::Kind;
use crate::aws::{self, Call, Cloud, Document};
use crate::cloudwatch;
use crate::facts::{Environment, Facts, ServiceFact};
use crate::output::Output;

pub(crate) use balancer::{health_path, target_groups};
pub(crate) use service::around;
pub(crate) use task::{architecture, environment, image, secrets, size};

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<_> = facts.wanting(Kind::Ecs).collect();
    for environment in environments {
        environment_files(environment, output);
    }
}

fn environment_files(environment: &Environment<'_>, output: &mut Output<'_>) {
    let Some(cloud) = Cloud::of(environment) else { return };
    aws::review(&cloud, output);
    if cloud.load_balancer.is_none() && environment.services.values().any(|it| it.service.ingress.is_some()) {
        output.note(format!(
            "environment `{}`: no request reaches the system from outside, because `target.ecs` names no \
             `load_balancer`",
            environment.name()
        ));
    }
    let mut documents = aws::before(&cloud);
    documents.extend(service::around(&cloud));
    for fact in environment.services.values() {
        documents.extend(whole_service(&cloud, fact, output));
    }
    documents.extend(jobs(&cloud, output));
    aws::write(&cloud, Kind::Ecs, documents, cloudwatch::documents(&cloud, output), output);
}

/// A service with everything that is its own.
pub(crate) fn whole_service(
    cloud: &Cloud<'_>,
    fact: &ServiceFact<'_>,
    output: &mut Output<'_>,
) -> Vec<Document> {
    let mut documents = roles(cloud, fact);
    let family = cloud.name_of(fact.name.as_str());
    let path = task::path(&format!("services/{}", fact.name));
    let wanted = task::Wanted { family: &family, name: fact.name.as_str(), path, command: None };
    documents.extend(task::definition(cloud, fact, &wanted, output));
    documents.extend(balancer::documents(cloud, fact, output));
    documents.push(service::document(cloud, fact, output));
    documents.extend(scaling::documents(cloud, fact, output));
    documents
}

/// Migration, seed and what runs by the clock.
pub(crate) fn jobs(cloud: &Cloud<'_>, output: &mut Output<'_>) -> Vec<Document> {
    let mut documents = job::documents(cloud, output);
    documents.extend(schedule::documents(cloud, output));
    let mut names: BTreeSet<&str> = cloud.environment.services.keys().map(|it| it.as_str()).collect();
    for job in documents.iter().filter(|it| it.call == Call::TaskDefinition) {
        if !names.insert(&job.name) {
            output.problem(
                format!("two task definitions would both be `{}` on ECS", cloud.name_of(&job.name)),
                format!("give the job or the service `{}` another name", job.name),
            );
        }
    }
    documents
}

pub(crate) fn roles(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Vec<Document> {
    let name = cloud.name_of(fact.name.as_str());
    let origin = [format!("services.{}", fact.name)];
    let homes = aws::homes(cloud, fact);
    let tasks = "ecs-tasks.amazonaws.com";
    let execution = aws::execution_role(cloud, fact, &homes);
    let mut documents = aws::role(cloud, &execution_role_name(&name), tasks, &execution, &origin);
    documents.extend(aws::role(cloud, &task_role_name(&name), tasks, &aws::task_role(cloud, fact), &origin));
    documents
}

/// Taken on by ECS, for a service of this name.
pub(crate) fn execution_role_name(service: &str) -> String {
    format!("{service}-execution")
}

/// Taken on by the application.
pub(crate) fn task_role_name(service: &str) -> String {
    format!("{service}-task")
}
