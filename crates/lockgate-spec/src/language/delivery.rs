//! What happens to a change before its release: images, checks, and the page of the release.

use super::{BOOL, POSITIVE_SPAN, TEMPLATE, TEXT, TEXTS, key, must, named, one_of, with};
use crate::schema::{Keys, Leaf, NameRule, Pick, Shape, Short};

const INNER_PATH: Shape = Shape::Scalar(Leaf::InnerPath);

pub(super) const BUILD: Shape = Shape::Keys(
    &Keys::new(
        "a build",
        &[
            key(
                "preset",
                one_of(&["rust", "node", "nextjs", "nestjs", "python"]),
                "A Dockerfile for a usual stack; or `dockerfile`.",
            ),
            key("dockerfile", INNER_PATH, "A Dockerfile of your own; or `preset`."),
            with("context", Shape::Scalar(Leaf::ContextPath), ".", "Folder that the build sees."),
            key("base", TEXT, "Image that the runtime stage of a preset begins from."),
            with(
                "user",
                super::number(1, 65_535),
                "1000",
                "Number of the user that a preset's image runs as.",
            ),
            key("stage", TEXT, "Stage of the Dockerfile to stop at."),
            key("package", INNER_PATH, "Folder of the workspace that the service is in."),
            key(
                "args",
                Shape::Named(&named(NameRule::Variable, Shape::Scalar(Leaf::VariableValue))),
                "Build arguments; they are part of the image, so nothing secret belongs there.",
            ),
            with(
                "platforms",
                Shape::Many(&one_of(&["linux/amd64", "linux/arm64"])),
                "linux/amd64",
                "Platforms that the image is for.",
            ),
            key("image", TEMPLATE, "Repository that the image is pushed to, without tag."),
            key("scan", SCAN, "Known weaknesses that stop the release of an image."),
        ],
    )
    .pick(Pick::AtMostOne(&["preset", "dockerfile"]))
    .short(Short::Field("preset")),
);

const SCAN: Shape = Shape::Keys(
    &Keys::new(
        "scan",
        &[
            with(
                "fail_on",
                one_of(&["low", "medium", "high", "critical"]),
                "high",
                "Findings from this level on stop the release.",
            ),
            key(
                "report",
                one_of(&["sarif"]),
                "Form in which findings are uploaded where the code is hosted.",
            ),
            key("ignore", TEXTS, "Findings, by their ids, that were looked at and do not count."),
        ],
    )
    .short(Short::Field("fail_on")),
);

pub(super) const CI: Shape = Shape::Keys(&Keys::new(
    "ci",
    &[
        key(
            "tools",
            Shape::Named(&named(NameRule::Job, TEXT)),
            "Versions of what the commands need, such as `node: \"22\"`.",
        ),
        with("branches", TEXTS, "main", "Branches whose pushes and pull requests are checked."),
        key("install", STEP, "Fetches what the other steps need."),
        key("format", STEP, "Checks the format."),
        key("lint", STEP, "Checks the style, and finds usual mistakes."),
        key("types", STEP, "Checks the types."),
        key("unit", STEP, "Runs the unit tests."),
        key("integration", STEP, "Runs the tests that need real dependencies."),
        key("coverage", STEP, "Measures how much the tests reach."),
        key("benchmark", STEP, "Measures whether it is as fast as before."),
        key("security", STEP, "Looks for known weaknesses in what it is made of."),
        key("e2e", STEP, "Tests the whole as users see it."),
        key("build", STEP, "Checks that it builds."),
    ],
));

const STEP: Shape = Shape::Keys(
    &Keys::new(
        "a step of ci",
        &[
            must("run", Shape::Argvs, "A command, or a list of commands that run one after the other."),
            key(
                "services",
                Shape::Many(&Shape::Scalar(Leaf::DependencyName)),
                "Dependencies that are started for it.",
            ),
            key(
                "env",
                Shape::Named(&named(NameRule::Variable, Shape::Scalar(Leaf::VariableValue))),
                "Variables of the commands.",
            ),
            key("secrets", Shape::Many(&super::SECRET), "Secrets that it is given."),
            with("timeout", POSITIVE_SPAN, "30m", "Longest run."),
            key("keep", Shape::Many(&INNER_PATH), "Files or folders that are kept when it has ended."),
            key("keep_for", POSITIVE_SPAN, "How long they are kept."),
            key("report", INNER_PATH, "Where it writes its report."),
            key("at_least", Shape::Scalar(Leaf::PercentValue), "Coverage below this fails."),
            with("comment", BOOL, "false", "The result is written under the pull request."),
            key("upload", one_of(&["codecov"]), "Service that the report is sent to."),
        ],
    )
    .short(Short::Field("run")),
);

pub(super) const RELEASE: Shape = Shape::Keys(&Keys::new(
    "release",
    &[
        key("tag", TEXT, "Tags that make a release page; those that an environment releases unless said."),
        key("assets", Shape::List(&ASSET), "Files that go with it."),
        key("notes", INNER_PATH, "File with the notes."),
        with("draft", BOOL, "false", "Nobody sees it until somebody publishes it."),
        with("prerelease", BOOL, "false", "It is marked as not yet meant for everybody."),
    ],
));

const ASSET: Shape = Shape::Keys(&Keys::new(
    "an asset",
    &[
        must("name", TEMPLATE, "What it is called."),
        must("path", INNER_PATH, "File, or folder that is packed."),
        key("type", TEXT, "Media type."),
    ],
));
