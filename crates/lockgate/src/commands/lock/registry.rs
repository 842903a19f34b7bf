//! Digests of images, from registries that speak the OCI distribution API.

use anyhow::{Context as _, bail};
use lockgate_model::Digest;

use super::{Found, client};

/// Indexes first: one digest for all platforms.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json";

/// An image's name, taken apart as Docker does it.
#[derive(Debug, PartialEq, Eq)]
struct Name<'n> {
    host: &'n str,
    repository: String,
    tag: &'n str,
}

fn taken_apart(image: &str) -> Name<'_> {
    let (host, rest) = match image.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => ("registry-1.docker.io", image),
    };
    let host = if host == "docker.io" { "registry-1.docker.io" } else { host };
    let (repository, tag) = rest.rsplit_once(':').unwrap_or((rest, "latest"));
    let is_official = host == "registry-1.docker.io" && !repository.contains('/');
    let repository = if is_official { format!("library/{repository}") } else { repository.to_owned() };
    Name { host, repository, tag }
}

pub(super) fn digest(agent: &ureq::Agent, image: &str) -> anyhow::Result<Found> {
    let name = taken_apart(image);
    let scheme = client::scheme(name.host);
    let url = format!("{scheme}://{}/v2/{}/manifests/{}", name.host, name.repository, name.tag);
    let mut answer = agent.head(&url).header("accept", MANIFESTS).call()?;
    if answer.status().as_u16() == 401 {
        let challenge = answer.headers().get("www-authenticate").and_then(|it| it.to_str().ok());
        let challenge =
            challenge.with_context(|| format!("{} wants a sign-in of a kind unknown here", name.host))?;
        let token = token(agent, challenge, &name)?;
        let question = agent.head(&url).header("accept", MANIFESTS);
        answer = question.header("authorization", format!("Bearer {token}")).call()?;
    }
    match answer.status().as_u16() {
        200 => (),
        404 => bail!("{} has no {}:{}", name.host, name.repository, name.tag),
        status => bail!("{url} answered {status}"),
    }
    let digest = answer.headers().get("docker-content-digest").and_then(|it| it.to_str().ok());
    let digest = digest.with_context(|| format!("{} does not say the digest", name.host))?;
    let digest = Digest::try_from(digest.to_owned())
        .ok()
        .with_context(|| format!("{} says a digest that is none", name.host))?;
    Ok(Found { tag: name.tag.to_owned(), digest: digest.to_string() })
}

/// What everybody may pull needs a token too, which everybody gets.
fn token(agent: &ureq::Agent, challenge: &str, name: &Name<'_>) -> anyhow::Result<String> {
    let field = |wanted: &str| {
        let at = challenge.find(&format!("{wanted}=\""))? + wanted.len() + 2;
        challenge[at..].split('"').next()
    };
    let realm = field("realm").with_context(|| format!("{} does not say where to sign in", name.host))?;
    let host = realm.split("://").nth(1).and_then(|it| it.split(['/', '?']).next()).unwrap_or_default();
    if !realm.starts_with(&format!("{}://", client::scheme(host))) {
        bail!("{} wants a sign-in without TLS", name.host);
    }
    let scope = field("scope").map_or_else(|| format!("repository:{}:pull", name.repository), str::to_owned);
    let mut question = agent.get(realm).query("scope", scope);
    if let Some(service) = field("service") {
        question = question.query("service", service);
    }
    let mut answer = question.call()?;
    let status = answer.status().as_u16();
    if status != 200 {
        bail!("{host} gives no token: it answered {status}");
    }
    let text = answer.body_mut().with_config().limit(1 << 20).read_to_string()?;
    let answer: serde_json::Value = serde_json::from_str(&text).context("the token is no JSON")?;
    let token = answer["token"].as_str().or(answer["access_token"].as_str());
    Ok(token.with_context(|| format!("{host} gives no token"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_docker_does_it() {
        let name = |host, repository: &str, tag| Name { host, repository: repository.to_owned(), tag };
        assert_eq!(taken_apart("postgres:17"), name("registry-1.docker.io", "library/postgres", "17"));
        assert_eq!(taken_apart("apache/kafka"), name("registry-1.docker.io", "apache/kafka", "latest"));
        assert_eq!(taken_apart("quay.io/a/b:v1"), name("quay.io", "a/b", "v1"));
        assert_eq!(taken_apart("127.0.0.1:5000/b:1"), name("127.0.0.1:5000", "b", "1"));
    }
}
