//! Names as a target gets them: what is added to a name must leave it short enough, and some names are taken.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{
    AppRunnerTarget, Diagnostic, EcsTarget, KubernetesTarget, Span, Strategy, System, TargetKind, Via,
};

use super::{Wrong, filled};
use crate::layers::Value;

/// A label of the domain name system, which names of services and namespaces are.
const LABEL_MAX: usize = 63;
/// Helm adds to the names of its releases, and leaves this much.
const HELM_RELEASE_MAX: usize = 53;
/// The controller adds 11 characters to the name of a cron job, and the job is a label.
const CRON_JOB_MAX: usize = 52;
const TARGET_GROUP_MAX: usize = 32;
const ECS_NAME_MAX: usize = 255;
const APP_RUNNER_MIN: usize = 4;
const APP_RUNNER_MAX: usize = 40;

pub(super) fn check(tree: &Value, system: &System, report: &mut Vec<Diagnostic>) {
    let names = Names { tree, system, report };
    match &system.target {
        TargetKind::Local(_) | TargetKind::Docker(_) => {}
        TargetKind::Kubernetes(target) => names.kubernetes(target),
        TargetKind::Ecs(target) => names.ecs(target),
        TargetKind::EcsExpress(target) => names.region(&target.region, "ecs-express"),
        TargetKind::AppRunner(target) => names.app_runner(target),
    }
}

struct Names<'a> {
    tree: &'a Value,
    system: &'a System,
    report: &'a mut Vec<Diagnostic>,
}

