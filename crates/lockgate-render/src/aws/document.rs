//! A request to AWS as its API takes it, and the command that sends it.

use lockgate_model::System;
use serde_json::{Value, json};

pub(crate) struct Document {
    /// Relative to the spec's folder.
    pub(crate) path: String,
    pub(crate) call: Call,
    /// As patches name it.
    pub(crate) name: String,
    pub(crate) body: Value,
    pub(crate) origin: Vec<String>,
}

/// In the order in which they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Cluster,
    Namespace,
    Repository,
    /// The policy itself; it has the name of the repository.
    LifecyclePolicy,
    Secret,
    Parameter,
    /// Who may take on the role.
    Trust,
    /// What the role may do.
    Policy,
    ManagedPolicy,
    LogGroup,
    Retention,
    TargetGroup,
    TargetGroupAttributes,
    ListenerRule,
    Topic,
    Subscription,
    Alarm,
    /// The body itself.
    Dashboard,
    TaskDefinition,
    RunTask,
    Service,
    ScalableTarget,
    ScalingPolicy,
    Schedule,
    ExpressService,
    ExpressServiceUpdate,
    AppRunnerScaling,
    AppRunnerService,
    AppRunnerServiceUpdate,
}

impl Call {
    /// What patches call it.
    pub(crate) fn kind(self) -> &'static str {
        self.words().0
    }

    /// What patches call it, and the command of the AWS CLI.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Call::Cluster => ("Cluster", "ecs create-cluster"),
            Call::Namespace => ("HttpNamespace", "servicediscovery create-http-namespace"),
            Call::Repository => ("Repository", "ecr create-repository"),
            Call::LifecyclePolicy => ("LifecyclePolicy", "ecr put-lifecycle-policy"),
            Call::Secret => ("Secret", "secretsmanager create-secret"),
            Call::Parameter => ("Parameter", "ssm put-parameter"),
            Call::Trust => ("TrustPolicy", "iam create-role"),
            Call::Policy => ("RolePolicy", "iam put-role-policy"),
            Call::ManagedPolicy => ("AttachedPolicy", "iam attach-role-policy"),
            Call::LogGroup => ("LogGroup", "logs create-log-group"),
            Call::Retention => ("RetentionPolicy", "logs put-retention-policy"),
            Call::TargetGroup => ("TargetGroup", "elbv2 create-target-group"),
            Call::TargetGroupAttributes => ("TargetGroupAttributes", "elbv2 modify-target-group-attributes"),
            Call::ListenerRule => ("ListenerRule", "elbv2 create-rule"),
            Call::TaskDefinition => ("TaskDefinition", "ecs register-task-definition"),
            Call::Service => ("EcsService", "ecs create-service"),
            Call::RunTask => ("RunTask", "ecs run-task"),
            Call::ScalableTarget => ("ScalableTarget", "application-autoscaling register-scalable-target"),
            Call::ScalingPolicy => ("ScalingPolicy", "application-autoscaling put-scaling-policy"),
            Call::Schedule => ("Schedule", "scheduler create-schedule"),
            Call::ExpressService => ("ExpressGatewayService", "ecs create-express-gateway-service"),
            Call::ExpressServiceUpdate => ("ExpressGatewayService", "ecs update-express-gateway-service"),
            Call::AppRunnerScaling => {
                ("AutoScalingConfiguration", "apprunner create-auto-scaling-configuration")
            }
            Call::AppRunnerService => ("AppRunnerService", "apprunner create-service"),
            Call::AppRunnerServiceUpdate => ("AppRunnerService", "apprunner update-service"),
            Call::Topic => ("Topic", "sns create-topic"),
            Call::Subscription => ("Subscription", "sns subscribe"),
            Call::Alarm => ("Alarm", "cloudwatch put-metric-alarm"),
            Call::Dashboard => ("Dashboard", "cloudwatch put-dashboard"),
        }
    }

    /// The command that sends the whole input.
    pub(crate) fn with_input(self, path: &str) -> String {
        format!("aws {} --cli-input-json file://{path}", self.words().1)
    }

    /// Is it sent with each release, and not once?
    pub(crate) fn is_of_release(self) -> bool {
        matches!(
            self,
            Call::TaskDefinition | Call::RunTask | Call::ExpressServiceUpdate | Call::AppRunnerServiceUpdate
        )
    }
}

impl Document {
    pub(crate) fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.body).expect("maps have keys of text");
        text.push('\n');
        text
    }

    /// What sends it, run in the spec's folder.
    pub(crate) fn command(&self) -> String {
        let (name, path) = (&self.name, &self.path);
        let input = match self.call {
            Call::Trust => format!("--role-name {name} --assume-role-policy-document file://{path}"),
            Call::Policy => {
                format!("--role-name {name} --policy-name {name} --policy-document file://{path}")
            }
            Call::LifecyclePolicy => {
                format!("--repository-name {name} --lifecycle-policy-text file://{path}")
            }
            Call::Dashboard => format!("--dashboard-name {name} --dashboard-body file://{path}"),
            _ => return self.call.with_input(path),
        };
        format!("aws {} {input}", self.call.words().1)
    }
}

/// Whose it is, on everything that takes tags.
pub(crate) fn tags(system: &System, name: &str, value: &str) -> Value {
    let tag = |text: &str, of: &str| json!({name: text, value: of});
    json!([
        tag("environment", system.environment.as_str()),
        tag("managed-by", "lockgate"),
        tag("system", system.name.as_str()),
    ])
}
