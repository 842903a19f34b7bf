//! The spec of these tests: two small services, and the knobs that differ between their versions.

#[derive(Clone, Debug)]
pub struct Knobs {
    /// Variables of `web`.
    pub env: Vec<(&'static str, String)>,
    pub command: String,
    pub strategy: &'static str,
    /// Time at each step of a canary.
    pub pause: &'static str,
    /// Keys of `web`.
    pub web: String,
    pub smoke: String,
    /// Keys of the root.
    pub extra: String,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs {
            env: vec![],
            command: format!("[\"{}\", sample]", env!("CARGO_BIN_EXE_lockgate")),
            strategy: "canary",
            pause: "1s",
            web: String::new(),
            smoke: "{get: /health, service: web}".to_owned(),
            extra: String::new(),
        }
    }
}

impl Knobs {
    pub fn with(key: &'static str, value: &str) -> Knobs {
        Knobs { env: vec![(key, value.to_owned())], ..Knobs::default() }
    }

    pub fn spec(&self, web: u16, api: u16) -> String {
        let Knobs { env, command, strategy, pause, web: keys, smoke, extra } = self;
        let env: Vec<String> = env.iter().map(|(key, value)| format!(", {key}: \"{value}\"")).collect();
        let env = env.concat();
        let steps = match *strategy {
            "canary" => {
                let step = |weight| format!("{{weight: {weight}%, pause: {pause}}}");
                format!("steps: [{}, {}, {{weight: 100%}}]", step(25), step(50))
            }
            _ => "bake: 0s".to_owned(),
        };
        let program = env!("CARGO_BIN_EXE_lockgate");
        format!(
            "lockgate: v1
system: shop
defaults:
  command: [\"{program}\", sample]
  replicas: 2
  health: {{path: /health, interval: 100ms, timeout: 1s, ready_within: 3s}}
  stop: {{drain: 5s, grace: 2s}}
services:
  web:
    port: {web}
    command: {command}
    env: {{LABEL: \"${{release.version}}\"{env}}}
    {keys}
  api: {{port: {api}, env: {{LABEL: \"${{release.version}}\"}}}}
smoke: [{smoke}]
slo:
  error_rate: {{objective: \"< 1%\", alert: \"> 3% for 30s\"}}
rollout:
  strategy: {strategy}
  {steps}
  analysis: {{tick: 100ms, warmup: 100ms, min_time: 500ms, min_requests: 30, margin: {{ratio: 1.25, abs: 2%}}}}
environments:
  local: {{target: local}}
{extra}
"
        )
    }
}
