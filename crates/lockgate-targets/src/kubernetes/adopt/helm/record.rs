//! Helm's own record of a release: a Secret for each revision, of which the value is JSON, compressed and written in
//! base64, and again in base64 as every value of a Secret is.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use serde::Deserialize;
use serde_json::Value;

/// A Secret holds one megabyte; manifests shrink to a tenth. More than this was not made by Helm.
const LEN_MAX: u64 = 64 << 20;
/// Releases of the first days of Helm 3 were not compressed.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// One revision of a release.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Of the Secret.
    pub(super) secret: String,
    pub(super) name: String,
    pub(super) revision: u32,
    /// In Helm's words: `deployed`, `superseded`, `failed`, `pending-upgrade`, ...
    pub(super) status: String,
    pub(super) objects: Vec<Value>,
}

#[derive(Deserialize)]
struct Release {
    name: String,
    version: u32,
    info: Info,
    #[serde(default)]
    manifest: String,
}

#[derive(Deserialize)]
struct Info {
    status: String,
}

/// Fails with what is wrong with it.
pub(super) fn read(secret: &Secret) -> Result<Record, String> {
    let value = secret.data.as_ref().and_then(|it| it.get("release")).ok_or("it has no `release`")?;
    let release: Release = serde_json::from_slice(&decoded(&value.0)?).map_err(|it| it.to_string())?;
    Ok(Record {
        secret: secret.name_any(),
        name: release.name,
        revision: release.version,
        status: release.info.status,
        objects: documents(&release.manifest)?,
    })
}

fn decoded(value: &[u8]) -> Result<Vec<u8>, String> {
    let bytes = STANDARD.decode(value).map_err(|it| format!("it is no base64: {it}"))?;
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes);
    }
    let mut plain = vec![];
    let read = GzDecoder::new(bytes.as_slice()).take(LEN_MAX).read_to_end(&mut plain);
    read.map_err(|it| format!("it does not unpack: {it}"))?;
    Ok(plain)
}

/// Templates that came out empty leave documents of comments.
fn documents(manifest: &str) -> Result<Vec<Value>, String> {
    let all: Vec<Value> =
        serde_saphyr::from_multiple(manifest).map_err(|it| format!("its manifest does not read: {it}"))?;
    Ok(all.into_iter().filter(|it| it["kind"].is_string()).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use k8s_openapi::ByteString;
    use serde_json::json;

    use super::*;

    fn secret(release: &[u8]) -> Secret {
        let data =
            BTreeMap::from([("release".to_owned(), ByteString(STANDARD.encode(release).into_bytes()))]);
        Secret { data: Some(data), ..Secret::default() }
    }

    #[test]
    fn a_revision_is_read_as_helm_writes_it() {
        let manifest =
            "---\n# Source: a.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\n# nothing\n";
        let release = json!({"name": "shop", "version": 3, "info": {"status": "pending-upgrade"}, "manifest": manifest});
        let mut packed = GzEncoder::new(vec![], Compression::best());
        packed.write_all(release.to_string().as_bytes()).unwrap();
        let record = read(&secret(&packed.finish().unwrap())).unwrap();
        assert_eq!(
            (record.name.as_str(), record.revision, record.status.as_str()),
            ("shop", 3, "pending-upgrade")
        );
        assert_eq!(
            record.objects,
            [json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}})]
        );

        let old = read(&secret(release.to_string().as_bytes())).unwrap();
        assert_eq!(old.objects, record.objects, "what is not compressed is read too");
        assert!(read(&secret(b"\x1f\x8bbroken")).unwrap_err().contains("unpack"));
    }
}
