//! One environment on AWS: the names of what is in it, and their ARNs.

use lockgate_model::{Image, TargetKind};

use crate::facts::{Environment, ServiceFact};

pub(crate) struct Cloud<'a> {
    pub(crate) environment: &'a Environment<'a>,
    pub(crate) region: &'a str,
    pub(crate) cluster: Option<&'a str>,
    pub(crate) load_balancer: Option<&'a str>,
    /// Twelve digits, or that only AWS knows them.
    pub(crate) account: String,
    subnets: &'a [String],
    security_groups: &'a [String],
    /// Name of each service, with `${service.name}` and `${system.name}`.
    names: Option<&'a str>,
}

/// A value that is not known before the thing is there. No name, id or ARN of AWS has these signs, so a document that
/// still holds one is refused instead of meaning something else.
pub(crate) fn only_aws_knows(what: &str) -> String {
    format!("«{what}»")
}

impl<'a> Cloud<'a> {
    /// `None` for an environment that is elsewhere.
    pub(crate) fn of(environment: &'a Environment<'a>) -> Option<Cloud<'a>> {
        let (region, role, registry) = match &environment.system.target {
            TargetKind::Ecs(it) => (&it.region, &it.role, &it.registry),
            TargetKind::EcsExpress(it) => (&it.region, &it.role, &it.registry),
            TargetKind::AppRunner(it) => (&it.region, &it.role, &it.registry),
            TargetKind::Local(_) | TargetKind::Docker(_) | TargetKind::Kubernetes(_) => return None,
        };
        let account = account_of_role(role.as_deref()).or_else(|| registry.as_deref().and_then(account));
        let account = account.or_else(|| account_of_images(environment));
        let mut cloud = Cloud {
            environment,
            region,
            cluster: None,
            load_balancer: None,
            account: account.map_or_else(|| only_aws_knows("account"), str::to_owned),
            subnets: &[],
            security_groups: &[],
            names: None,
        };
        match &environment.system.target {
            TargetKind::Ecs(it) => {
                cloud.cluster = Some(&it.cluster);
                cloud.load_balancer = it.load_balancer.as_deref();
                cloud.subnets = &it.subnets;
                cloud.security_groups = &it.security_groups;
                cloud.names = Some(&it.service);
            }
            TargetKind::EcsExpress(it) => {
                cloud.cluster = Some(it.cluster.as_deref().unwrap_or("default"));
                cloud.names = it.service.as_deref();
            }
            TargetKind::AppRunner(it) => cloud.names = it.service.as_deref(),
            TargetKind::Local(_) | TargetKind::Docker(_) | TargetKind::Kubernetes(_) => {}
        }
        Some(cloud)
    }

    /// What a service is called, with `${service.name}` unless there is one only, which the spec calls otherwise.
    pub(crate) fn names(&self) -> String {
        let system = self.environment.system.name.as_str();
        let names = self.names.unwrap_or("${system.name}-${service.name}").replace("${system.name}", system);
        let tells_them_apart = names.contains("${service.name}") || self.environment.services.len() == 1;
        if tells_them_apart { names } else { names + "-${service.name}" }
    }

    /// What a service, a job or a family of task definitions is called here.
    pub(crate) fn name_of(&self, part: &str) -> String {
        let names = self.names();
        let is_service = self.environment.services.keys().any(|it| it.as_str() == part);
        if names.contains("${service.name}") || is_service {
            names.replace("${service.name}", part)
        } else {
            format!("{names}-{part}")
        }
    }

    /// `web` in the environment `production` of `shop`: `shop-production-web`.
    pub(crate) fn in_environment(&self, part: &str) -> String {
        format!("{}-{}-{part}", self.environment.system.name, self.environment.name())
    }

    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
    }

    /// Roles belong to no region.
    pub(crate) fn role_arn(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:role/{name}", self.partition(), self.account)
    }

    pub(crate) fn managed_policy(&self, name: &str) -> String {
        format!("arn:{}:iam::aws:policy/{name}", self.partition())
    }

    pub(crate) fn partition(&self) -> &'static str {
        match self.region.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if self.region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    pub(crate) fn subnets(&self) -> Vec<String> {
        if self.subnets.is_empty() { vec![only_aws_knows("subnets")] } else { self.subnets.to_vec() }
    }

    /// By id; a name is looked up.
    pub(crate) fn security_groups(&self) -> Vec<String> {
        let id = |it: &String| match it.strip_prefix("sg-") {
            Some(rest) if 8 <= rest.len() && rest.bytes().all(|it| it.is_ascii_hexdigit()) => it.clone(),
            _ => only_aws_knows(&format!("security-group {it}")),
        };
        self.security_groups.iter().map(id).collect()
    }

    /// Does the load balancer bring requests to it?
    pub(crate) fn is_behind_balancer(&self, fact: &ServiceFact<'_>) -> bool {
        self.load_balancer.is_some() && fact.service.ingress.is_some() && fact.service.main_port().is_some()
    }

    /// Of what the target's own services take.
    pub(crate) fn folder(&self) -> String {
        format!("deploy/{}/{}", self.environment.system.target.as_str(), self.environment.name())
    }

    /// Does Express Mode run it, where there is one?
    pub(crate) fn is_express(&self, fact: &ServiceFact<'_>) -> bool {
        matches!(self.environment.system.target, TargetKind::EcsExpress(_))
            && fact.service.ingress.is_some()
            && fact.service.main_port().is_some()
    }
}

/// `arn:aws:iam::123456789012:role/deploy`.
fn account_of_role(arn: Option<&str>) -> Option<&str> {
    arn?.split(':').nth(4).filter(|it| is_account(it))
}

/// `123456789012.dkr.ecr.us-east-1.amazonaws.com/shop`.
pub(super) fn account(registry: &str) -> Option<&str> {
    let (account, _) = registry.split_once(".dkr.ecr.")?;
    Some(account).filter(|it| is_account(it))
}

fn account_of_images<'a>(environment: &Environment<'a>) -> Option<&'a str> {
    environment.system.services.values().find_map(|it| match it.image.as_ref()? {
        Image::Built(build) => account(build.image.as_deref()?),
        Image::Named(name) => account(name),
        Image::SameAs(_) => None,
    })
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit())
}
