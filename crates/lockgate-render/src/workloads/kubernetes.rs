//! The objects of an environment on Kubernetes, split by who is released.

use super::{WorkloadRequest, Workloads};
use crate::facts::Facts;
use crate::kubernetes::objects::objects;
use crate::output::{Output, Problem};

pub(super) fn workloads(
    facts: &Facts<'_>,
    _request: &WorkloadRequest<'_>,
) -> Result<Workloads, Vec<Problem>> {
    let mut output = Output::new(facts);
    for environment in &facts.environments {
        drop(objects(facts, environment, &mut output));
    }
    Ok(Workloads::default())
}
