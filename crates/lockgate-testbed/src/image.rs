//! An image without an engine: layers as archives on disk, and what runs in them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::output;

/// What a container of the image does when it is told nothing else.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    /// `NAME=value`
    pub env: Vec<String>,
    /// `uid:gid`
    pub user: String,
    pub folder: Option<String>,
    pub stop_signal: Option<String>,
    pub labels: Vec<(String, String)>,
}

pub struct Image {
    pub config: Config,
    pub(crate) layers: Vec<Layer>,
    folder: TempDir,
}

/// An archive that is not compressed, so that one digest names it in every format.
pub(crate) struct Layer {
    pub(crate) place: PathBuf,
    pub(crate) digest: String,
    pub(crate) bytes: u64,
}

impl Image {
    pub fn empty(config: Config) -> Image {
        Image { config, layers: Vec::new(), folder: tempfile::tempdir().unwrap() }
    }

    /// One more layer: everything in a folder, as if root had made it at the same moment of every run.
    pub fn add_folder(&mut self, root: &Path) {
        let place = self.folder.path().join(format!("layer-{}.tar", self.layers.len()));
        let mut tar = Command::new("tar");
        tar.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-C"]).arg(root);
        output(tar.arg("-cf").arg(&place).arg("."));
        self.add_archive(place);
    }

    /// One more layer: an archive that stays where it is.
    pub fn add_archive(&mut self, place: PathBuf) {
        let bytes = fs::metadata(&place).unwrap().len();
        self.layers.push(Layer { digest: digest_of_file(&place), place, bytes });
    }

    /// Of its layers, as they are unpacked.
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|it| it.bytes).sum()
    }

    /// One more layer, of this size and like no other.
    #[must_use]
    pub fn with_noise(mut self, bytes: u64) -> Image {
        let root = tempfile::tempdir().unwrap();
        let mut noise = File::open("/dev/urandom").unwrap().take(bytes);
        io::copy(&mut noise, &mut File::create(root.path().join("noise")).unwrap()).unwrap();
        self.add_folder(root.path());
        self
    }

    /// Writes what `docker save` would write.
    pub fn save(&self, name_and_tag: &str, archive: &Path) {
        Image::save_all(&[(self, name_and_tag)], archive);
    }

    /// The same for several; a layer that they share is written once.
    pub fn save_all(images: &[(&Image, &str)], archive: &Path) {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = Vec::new();
        for (image, name_and_tag) in images {
            let text = image.config_of(name_and_tag);
            let config = format!("{}.json", digest_of(text.as_bytes()).replace(':', "-"));
            fs::write(folder.path().join(&config), text).unwrap();
            let mut layers = Vec::new();
            for layer in &image.layers {
                let name = format!("{}.tar", layer.digest.replace(':', "-"));
                if !folder.path().join(&name).exists() {
                    symlink(&layer.place, folder.path().join(&name)).unwrap();
                }
                layers.push(name);
            }
            manifest.push(json!({"Config": config, "RepoTags": [name_and_tag], "Layers": layers}));
        }
        fs::write(folder.path().join("manifest.json"), Value::from(manifest).to_string()).unwrap();
        let mut tar = Command::new("tar");
        tar.args(["--dereference", "-C"]).arg(folder.path()).arg("-cf").arg(archive).arg(".");
        output(&mut tar);
    }

    /// The config names the tag, so that two tags of one program are two images.
    pub(crate) fn config_of(&self, name_and_tag: &str) -> String {
        let config = &self.config;
        let mut labels: serde_json::Map<String, Value> =
            config.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        labels.insert("org.opencontainers.image.ref.name".to_owned(), json!(name_and_tag));
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let digests: Vec<&str> = self.layers.iter().map(|it| it.digest.as_str()).collect();
        json!({
            "architecture": architecture,
            "os": "linux",
            "config": {
                "Entrypoint": config.entrypoint,
                "Cmd": config.command,
                "Env": config.env,
                "User": config.user,
                "WorkingDir": config.folder,
                "StopSignal": config.stop_signal,
                "Labels": labels,
            },
            "rootfs": {"type": "layers", "diff_ids": digests},
        })
        .to_string()
    }
}

pub(crate) fn digest_of(bytes: &[u8]) -> String {
    named(&Sha256::digest(bytes))
}

fn digest_of_file(place: &Path) -> String {
    let mut hasher = io::BufWriter::with_capacity(1 << 20, Hasher(Sha256::new()));
    io::copy(&mut File::open(place).unwrap(), &mut hasher).unwrap();
    let Ok(hasher) = hasher.into_inner() else { panic!("hashing does not fail") };
    named(&hasher.0.finalize())
}

fn named(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |mut name, byte| {
        write!(name, "{byte:02x}").expect("a string takes any text");
        name
    })
}

struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
