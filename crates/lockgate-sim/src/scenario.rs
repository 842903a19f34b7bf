//! Systems, and what runs of them: the starting points of simulated releases.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use lockgate_engine::{Kind, Plan, PlanError, Request, plan};
use lockgate_model::{
    Analysis, DependsOn, EnvironmentName, Health, LocalTarget, Migrations, Millis, Observed, ObservedService,
    ObservedSlot, OnUndecided, Port, PortName, Protocol, ReleaseId, Retry, Rollout, Service, ServiceName,
    SlotRef, SlotSpec, SmokeCheck, SmokeKind, Snapshot, Step, Stop, StopSignal, Strategy, System, SystemName,
    TargetKind, Version, Weight, Weights,
};

use crate::frng::{Frng, OutOfEntropy};
use crate::simulation::Goal;

/// A release that left a slot without traffic behind, the one that serves, and the one to come.
const STALE: ReleaseId = ReleaseId(1);
const OLD: ReleaseId = ReleaseId(2);
const NEW: ReleaseId = ReleaseId(3);
/// The release that puts back what was there before.
const BACK: ReleaseId = ReleaseId(4);

/// What becomes of one service in the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Absent,
    Unchanged,
    Changed,
    New,
    Resized,
    Removed,
}

const FATES: [Fate; 6] =
    [Fate::Absent, Fate::Unchanged, Fate::Changed, Fate::New, Fate::Resized, Fate::Removed];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: ServiceName,
    pub fate: Fate,
    pub is_worker: bool,
    pub replicas: u16,
    /// An earlier release left a slot of it over.
    pub has_stale: bool,
}

/// Everything that a simulated release starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub members: Vec<Member>,
    pub kind: Kind,
    pub strategy: Strategy,
    pub migrates: bool,
    pub smokes: bool,
    pub bakes: bool,
    pub on_undecided: OnUndecided,
}

/// Two routed services that depend on each other's order, a worker, and two more of either sort.
const NAMES: [(&str, bool); 5] =
    [("api", false), ("web", false), ("mail", true), ("search", false), ("cron", true)];

impl Scenario {
    pub fn random(frng: &mut Frng<'_>) -> Result<Scenario, OutOfEntropy> {
        let mut members = vec![];
        for (name, is_worker) in NAMES {
            let fate = FATES[frng.weighted(&[1, 2, 6, 2, 2, 1])?];
            let replicas = 1 + u16::from(frng.upto(3)?);
            members.push(Member {
                name: service_name(name),
                fate,
                is_worker,
                replicas,
                has_stale: frng.once_in(6)?,
            });
        }
        Ok(Scenario {
            members,
            kind: if frng.once_in(5)? { Kind::Rollback } else { Kind::Deploy },
            strategy: match (frng.once_in(3)?, frng.once_in(4)?) {
                (true, _) => Strategy::Rolling,
                (false, true) => Strategy::BlueGreen,
                (false, false) => Strategy::Canary,
            },
            migrates: !frng.once_in(3)?,
            smokes: !frng.once_in(2)?,
            bakes: frng.once_in(2)?,
            on_undecided: [OnUndecided::Hold, OnUndecided::Promote, OnUndecided::Rollback]
                [usize::from(frng.upto(2)?)],
        })
    }

    /// The scenario that the exhaustive tests go through: one of everything.
    pub fn full(kind: Kind, strategy: Strategy) -> Scenario {
        let fates =
            [(Fate::Changed, 3), (Fate::Changed, 2), (Fate::Changed, 2), (Fate::New, 1), (Fate::Removed, 1)];
        let member = |((name, is_worker), (fate, replicas)): ((&str, bool), (Fate, u16))| Member {
            name: service_name(name),
            fate,
            is_worker,
            replicas,
            has_stale: name == "api",
        };
        let mut members: Vec<Member> = NAMES.into_iter().zip(fates).map(member).collect();
        members.push(Member {
            name: service_name("docs"),
            fate: Fate::Resized,
            is_worker: false,
            replicas: 2,
            has_stale: false,
        });
        Scenario {
            members,
            kind,
            strategy,
            migrates: true,
            smokes: true,
            bakes: true,
            on_undecided: OnUndecided::Hold,
        }
    }

