//! One request, one answer.

use lockgate_model::{Secret, SecretRef, with_causes};

use crate::node::Node;
use crate::protocol::{Failure, Request, Response};

pub(crate) async fn answer(node: &Node, request: Request) -> Response {
    match request {
        Request::Observe { scope } => Response::Observed(node.observe(&scope)),
        Request::Prepare { fence, key, fixtures, engine } => {
            done(node.prepare(&fence, &key, &fixtures, engine.as_deref()).await)
        }
        Request::Prune { fence, key, keep } => done(node.prune(&fence, &key, &keep).await),
        Request::EnsureSlot { fence, key, slot, instances, bind, engine } => {
            done(node.ensure_slot(&fence, &key, &slot, instances, bind, engine.as_deref()).await)
        }
        Request::SetWeights { fence, key, service, weights } => {
            done(node.set_weights(&fence, &key, &service, &weights).await)
        }
        Request::Drain { fence, key, slot, within } => done(node.drain(&fence, &key, &slot, within).await),
        Request::RemoveSlot { fence, key, slot } => done(node.remove_slot(&fence, &key, &slot).await),
        Request::RunJob { fence, key, job, engine } => node
            .run_job(&fence, &key, &job, engine.as_deref())
            .await
            .map_or_else(Response::Failed, Response::Job),
        Request::Look { fence, key } => {
            node.look(&fence, &key).await.map_or_else(Response::Failed, Response::Sighting)
        }
        Request::Samples { scope, services } => Response::Samples(node.samples(&scope, &services)),
        Request::Logs { slot, lines } => Response::Logs(node.slot_logs(&slot, lines.into()).await),
        Request::Reach { .. } => {
            unreachable!("the server leads there itself, for the connection goes on after the answer")
        }
        Request::Keep { values } => done(keep(node, &values)),
        Request::JobLogs { key, lines } => Response::Logs(node.jobs.logs(&key, lines.into())),
        Request::Status => Response::Status(node.status()),
        Request::Stop { instances } => {
            node.shut_down(instances).await;
            Response::Done
        }
    }
}

fn keep(node: &Node, values: &[(SecretRef, Secret<String>)]) -> Result<(), Failure> {
    let kept = values.iter().try_for_each(|(secret, value)| node.base.vault.take(secret, value));
    kept.map_err(|it| Failure::transient(with_causes(&it)))
}

fn done(result: Result<(), Failure>) -> Response {
    result.map_or_else(Response::Failed, |()| Response::Done)
}
