//! Builds each image once, scans it, and says by which digest it is known: what is released is what was tested.

use lockgate_model::{Build, Scan, ScanLevel, ServiceName};
use serde_json::{Value, json};

use super::images::{self, Built, Group};
use super::workflow::{Job, Permissions, Step, Workflow};
use super::{action, text};
use crate::facts::build as facts;
use crate::facts::{Part, Template, shell};
use crate::output::Output;

pub(super) const FILE: &str = "build-publish";

/// Artifact that says which digest each repository's image has.
pub(super) const IMAGES: &str = "images";

pub(super) fn workflow(group: &Group<'_>, output: &mut Output<'_>) -> Workflow {
    let on = json!({"workflow_call": {"inputs": {
        "push": {"description": "Publish the images; else they are only built", "type": "boolean", "default": true},
        "version": {"description": "What the images are called", "type": "string", "required": true},
    }}});
    let mut workflow = Workflow::new("Build and publish", on);
    let registries = images::registries(group.environment);
    if images::has_passwords(&registries) {
        workflow.on["workflow_call"]["secrets"] = json!({"REGISTRY_PASSWORD": {"required": false}});
    }
    let built = images::built(group.environment, output);
    let names: Vec<&str> = built.values().map(|it| it.0.as_str()).collect();
    workflow.job("image", image(&built, &registries));
    let scans = scans(&built);
    if !scans.is_empty() {
        workflow.job("scan", scan(&scans, &registries));
    }
    let needs = ["image"].into_iter().chain((!scans.is_empty()).then_some("scan"));
    workflow.job("images", images_job(&names).needing(needs));
    workflow
}

/// What a caller has to allow.
pub(super) fn permissions(group: &Group<'_>, output: &mut Output<'_>) -> Permissions {
    let mut permissions = images::permissions(&images::registries(group.environment), "write");
    let built = images::built(group.environment, output);
    if scans(&built).iter().any(|it| it["report"] == true) {
        permissions.insert("security-events", "write");
    }
    permissions
}

fn image(built: &Built<'_>, registries: &[images::Registry]) -> Job {
    let include: Vec<Value> =
        built.iter().map(|(repository, (owner, build))| entry(repository, owner, build)).collect();
    let emulated = built.values().flat_map(|it| &it.1.platforms).any(|it| it != "linux/amd64");
    let mut job = Job::new("Image of ${{ matrix.service }}", 60);
    job.permissions = images::permissions(registries, "write");
    job.strategy = Some(json!({"fail-fast": false, "matrix": {"include": include}}));
    job.steps.push(action::checkout());
    job.steps.extend(images::sign_in(registries).into_iter().map(|it| it.when("inputs.push")));
    if emulated {
        job.steps.push(action::SETUP_QEMU.step("Set up other platforms"));
    }
    job.steps.push(action::SETUP_BUILDX.step("Set up Buildx"));
    job.steps.push(build_step());
    let record = "mkdir images\njq --null-input --arg repository \"$REPOSITORY\" --arg digest \"$DIGEST\" \\\n  '{($repository): $digest}' > \"images/$SERVICE.json\"\n";
    job.steps.push(
        Step::run("Write down the digest", record)
            .when("inputs.push")
            .env("DIGEST", "${{ steps.build.outputs.digest }}")
            .env("REPOSITORY", "${{ matrix.repository }}")
            .env("SERVICE", "${{ matrix.service }}"),
    );
    let keep = action::UPLOAD.step("Keep the digest").when("inputs.push");
    job.steps.push(
        keep.with("name", "image-${{ matrix.service }}").with("path", "images").with("retention-days", 5),
    );
    job
}

fn build_step() -> Step {
    let labels = "org.opencontainers.image.revision=${{ github.sha }}\n\
                  org.opencontainers.image.source=${{ github.server_url }}/${{ github.repository }}\n\
                  org.opencontainers.image.version=${{ inputs.version }}\n";
    action::BUILD_PUSH
        .step("Build")
        .id("build")
        .with("build-args", "${{ matrix.args }}")
        .with("cache-from", "type=gha,scope=${{ matrix.service }}")
        .with("cache-to", "type=gha,mode=max,scope=${{ matrix.service }}")
        .with("context", "${{ matrix.context }}")
        .with("file", "${{ matrix.file }}")
        .with("labels", labels)
        .with("platforms", "${{ matrix.platforms }}")
        .with("provenance", "mode=max")
        .with("push", "${{ inputs.push }}")
        .with("sbom", true)
        .with("tags", "${{ matrix.repository }}:${{ inputs.version }}")
        .with("target", "${{ matrix.stage }}")
}