    /// The scenario with nothing there yet.
    #[must_use]
    pub fn first_release(mut self) -> Scenario {
        self.members.retain(|it| it.fate != Fate::Removed);
        for member in &mut self.members {
            (member.fate, member.has_stale) = (Fate::New, false);
        }
        self
    }

    /// What runs before the release begins.
    pub fn observed(&self) -> Observed {
        let snapshot = self.snapshot(OLD);
        let mut services: BTreeMap<ServiceName, ObservedService> = BTreeMap::new();
        for (slot, spec) in specs(&snapshot, OLD) {
            let member = self.members.iter().find(|it| it.name == slot.service).expect("it is a member");
            let before = snapshot.system.services[&slot.service].replicas;
            let seen = |wanted| ObservedSlot {
                version: spec.version.clone(),
                workload: spec.workload_digest(),
                wanted,
                ready: wanted,
                in_flight: 0,
                instances: vec![],
            };
            let mut slots = BTreeMap::from([(OLD, seen(before))]);
            if member.has_stale {
                slots.insert(STALE, seen(1));
            }
            let weights = (!member.is_worker).then(|| Weights::all_to(OLD));
            services.insert(slot.service.clone(), ObservedService { slots, weights, ..Default::default() });
        }
        Observed { services }
    }

    pub fn plan(&self) -> Result<Plan, PlanError> {
        let request = Request::new(NEW, self.kind, self.snapshot(NEW));
        let known = BTreeMap::from([(OLD, self.snapshot(OLD)), (STALE, self.snapshot(OLD))]);
        plan(&request, &self.observed(), &known)
    }

    /// The rollback that puts back what was there before, from whatever there is now.
    pub fn plan_back(&self, now: &Observed) -> Result<Plan, PlanError> {
        let request = Request::new(BACK, Kind::Rollback, self.snapshot(OLD));
        let (old, new) = (self.snapshot(OLD), self.snapshot(NEW));
        plan(&request, now, &BTreeMap::from([(OLD, old.clone()), (STALE, old), (NEW, new)]))
    }

    /// The slot and the size that each service has when it is back.
    pub fn goal_back(&self, plan: &Plan, now: &Observed) -> Goal {
        let services = self.snapshot(OLD).system.services;
        let goal = services.into_iter().map(|(name, service)| {
            let fresh = SlotRef { service: name.clone(), release: BACK };
            let release = if plan.slots.contains_key(&fresh) {
                BACK
            } else {
                let seen = &now.services[&name];
                let weight = |it: ReleaseId| seen.weights.as_ref().map_or(Weight::NONE, |all| all.of(it));
                let serving = seen.slots.keys().copied().max_by_key(|&it| (weight(it), it));
                serving.expect("a service that keeps its slot has one")
            };
            (name, (release, service.replicas))
        });
        goal.collect()
    }

    /// What is run in a slot.
    pub(crate) fn spec(&self, slot: &SlotRef) -> SlotSpec {
        let release = if slot.release == NEW { NEW } else { OLD };
        let mut specs = specs(&self.snapshot(release), release);
        let same = SlotRef { release, ..slot.clone() };
        specs.remove(&same).expect("only what was released runs")
    }

    /// The slot and the size that each service has when the release is done.
    pub fn goal(&self) -> Goal {
        let goal = self.members.iter().filter_map(|it| match it.fate {
            Fate::Absent | Fate::Removed => None,
            Fate::Unchanged | Fate::Resized => Some((it.name.clone(), (OLD, it.replicas))),
            Fate::Changed | Fate::New => Some((it.name.clone(), (NEW, it.replicas))),
        });
        goal.collect()
    }

