//! Users of a system: constant load, and the account of what they lost.

use std::net::SocketAddr;
use std::time::Duration;

use lockgate_sample::load::{Load, LoadHandle, LoadReport, Rate};

pub(crate) struct Users {
    runtime: tokio::runtime::Runtime,
    load: LoadHandle,
}

impl Users {
    /// So many requests a second over all targets; `at` is the gateway that tells them apart.
    pub(crate) fn of(targets: Vec<String>, at: Option<SocketAddr>, per_second: f64) -> Users {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let timeout = Duration::from_secs(10);
        let load = Load { targets, at, connections: 16, rate: Rate::PerSecond(per_second), timeout, seed: 0 };
        let load = runtime.block_on(async { load.start().unwrap() });
        Users { runtime, load }
    }

    pub(crate) fn leave(self) -> LoadReport {
        self.runtime.block_on(self.load.stop())
    }
}

/// What a version answered is its own, also an error; all else would be ours.
#[track_caller]
pub(crate) fn assert_nothing_was_lost(report: &LoadReport) {
    assert!(0 < report.requests);
    let answered: u64 = report.versions.values().map(|it| it.errors).sum();
    let unanswered = report.http_5xx + report.injected - answered;
    assert_eq!((report.lost(), unanswered, report.http_4xx), (0, 0, 0), "{report:?}");
}
