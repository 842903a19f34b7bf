//! Registries are asked for many images at a time.

use std::collections::BTreeMap;

use lockgate_images::{Client, RegistryError};
use lockgate_model::ServiceName;

use super::{Effort, ImagesMissing, Source};

/// Registries bound how often one client asks.
const AT_A_TIME: usize = 8;

pub(super) fn all(
    client: &Client,
    sources: BTreeMap<ServiceName, Source>,
    effort: Effort,
) -> Result<BTreeMap<ServiceName, String>, ImagesMissing> {
    let sources: Vec<(ServiceName, Source)> = sources.into_iter().collect();
    let (mut found, mut missing, mut hint, mut unreached) = (BTreeMap::new(), vec![], None, false);
    for some in sources.chunks(AT_A_TIME) {
        let answers: Vec<Result<String, Why>> = std::thread::scope(|scope| {
            let asked: Vec<_> = some.iter().map(|it| scope.spawn(|| one(client, &it.1, effort))).collect();
            let answered = asked.into_iter().map(std::thread::ScopedJoinHandle::join);
            answered.map(|it| it.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        for ((service, _), answer) in some.iter().zip(answers) {
            match answer {
                Ok(image) => drop(found.insert(service.clone(), image)),
                Err(why) => {
                    missing.push((service.clone(), why.text));
                    hint = hint.or(why.hint);
                    unreached |= why.unreached;
                }
            }
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(ImagesMissing { missing, hint, unreached }) }
}

struct Why {
    text: String,
    hint: Option<String>,
    unreached: bool,
}

impl From<RegistryError> for Why {
    fn from(error: RegistryError) -> Why {
        let hint = match &error {
            RegistryError::NoTag { reference, .. } => {
                let tag = reference.tag.as_ref();
                tag.map(|it| format!("`lockgate build --version {it} --push` makes it"))
            }
            other => other.hint(),
        };
        Why { text: error.to_string(), hint, unreached: error.is_transient() }
    }
}

fn one(client: &Client, source: &Source, effort: Effort) -> Result<String, Why> {
    match source {
        Source::Known(image) => Ok(image.clone()),
        Source::Missing(why) => Err(Why { text: why.clone(), hint: None, unreached: false }),
        Source::Tag { reference, platforms } => {
            let digest = client.resolve(reference)?;
            let image = reference.repository.at(digest);
            for platform in platforms {
                client.require_platform(&image, platform)?;
            }
            Ok(image.to_string())
        }
        Source::Promoted { from, to } => {
            if from.repository == to.repository {
                return Ok(from.to_string());
            }
            let digest = match effort {
                Effort::Look => client.resolve(from)?,
                Effort::Copy => client.copy(from, &to.repository, to.tag.as_deref())?,
            };
            Ok(to.repository.at(digest).to_string())
        }
    }
}
