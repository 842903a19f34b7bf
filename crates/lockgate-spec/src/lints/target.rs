//! What lints ask of a target.

use lockgate_model::TargetKind;

/// Does everything run on the machine of whoever releases?
pub(super) fn is_this_machine(target: &TargetKind) -> bool {
    match target {
        TargetKind::Local(_) => true,
        TargetKind::Docker(docker) => !docker.hosts.iter().any(|it| it.starts_with("ssh://")),
        TargetKind::Kubernetes(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => false,
    }
}
