//! Which facts cannot all be true. One module per family; each rule is a function over the facts.

mod aws;
mod builds;
mod cluster;
mod compose;
mod counts;
mod dockerfiles;
mod files;
mod health;
mod helm;
mod images;
mod limits;
mod manifests;
mod members;
mod migrations;
mod reading;
mod retries;
mod rollout;
mod runtimes;
mod secrets;
pub(crate) mod stages;
mod variables;
mod words;
mod workflows;

use lockgate_diagnostics::Source;
use lockgate_model::Diagnostic;

use crate::fact::Facts;
use crate::listing::Listing;

/// What every rule looks at.
pub(crate) struct Context<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) sources: &'a [Source],
    pub(crate) listing: &'a Listing,
}

type Rule = fn(&Context<'_>, &mut Vec<Diagnostic>);

const RULES: &[Rule] = &[
    reading::unreadable,
    reading::keys_given_twice,
    reading::wrong_characters,
    limits::several_values,
    limits::alert_inside_target,
    retries::do_not_fit,
    retries::waits_and_attempts,
    counts::differ,
    members::left_out,
    members::restarted_in_part,
    files::not_drawn,
    files::not_there,
    files::name_against_purpose,
    words::command_does_not,
    words::step_missing,
    words::not_a_commit,
    words::done_before,
    words::same_as_base,
    images::not_deployed,
    images::one_per_environment,
    helm::secret_each_time,
    helm::not_kept,
    helm::values_lost,
    helm::migrated_too_late,
    cluster::route_of_the_old,
    cluster::namespace_later,
    rollout::out_of_reach,
    rollout::one_approval,
    rollout::automatic_and_gated,
    rollout::ref_never_matches,
    builds::no_dev_dependencies,
    builds::nothing_to_copy,
    builds::program_hidden,
    stages::missing,
    builds::program_elsewhere,
    dockerfiles::base_unpinned,
    dockerfiles::runs_as_root,
    dockerfiles::secret_in_image,
    dockerfiles::shell_first,
    health::other_port_asked,
    health::check_not_installed,
    runtimes::end_of_life,
    runtimes::action_gone,
    variables::credentials_left_out,
    variables::one_path_only,
    variables::expression_elsewhere,
    variables::not_secret,
    variables::browser_internal,
    variables::build_variable_at_run,
    secrets::not_read,
    secrets::fixed_rotation,
    compose::fixed_port,
    compose::one_port_twice,
    compose::undeclared,
    manifests::undeclared,
    manifests::given_twice,
    migrations::by_all,
    migrations::seeds_nothing,
    workflows::no_such_step,
    workflows::wrong_input,
    workflows::two_deployers,
    workflows::no_services,
    workflows::nothing_installed,
    workflows::no_aws_access,
    workflows::scan_without_gate,
    workflows::twice_checked,
    aws::parameters,
    aws::endpoint_kind,
    aws::no_such_metric,
    aws::nobody_told,
    aws::file_not_read,
];

pub(crate) fn all(facts: &Facts, sources: &[Source], listing: &Listing) -> Vec<Diagnostic> {
    let context = Context { facts, sources, listing };
    let mut report = vec![];
    for rule in RULES {
        rule(&context, &mut report);
    }
    report
}

/// `1 thing`, `2 things`.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
