//! Images: whether they are here, pulled by digest, imported, removed.

use bollard::errors::Error;
use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions};
use bytes::Bytes;
use futures_util::StreamExt as _;

use crate::error::registry_of;
use crate::{Engine, EngineError};

/// An image of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalImage {
    pub id: String,
    /// `repository@sha256:...`, one for each repository that it came from.
    pub digests: Vec<String>,
    pub tags: Vec<String>,
}

impl Engine {
    pub async fn has_image(&self, image: &str) -> Result<bool, EngineError> {
        let thing = format!("image {image}");
        match self.client().await?.inspect_image(image).await {
            Ok(_) => Ok(true),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(false),
            Err(error) => Err(self.asked("inspect", &thing).failed(error)),
        }
    }

    /// Pulls an image that is not here, by exactly the name that is given.
    pub async fn ensure_image(&self, image: &str) -> Result<(), EngineError> {
        if self.has_image(image).await? {
            return Ok(());
        }
        if image.starts_with("sha256:") {
            let reason = "it has an id of this machine only, and no registry to pull it from".to_owned();
            return Err(EngineError::NoImage { image: image.to_owned(), reason });
        }
        let thing = format!("image {image}");
        let asked = self.asked("pull", &thing);
        let options = CreateImageOptionsBuilder::default().from_image(image).build();
        let credentials = self.keyring.of(registry_of(image));
        let mut steps = self.client().await?.create_image(Some(options), None, credentials);
        while let Some(step) = steps.next().await {
            step.map_err(|it| asked.not_pulled(image, it))?;
        }
        Ok(())
    }

    /// Makes an image of one layer out of a file system in a tar archive; answers its id.
    pub async fn import_image(&self, name: &str, archive: Bytes) -> Result<String, EngineError> {
        let thing = format!("image {name}");
        let asked = self.asked("import", &thing);
        let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
        let options = CreateImageOptionsBuilder::default().from_src("-").repo(repository).tag(tag).build();
        let body = bollard::body_full(archive);
        let mut steps = self.client().await?.create_image(Some(options), Some(body), None);
        while let Some(step) = steps.next().await {
            step.map_err(|it| asked.failed(it))?;
        }
        let made = self.client().await?.inspect_image(name).await.map_err(|it| asked.failed(it))?;
        made.id.ok_or(EngineError::Missing { thing: thing.clone() })
    }

    pub async fn images(&self) -> Result<Vec<LocalImage>, EngineError> {
        let options = ListImagesOptionsBuilder::default().digests(true).build();
        let listed = self.client().await?.list_images(Some(options)).await;
        let listed = listed.map_err(|it| self.asked("list", "images").failed(it))?;
        let images = listed.into_iter().map(|it| LocalImage {
            id: it.id,
            digests: it.repo_digests.into_iter().filter(|it| !it.starts_with("<none>")).collect(),
            tags: it.repo_tags.into_iter().filter(|it| !it.starts_with("<none>")).collect(),
        });
        Ok(images.collect())
    }

    /// Forgets one name of an image, and the image with its last name. One in use stays, and that is said.
    pub async fn remove_image(&self, image: &str) -> Result<(), EngineError> {
        let thing = format!("image {image}");
        match self.client().await?.remove_image(image, None::<RemoveImageOptions>, None).await {
            Ok(_) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(error) => Err(self.asked("remove", &thing).failed(error)),
        }
    }
}
