//! Containers of one machine, as the Compose file of the environment has them.

use std::collections::BTreeMap;

use lockgate_model::{
    Container, DependencyContainer, DependencyName, DockerFixtures, Fixtures, Form, JobName, Limits,
    MigrationTool, Mount, MountFrom, SecretRef,
};

use super::{WorkloadRequest, Workloads};
use crate::facts::container::{self, INNER};
use crate::facts::{
    Bundled, Environment, Facts, JobFact, Part, ServiceFact, Template, VariableValue, as_variable, shell,
};

pub(super) fn workloads(facts: &Facts<'_>, request: &WorkloadRequest<'_>) -> Workloads {
    let mut workloads = Workloads::default();
    let mut fixtures = DockerFixtures::default();
    for environment in &facts.environments {
        let one_machine = OneMachine { facts, environment, request };
        for fact in environment.services.values() {
            let env = &fact.service.env;
            let form = Form::Container(Box::new(one_machine.container(fact, env)));
            workloads.forms.insert(fact.name.clone(), form);
        }
        workloads.job_forms.extend(one_machine.jobs());
        fixtures.services.extend(environment.services.values().map(|it| it.name.clone()));
        for (name, bundled) in &environment.bundled {
            fixtures.dependencies.insert(name.to_string(), one_machine.dependency(name, bundled));
        }
    }
    places(&mut fixtures, workloads.forms.values());
    workloads.fixtures = Fixtures::Docker(Box::new(fixtures));
    workloads
}

/// Networks and volumes are those that some container has.
fn places<'f>(fixtures: &mut DockerFixtures, forms: impl Iterator<Item = &'f Form>) {
    let services = forms.filter_map(|it| match it {
        Form::Container(container) => Some(&**container),
        Form::Process | Form::Objects(_) => None,
    });
    let dependencies = fixtures.dependencies.values().map(|it| &it.container);
    let (mut networks, mut volumes) = (vec![], vec![]);
    for container in services.chain(dependencies) {
        networks.extend(container.networks.iter().cloned());
        volumes.extend(container.mounts.iter().filter_map(|it| match &it.from {
            MountFrom::Volume(name) => Some(name.clone()),
            MountFrom::Scratch | MountFrom::Secret(_) | MountFrom::Text(_) => None,
        }));
    }
    for list in [&mut networks, &mut volumes] {
        list.sort();
        list.dedup();
    }
    fixtures.internal = networks.iter().filter(|it| *it == INNER).cloned().collect();
    (fixtures.networks, fixtures.volumes) = (networks, volumes);
}

struct OneMachine<'o> {
    facts: &'o Facts<'o>,
    environment: &'o Environment<'o>,
    request: &'o WorkloadRequest<'o>,
}