impl Names<'_> {
    fn kubernetes(mut self, target: &KubernetesTarget) {
        self.namespace(&target.namespace);
        if matches!(target.via, Via::Helm | Via::Helmfile) {
            let name = self.system.name.as_str().to_owned();
            let long =
                Long { name: &name, what: "a release of Helm", help: "choose a shorter name for the system" };
            self.fits(&long, HELM_RELEASE_MAX, self.place(&["system"]));
        }
        let suffix = second_version(self.system.rollout.strategy);
        for name in self.system.services.keys() {
            let place = self.key(&["services", name.as_str()]);
            let name = &format!("{name}{suffix}");
            let help = "the second version has this name; choose a shorter one for the service";
            self.fits(&Long { name, what: "a service of Kubernetes", help }, LABEL_MAX, place);
        }
        for name in self.system.cron.keys() {
            let place = self.key(&["cron", name.as_str()]);
            let help = "Kubernetes adds to it for each run; choose a shorter one";
            let long = Long { name: name.as_str(), what: "a cron job of Kubernetes", help };
            self.fits(&long, CRON_JOB_MAX, place);
        }
    }

    fn namespace(&mut self, name: &str) {
        let written = self.place(&["target", "kubernetes", "namespace"]);
        let place = written.or(self.place(&["system"]));
        let Some(place) = place else { return };
        if let Err(wrong) = label(&filled(name)) {
            self.report.push(wrong.at(codes::BAD_NAME, "namespace", name, place));
        } else if name.starts_with("kube-") {
            self.report.push(
                Diagnostic::error(
                    codes::RESERVED_NAMESPACE,
                    format!("the namespace `{}` is the cluster's own", shown(name)),
                )
                .label(place, "what is deployed here can break the cluster")
                .help("choose a namespace of the system's own, such as `${system.name}`"),
            );
        } else if name == "default" {
            self.report.push(
                Diagnostic::warning(codes::RESERVED_NAMESPACE, "the namespace `default` is everybody's")
                    .label(place, "whoever names none uses it as well")
                    .help("choose a namespace of the system's own, such as `${system.name}`"),
            );
        }
    }

    fn ecs(mut self, target: &EcsTarget) {
        self.identifier(&target.cluster, &["target", "ecs", "cluster"], "cluster of ECS", 1..=ECS_NAME_MAX);
        let place = self.place(&["target", "ecs", "service"]);
        let behind_a_balancer = target.load_balancer.is_some();
        let suffix = second_version(self.system.rollout.strategy);
        for (name, service) in &self.system.services {
            let full = target.service.replace("${service.name}", name.as_str());
            let full = filled(&full.replace("${system.name}", self.system.name.as_str()));
            let place = place.or(self.key(&["services", name.as_str()]));
            let help =
                "give the services shorter names with `service` of the target, such as `${service.name}`";
            self.fits(&Long { name: &full, what: "a service of ECS", help }, ECS_NAME_MAX, place);
            if behind_a_balancer && !service.ports.is_empty() {
                let name = &format!("{full}{suffix}");
                self.fits(&Long { name, what: "a target group of AWS", help }, TARGET_GROUP_MAX, place);
            }
        }
        self.region(&target.region, "ecs");
    }

    fn app_runner(mut self, target: &AppRunnerTarget) {
        let lengths = APP_RUNNER_MIN..=APP_RUNNER_MAX;
        match &target.service {
            Some(name) => {
                self.identifier(name, &["target", "apprunner", "service"], "service of App Runner", lengths);
            }
            None => {
                for name in self.system.services.keys() {
                    let full = format!("{}-{name}", self.system.name);
                    let place = self.key(&["services", name.as_str()]);
                    let help = "name it with `service` of the target";
                    self.fits(
                        &Long { name: &full, what: "a service of App Runner", help },
                        APP_RUNNER_MAX,
                        place,
                    );
                }
            }
        }
        self.region(&target.region, "apprunner");
    }

    /// Regions are many and new ones come; their form stays.
    fn region(self, name: &str, target: &str) {
        let parts: Vec<&str> = name.split('-').collect();
        let word = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase());
        let is_region = match parts.as_slice() {
            [area, middle @ .., number] => {
                area.len() == 2
                    && word(area)
                    && !middle.is_empty()
                    && middle.iter().all(word)
                    && number.len() == 1
                    && number.parse::<u8>().is_ok()
            }
            _ => false,
        };
        if let Some(place) = self.place(&["target", target, "region"]).filter(|_| !is_region) {
            let wrong = Wrong::new("a region such as `eu-central-1` is wanted");
            self.report.push(wrong.at(codes::BAD_VALUE, "region of AWS", name, place));
        }
    }

    fn identifier(
        &mut self,
        name: &str,
        path: &[&str],
        what: &str,
        lengths: std::ops::RangeInclusive<usize>,
    ) {
        let first = name.starts_with(|it: char| it.is_ascii_alphanumeric());
        let letters = name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it));
        if let Some(place) = self.place(path).filter(|_| !(first && letters && lengths.contains(&name.len())))
        {
            let label = format!(
                "{} to {} letters, digits, `-` and `_` are allowed, and a letter or digit comes first",
                lengths.start(),
                lengths.end()
            );
            self.report.push(Wrong::new(label).at(codes::BAD_NAME, what, name, place));
        }
    }

    fn fits(&mut self, long: &Long<'_>, max: usize, place: Option<Span>) {
        let Some(place) = place.filter(|_| max < long.name.len()) else { return };
        let message = format!("`{}` is too long a name for {}", shown(long.name), long.what);
        self.report.push(
            Diagnostic::error(codes::NAME_TOO_LONG, message)
                .label(place, format!("{} characters, and {max} are the most", long.name.len()))
                .help(long.help),
        );
    }

    fn place(&self, path: &[&str]) -> Option<Span> {
        self.tree.at(path).map(Value::place)
    }

    fn key(&self, path: &[&str]) -> Option<Span> {
        self.tree.at(path).map(|it| it.key_span)
    }
}

struct Long<'a> {
    name: &'a str,
    what: &'a str,
    help: &'a str,
}

/// What a second version beside the first is called by.
fn second_version(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Canary => "-canary",
        Strategy::BlueGreen => "-green",
        Strategy::Rolling | Strategy::Recreate => "",
    }
}

fn label(name: &str) -> Result<(), Wrong> {
    let inner = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let letters = name.bytes().all(|it| inner(it) || it == b'-');
    if LABEL_MAX < name.len() {
        return Err(Wrong::new(format!("{} characters, and {LABEL_MAX} are the most", name.len())));
    }
    if !name.is_empty() && letters && !name.starts_with('-') && !name.ends_with('-') {
        return Ok(());
    }
    Err(Wrong::new("lowercase letters and digits are wanted, with `-` between them"))
}