    fn snapshot(&self, release: ReleaseId) -> Snapshot {
        let there = |it: &&Member| match it.fate {
            Fate::Absent => false,
            Fate::Unchanged | Fate::Changed | Fate::Resized => true,
            Fate::New => release == NEW,
            Fate::Removed => release == OLD,
        };
        let services = (8_000..).zip(&self.members).filter(|it| there(&it.1));
        let services = services.map(|(port, it)| (it.name.clone(), service(it, port, release)));
        let version = Version::new(format!("v{}", release.0)).expect("it is a version");
        let system = self.system(services.collect());
        Snapshot::new(version, system)
    }

    fn system(&self, services: BTreeMap<ServiceName, Service>) -> System {
        let smokes = services.iter().filter(|it| self.smokes && !it.1.ports.is_empty());
        let get = SmokeKind::get("/healthz", 200);
        let run = SmokeKind::Run { command: vec!["check".to_owned()] };
        let checks = smokes.take(2).zip([get, run]);
        let smoke = checks.map(|((name, _), kind)| SmokeCheck {
            service: name.clone(),
            kind,
            timeout: Millis::secs(10),
        });
        System {
            smoke: smoke.collect(),
            services,
            migrations: self.migrates.then(migrations),
            rollout: self.rollout(),
            ..System::new(
                SystemName::new("shop").expect("it is a name"),
                EnvironmentName::new("prod").expect("it is a name"),
                TargetKind::Local(LocalTarget { bind: IpAddr::V4(Ipv4Addr::LOCALHOST) }),
            )
        }
    }

    fn rollout(&self) -> Rollout {
        let weight = |points| Weight::from_basis_points(points).expect("at most all");
        let step = |points, pause| Step::new(weight(points), Millis::secs(pause));
        Rollout {
            strategy: self.strategy,
            steps: match self.strategy {
                Strategy::Canary => vec![step(1_000, 60), step(5_000, 60), step(10_000, 0)],
                Strategy::BlueGreen => vec![step(10_000, 0)],
                Strategy::Rolling | Strategy::Recreate => vec![],
            },
            bake: if self.bakes { Millis::secs(90) } else { Millis::ZERO },
            analysis: Analysis {
                warmup: Millis::secs(10),
                min_time: Millis::secs(20),
                min_requests: 50,
                max_time: Millis::mins(5),
                on_undecided: self.on_undecided,
                ..Analysis::default()
            },
            ..Rollout::default()
        }
    }
}

/// The slots that a snapshot becomes.
fn specs(snapshot: &Snapshot, release: ReleaseId) -> BTreeMap<SlotRef, SlotSpec> {
    let request = Request::new(release, Kind::Deploy, snapshot.clone());
    plan(&request, &Observed::default(), &BTreeMap::new()).expect("a first release plans").slots
}

fn migrations() -> Migrations {
    Migrations {
        timeout: Millis::mins(5),
        retry: Retry { attempts: 3, initial: Millis::secs(2), max: Millis::secs(60), factor: 2 },
        ..Migrations::command(vec!["migrate".to_owned()])
    }
}

fn service(member: &Member, port: u16, release: ReleaseId) -> Service {
    let is_new = release == NEW && member.fate == Fate::Changed;
    let http = Port::new(port, Protocol::Http);
    let ports = [(PortName::new("http").expect("it is a name"), http)];
    let before = if member.fate == Fate::Resized { member.replicas + 2 } else { member.replicas };
    let depends = (member.name.as_str() == "web").then(|| ("api".to_owned(), DependsOn { variable: None }));
    Service {
        ports: if member.is_worker { BTreeMap::new() } else { ports.into() },
        health: Health::Uptime { ready_after: Millis::secs(1) },
        depends_on: depends.into_iter().collect(),
        replicas: if release == NEW { member.replicas } else { before },
        stop: Stop { signal: StopSignal::Term, drain: Millis::secs(10), grace: Millis::secs(5) },
        ..Service::new(vec![member.name.to_string(), if is_new { "new" } else { "old" }.to_owned()])
    }
}

fn service_name(name: &str) -> ServiceName {
    ServiceName::new(name).expect("it is a name")
}
