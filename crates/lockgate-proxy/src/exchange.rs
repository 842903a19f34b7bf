//! One request in a slot, from its routing to its last byte: what is counted and what is released at the end.

use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use lockgate_model::PortName;
use tokio::time::Instant;

use crate::body::Upload;
use crate::count::Outcome;
use crate::instance::Instance;
use crate::route::Claim;
use crate::slot::{Hold, Slot};

/// Whether a request is part of what gates judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    Counted,
    /// Sent to a slot on purpose, past its weight.
    Uncounted,
}

pub(crate) struct Exchange {
    claim: Claim,
    hold: Option<Hold>,
    port: Arc<PortName>,
    counting: Counting,
    started: Instant,
    answered_in: Option<Duration>,
    outcome: Outcome,
}

impl Exchange {
    pub(crate) fn new(claim: Claim, port: Arc<PortName>, counting: Counting, started: Instant) -> Exchange {
        let (hold, answered_in, outcome) = (None, None, Outcome::ClientGone);
        Exchange { claim, hold, port, counting, started, answered_in, outcome }
    }

    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.claim.slot
    }

    pub(crate) fn hold(&mut self, hold: Hold) {
        self.hold = Some(hold);
    }

    pub(crate) fn instance(&self) -> Option<Arc<Instance>> {
        self.hold.as_ref().map(|it| Arc::clone(&it.instance))
    }

    pub(crate) fn ended(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// The answer's header is there.
    pub(crate) fn answered(&mut self, outcome: Outcome) {
        self.answered_in = Some(self.started.elapsed());
        self.outcome = outcome;
    }

    /// Gives a connection back for the next request.
    pub(crate) fn give_back(&self, mut sender: SendRequest<Upload>) {
        let Some(instance) = self.instance() else { return };
        if sender.is_ready() {
            instance.pools[&*self.port].put(sender);
            return;
        }
        let port = Arc::clone(&self.port);
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                instance.pools[&*port].put(sender);
            }
        });
    }
}

impl Drop for Exchange {
    /// Counts first: whoever sees that nothing is under way sees all of it counted.
    fn drop(&mut self) {
        if self.counting == Counting::Uncounted {
            return;
        }
        let waited_in_vain = self.outcome == Outcome::ClientGone;
        let latency = self.answered_in.or_else(|| waited_in_vain.then(|| self.started.elapsed()));
        self.claim.slot.counters.finished(self.outcome, latency);
    }
}