fn entry(repository: &str, owner: &ServiceName, build: &Build) -> Value {
    let arg = |name: &str, value: &str| format!("{name}={value}\n");
    let mut args: std::collections::BTreeMap<&str, String> =
        build.args.iter().map(|(name, value)| (name.as_str(), argument(value))).collect();
    if facts::own(build).is_none() {
        args.entry(facts::VERSION).or_insert_with(|| "${{ inputs.version }}".to_owned());
        args.entry(facts::REVISION).or_insert_with(|| "${{ github.sha }}".to_owned());
        args.entry(facts::SOURCE)
            .or_insert_with(|| "${{ github.server_url }}/${{ github.repository }}".to_owned());
    }
    let args: String = args.iter().map(|(name, value)| arg(name, value)).collect();
    let platforms =
        if build.platforms.is_empty() { "linux/amd64".to_owned() } else { build.platforms.join(",") };
    json!({
        "service": owner,
        "repository": text::literal(repository),
        "context": text::literal(&build.context),
        "file": text::literal(&facts::dockerfile(owner, build)),
        "platforms": text::literal(&platforms),
        "stage": text::literal(build.stage.as_deref().unwrap_or_default()),
        "args": args,
    })
}

fn argument(value: &str) -> String {
    Template::parse(value).write(|part| match part {
        Part::Text(text) => text::literal(text),
        Part::Version => "${{ inputs.version }}".to_owned(),
        Part::Other(name) if name == "git.sha" => "${{ github.sha }}".to_owned(),
        Part::Other(name) | Part::Secret(name) => text::literal(&format!("${{{name}}}")),
    })
}

fn scans(built: &Built<'_>) -> Vec<Value> {
    let scans = built.iter().filter_map(|(repository, (owner, build))| {
        let scan = build.scan.as_ref()?;
        Some(json!({
            "service": owner,
            "repository": text::literal(repository),
            "severity": severities(scan),
            "ignore": text::literal(&scan.ignore.join("\n")),
            "report": scan.report.as_deref() == Some("sarif"),
        }))
    });
    scans.collect()
}

/// The spec's level and all above it.
fn severities(scan: &Scan) -> String {
    let all = [
        (ScanLevel::Low, "LOW"),
        (ScanLevel::Medium, "MEDIUM"),
        (ScanLevel::High, "HIGH"),
        (ScanLevel::Critical, "CRITICAL"),
    ];
    let counted: Vec<&str> = all.into_iter().filter(|it| scan.fail_on <= it.0).map(|it| it.1).collect();
    counted.join(",")
}

/// The report goes where people look at findings; the gate is what stops a release.
fn scan(scans: &[Value], registries: &[images::Registry]) -> Job {
    let reported = scans.iter().any(|it| it["report"] == true);
    let mut job = Job::new("Scan of ${{ matrix.service }}", 20).needing(["image"]);
    job.condition = Some("inputs.push".to_owned());
    job.permissions = images::permissions(registries, "read");
    job.strategy = Some(json!({"fail-fast": false, "matrix": {"include": scans}}));
    job.steps.push(
        action::DOWNLOAD
            .step("Take the digest")
            .with("name", "image-${{ matrix.service }}")
            .with("path", "images"),
    );
    job.steps.extend(images::sign_in(registries));
    let find = "echo \"reference=$REPOSITORY@$(jq --raw-output '.[env.REPOSITORY]' images/*.json)\" >> \"$GITHUB_OUTPUT\"\nprintf '%s\\n' \"$IGNORE\" > .trivyignore\n";
    job.steps.push(
        Step::run("Find the image", find)
            .id("image")
            .env("IGNORE", "${{ matrix.ignore }}")
            .env("REPOSITORY", "${{ matrix.repository }}"),
    );
    let trivy = |name: &str| {
        action::TRIVY
            .step(name)
            .with("image-ref", "${{ steps.image.outputs.reference }}")
            .with("scanners", "vuln")
            .with("trivyignores", ".trivyignore")
    };
    if reported {
        job.permissions.insert("security-events", "write");
        let report = trivy("Report").when("matrix.report");
        job.steps.push(report.with("format", "sarif").with("output", "findings.sarif"));
        let upload = action::SARIF.step("Upload the report").when("matrix.report");
        job.steps.push(
            upload.with("category", "image-${{ matrix.service }}").with("sarif_file", "findings.sarif"),
        );
    }
    let gate = trivy("Stop at findings of ${{ matrix.severity }}");
    job.steps
        .push(gate.with("exit-code", "1").with("format", "table").with("severity", "${{ matrix.severity }}"));
    job
}

/// One file for what follows: it exists only if every image was built and passed its scan.
fn images_job(services: &[&str]) -> Job {
    let mut job = Job::new("Digests", 5);
    job.condition = Some("inputs.push".to_owned());
    let download = action::DOWNLOAD.step("Take the digests").with("pattern", "image-*");
    job.steps.push(download.with("path", "digests").with("merge-multiple", true));
    let expected =
        services.iter().map(|it| shell::word(&format!("digests/{it}.json"))).collect::<Vec<_>>().join(" ");
    job.steps.push(Step::run(
        "Put them together",
        format!("jq --slurp add {expected} > images.json\ncat images.json\n"),
    ));
    job.steps.push(action::UPLOAD.step("Keep them").with("name", IMAGES).with("path", "images.json"));
    job
}
