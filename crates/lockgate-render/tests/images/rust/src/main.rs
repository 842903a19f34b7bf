//! The sample service, by itself.

#[tokio::main]
async fn main() {
    let config = lockgate_sample::SampleConfig::from_env(|name| match name {
        "SAMPLE_VERSION" => Some("first".to_owned()),
        _ => std::env::var(name).ok(),
    });
    lockgate_sample::run(config.expect("the knobs are valid")).await.expect("the port is free");
}
