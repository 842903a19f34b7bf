//! What is broken in a release, and when.

use std::time::Duration;

use crate::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The command that was typed.
    Command,
    Driver,
    CommandAndDriver,
    /// The process that supervises containers and routes to them.
    Node,
    Engine,
    Registry,
    ApiServer,
    Etcd,
    Controllers,
    Scheduler,
    Gateway,
    Kubelet(u8),
    Containerd(u8),
    /// A machine of the cluster without a network.
    Cut(u8),
    Api(Trouble),
}

/// What a faulty proxy does to some of the requests to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// 429 with `Retry-After`.
    TooMany,
    /// 500
    Internal,
    /// 503
    Unavailable,
    /// The connection ends before the answer.
    Reset,
    /// The answer ends in its middle, a watch after a while.
    Cut,
    /// No answer for longer than anybody waits.
    Silent,
    /// It is done, and the answer is lost.
    LostAnswer,
}

impl Fault {
    /// Whether requests of users, or what serves them, are hit by it.
    pub(crate) fn hits_users(self) -> bool {
        match self {
            Fault::Node
            | Fault::Engine
            | Fault::Gateway
            | Fault::Cut(_)
            // Pods of a node whose kubelet begins anew are not ready until their probes were asked again.
            | Fault::Kubelet(_)
            | Fault::Containerd(_) => true,
            Fault::Command
            | Fault::Driver
            | Fault::CommandAndDriver
            | Fault::Registry
            | Fault::ApiServer
            | Fault::Etcd
            | Fault::Controllers
            | Fault::Scheduler
            | Fault::Api(_) => false,
        }
    }

    /// Words of which a release that it undoes has to say one.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Fault::Cut(_) => &["node", "ready", "ended from outside", "its pod is gone", "counts"],
            // An engine that begins anew ends its containers, and users see errors of both versions.
            Fault::Engine => &["Docker engine", "exit code", "killed", "error", "ready"],
            Fault::Node | Fault::Gateway => &["ready", "answer"],
            Fault::Command
            | Fault::Driver
            | Fault::CommandAndDriver
            | Fault::Registry
            | Fault::ApiServer
            | Fault::Etcd
            | Fault::Controllers
            | Fault::Scheduler
            | Fault::Kubelet(_)
            | Fault::Containerd(_)
            | Fault::Api(_) => &[],
        }
    }

    /// How long it stays broken: mostly for seconds, sometimes for as long as a slow restart takes.
    pub(crate) fn lasts(self, dice: &mut Dice) -> Duration {
        let secs = |it| Duration::from_secs(it);
        match self {
            Fault::Command | Fault::Driver | Fault::CommandAndDriver => Duration::ZERO,
            Fault::Node => dice.moment(secs(2)),
            Fault::ApiServer | Fault::Etcd | Fault::Registry | Fault::Cut(_) if dice.below(5) == 0 => {
                secs(30) + dice.moment(secs(20))
            }
            Fault::ApiServer
            | Fault::Etcd
            | Fault::Registry
            | Fault::Cut(_)
            | Fault::Engine
            | Fault::Controllers
            | Fault::Scheduler
            | Fault::Gateway
            | Fault::Kubelet(_)
            | Fault::Containerd(_)
            | Fault::Api(_) => secs(1) + dice.moment(secs(14)),
        }
    }
}

/// One fault of one release.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    /// Facts that the journal has before it, and then so long.
    pub(crate) after: usize,
    pub(crate) then: Duration,
    pub(crate) lasts: Duration,
}

/// One to three faults at moments of a release that journals so many facts.
pub(crate) fn strikes(dice: &mut Dice, faults: &[Fault], facts: usize) -> Vec<Strike> {
    let count = pick(dice, &[1, 1, 2, 2, 3]);
    let mut strikes = vec![];
    for _ in 0..count {
        let fault = pick(dice, faults);
        // A part that is broken already cannot be broken again.
        if strikes.iter().any(|it: &Strike| it.fault == fault || are_apis(it.fault, fault)) {
            continue;
        }
        let after = below(dice, facts);
        strikes.push(Strike {
            fault,
            after,
            then: dice.moment(Duration::from_millis(1_500)),
            lasts: fault.lasts(dice),
        });
    }
    strikes
}

pub(crate) fn pick<T: Copy>(dice: &mut Dice, from: &[T]) -> T {
    from[below(dice, from.len())]
}

fn below(dice: &mut Dice, bound: usize) -> usize {
    usize::try_from(dice.below(bound as u64)).expect("it is below a length")
}

/// There is one proxy, with one trouble at a time.
fn are_apis(a: Fault, b: Fault) -> bool {
    matches!((a, b), (Fault::Api(_), Fault::Api(_)))
}