impl OneMachine<'_> {
    /// `env` is what the slot or the job has by itself.
    fn container(&self, fact: &ServiceFact<'_>, env: &BTreeMap<String, String>) -> Container {
        let image = fact.image.as_ref();
        let (cpu_millis, memory_bytes) = container::amounts(&fact.service.resources.limits);
        let mount = |path: &str, from| Mount { path: path.to_owned(), from };
        let scratch = container::scratch(fact).map(|it| mount(it, MountFrom::Scratch));
        let volumes = container::volumes(fact).map(|(name, path)| mount(path, MountFrom::Volume(name)));
        Container {
            image: image.map(crate::facts::ImageFact::reference).unwrap_or_default(),
            entrypoint: vec![],
            user: None,
            templates: self.templates(fact, env),
            networks: container::networks(fact).into_iter().map(str::to_owned).collect(),
            limits: Limits { cpu_millis, memory_bytes },
            mounts: volumes.chain(scratch).collect(),
            writable: !image.is_some_and(crate::facts::ImageFact::is_of_preset),
            init: true,
        }
    }

    /// What `env` does not say already: values with secrets in them, and of a job what its service has beyond it.
    fn templates(&self, fact: &ServiceFact<'_>, env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let refs = self.request.secrets.get(fact.name);
        let mut templates = BTreeMap::new();
        for variable in &fact.variables {
            let VariableValue::Plain(template) = &variable.value else { continue };
            let said = env.get(variable.name).map(String::as_str);
            if said.is_none() || said != template.plain() {
                templates.insert(variable.name.to_owned(), self.composed(template, refs));
            }
        }
        // A job may have values of its own, such as the address of the only database.
        for (name, value) in env {
            let template = Template::parse(value);
            let is_kept_apart = refs.is_some_and(|it| it.contains_key(name));
            if template.plain().is_none() && !is_kept_apart {
                templates.insert(name.clone(), self.composed(&template, refs));
            }
        }
        templates
    }

    fn composed(&self, template: &Template, refs: Option<&BTreeMap<String, SecretRef>>) -> String {
        // One that may be missing and is, is empty.
        let secret = |name: &str| {
            let is_known = refs.is_some_and(|it| it.contains_key(name));
            if is_known { format!("$({name})") } else { String::new() }
        };
        template.write(|part| match part {
            Part::Text(text) => text.replace('$', "$$"),
            Part::Secret(name) => secret(name),
            Part::Version => self.request.version.to_string(),
            Part::Other(name) => secret(&as_variable(name)),
        })
    }

    fn jobs(&self) -> BTreeMap<JobName, Form> {
        let environment = self.environment;
        let system = environment.system;
        let mut jobs = BTreeMap::new();
        if let (Some(job), Some(migrations)) = (&environment.migration, &system.migrations) {
            let form = self.job(job, &migrations.env).map(|it| match migrations.tool {
                MigrationTool::Sqlx => Container { entrypoint: job.command.clone(), ..it },
                MigrationTool::Command(_) => it,
            });
            jobs.extend(form.map(|it| (named("migrate"), it)));
        }
        if let Some(job) = &environment.seed {
            let env = system.services[job.service].env.clone();
            jobs.extend(self.job(job, &env).map(|it| (named("seed"), it)));
        }
        for (name, job) in &environment.checks {
            let env = &system.services[job.service].env;
            jobs.extend(self.job(job, env).map(|it| (name.clone(), it)));
        }
        jobs.into_iter().map(|(name, it)| (name, Form::Container(Box::new(it)))).collect()
    }

    fn job(&self, job: &JobFact<'_>, env: &BTreeMap<String, String>) -> Option<Container> {
        Some(self.container(self.environment.services.get(job.service)?, env))
    }

    fn dependency(&self, name: &DependencyName, bundled: &Bundled) -> DependencyContainer {
        let dependency = &self.environment.system.dependencies[name];
        let volume = container::volume_of_dependency(name.as_str());
        let mount = |path: &str| Mount { path: path.to_owned(), from: MountFrom::Volume(volume.clone()) };
        let refs = self.request.dependency_secrets;
        let (mut env, mut templates) = (BTreeMap::new(), BTreeMap::new());
        for (name, template) in &bundled.env {
            match template.plain() {
                Some(text) => env.insert((*name).to_owned(), text.to_owned()),
                None => templates.insert((*name).to_owned(), self.composed(template, Some(refs))),
            };
        }
        let secrets = bundled.env.values().flat_map(Template::secrets);
        let secrets = secrets.filter_map(|it| Some((it.to_owned(), refs.get(it)?.clone()))).collect();
        let script: Vec<String> = bundled.setup.iter().map(|it| shell::line(it)).collect();
        DependencyContainer {
            container: Container {
                image: self.facts.lock.image(&bundled.image),
                entrypoint: vec![],
                user: None,
                templates,
                networks: container::networks_of_dependency(dependency, bundled)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                limits: Limits::default(),
                mounts: bundled.data.into_iter().map(mount).collect(),
                writable: true,
                init: false,
            },
            command: bundled.args.clone(),
            env,
            secrets,
            ready: bundled.check.clone(),
            publish: dependency.publish.map(|it| (it, bundled.port)),
            page: bundled.page,
            setup: if script.is_empty() {
                vec![]
            } else {
                ["sh", "-ec", &script.join("\n")].map(str::to_owned).to_vec()
            },
        }
    }
}

fn named(name: &str) -> JobName {
    JobName::new(name).expect("it is a name")
}
