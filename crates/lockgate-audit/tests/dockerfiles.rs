//! Single Dockerfiles: what is reported in them, and what looks like it and is not.

use lockgate_audit::{Listing, audit, without_stage};
use lockgate_diagnostics::Source;
use lockgate_model::SourceId;

/// The codes that a file of this name and text shows.
fn codes_in(name: &str, text: &str) -> Vec<String> {
    let sources = [Source { name: name.to_owned(), text: text.to_owned() }];
    audit(&sources, &Listing::unknown()).diagnostics.iter().map(|it| it.code.to_string()).collect()
}

fn codes(text: &str) -> Vec<String> {
    codes_in("Dockerfile", text)
}

#[track_caller]
fn shows(code: &str, texts: &[&str]) {
    for text in texts {
        assert_eq!(codes(text), [code], "{text}");
    }
}

#[track_caller]
fn clean(texts: &[&str]) {
    for text in texts {
        assert!(codes(text).is_empty(), "{text}\n{:?}", codes(text));
    }
}

#[test]
fn bases_that_move_are_reported() {
    shows(
        "LG731",
        &[
            "FROM nginx\n",
            "FROM --platform=linux/amd64 debian:latest AS a\n",
            "FROM registry.example.com:5000/shop/base\n",
            "FROM node AS a\nFROM node AS b\n",
            "FROM node:24 AS node\nFROM alpine\nCOPY --from=node /a /b\n",
        ],
    );
    clean(&[
        "FROM scratch\n",
        "FROM node:24-slim AS base\nFROM base AS deps\nFROM BASE\n",
        "ARG BASE=node:24\nFROM $BASE\n",
        "ARG V\nFROM node:${V}\n",
        "FROM nginx@sha256:0123\n",
        "FROM shared-base\nRUN make\n",
    ]);
}

#[test]
fn programs_of_root_are_reported() {
    shows(
        "LG732",
        &[
            "FROM node:24-slim\nCMD [\"node\", \"a.js\"]\n",
            "FROM node:24-slim\nUSER node\nUSER root\nCMD [\"node\", \"a.js\"]\n",
            "FROM debian:13 AS base\nENTRYPOINT [\"/app\"]\nFROM base\nENV A=b\n",
            "FROM node:24 AS build\nUSER node\nFROM node:24-slim\nCMD [\"node\", \"a.js\"]\n",
            "FROM example.com/base:1\nUSER 0:0\nENTRYPOINT [\"/app\"]\n",
            "FROM docker.io/library/alpine:3.22\nCMD [\"/app\"]\n",
        ],
    );
    clean(&[
        "FROM node:24-slim AS base\nUSER node\nFROM base\nCMD [\"node\", \"a.js\"]\n",
        "FROM node:24-slim\nARG WHO=node\nUSER $WHO\nCMD [\"node\", \"a.js\"]\n",
        "FROM node:24-slim\nRUN npm ci\n",
        "FROM postgres:18\nUSER root\nRUN apt-get update\n",
        "FROM gcr.io/distroless/static:nonroot\nENTRYPOINT [\"/app\"]\n",
        "FROM debian:13\nRUN apt-get install gosu\nENTRYPOINT [\"/start\"]\n",
        "FROM alpine:3.22\nENTRYPOINT [\"/docker-entrypoint.sh\"]\nCMD [\"app\"]\n",
        "FROM php:8.4-fpm\nCMD [\"php-fpm\"]\n",
        "FROM alpine:3.22\nRUN apk add nginx\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
    ]);
}

#[test]
fn values_of_secrets_are_reported() {
    shows(
        "LG733",
        &[
            "FROM node:24\nENV API_KEY=8sd7f6hsd\n",
            "FROM node:24\nENV PORT=1 DB_PASSWORD=\"hunter two\"\n",
            "FROM node:24\nENV DB_PASSWORD hunter2\n",
            "FROM node:24\nENV API_SECRET=abc\n",
            "ARG NPM_TOKEN=npm_a8s7d6f\nFROM node:24\n",
        ],
    );
    clean(&[
        "FROM node:24\nARG NPM_TOKEN\nENV NPM_TOKEN=$NPM_TOKEN\n",
        "FROM node:24\nENV DB_PASSWORD=\"\" DB_PASSWORD_FILE=/run/secrets/db MAX_TOKENS=4096\n",
        "FROM node:24\nENV JWT_SECRET=/run/secrets/jwt SECRET_NAME=production\n",
        "FROM node:24\nENV AUTH_SECRET=dummy NEXT_PUBLIC_MAP_API_KEY=sdf87sdf\n",
        "FROM node:24\nENV TOKEN=off PRIMARY_KEY=user_id\n",
    ]);
}

#[test]
fn shells_before_programs_are_reported() {
    shows(
        "LG734",
        &[
            "FROM node:24\nUSER node\nCMD node a.js\n",
            "FROM node:24\nUSER node\nENTRYPOINT node a.js\n",
            "FROM node:24\nUSER node\nCMD npx migrate && \\\n  node a.js\n",
            "FROM node:24\nUSER node\nCMD ['node', 'a.js']\n",
        ],
    );
    clean(&[
        "FROM node:24\nUSER node\nCMD exec node a.js\n",
        "FROM node:24\nUSER node\nCMD npx migrate && exec node a.js\n",
        "FROM node:24\nUSER node\nCMD node a.js\nCMD [ \"node\", \"a.js\" ]\n",
        "FROM node:24 AS dev\nCMD npm start\nFROM dev\nUSER node\nENTRYPOINT [\"node\"]\n",
        "FROM node:24\nUSER node\nENTRYPOINT [\"dumb-init\", \"--\"]\nCMD node a.js\n",
        "FROM node:24 AS build\nCMD npm start\nFROM node:24-slim\nUSER node\nCMD [\"node\", \"a.js\"]\n",
    ]);
}

#[test]
fn health_checks_of_another_port_are_reported() {
    let file = |lines: &str| format!("FROM node:24-alpine\nUSER node\n{lines}\nCMD [\"node\", \"a.js\"]\n");
    for lines in [
        "EXPOSE 3000\nHEALTHCHECK CMD wget -q http://localhost:8080/",
        "EXPOSE 3000/tcp 3001\nHEALTHCHECK --interval=30s CMD [\"wget\", \"http://127.0.0.1:30000/\"]",
        "ENV PORT=3000\nEXPOSE 3000\nHEALTHCHECK CMD wget -q http://localhost/healthz || exit 1",
    ] {
        shows("LG735", &[&file(lines)]);
    }
    for lines in [
        "EXPOSE 3000\nHEALTHCHECK CMD wget -q http://localhost:3000/",
        "EXPOSE 3000\nEXPOSE 9090\nHEALTHCHECK CMD wget -q http://localhost:9090/",
        "EXPOSE 3000\nENV HEALTH_PORT=8080\nHEALTHCHECK CMD wget -q http://localhost:8080/",
        "EXPOSE $PORT\nHEALTHCHECK CMD wget -q http://localhost:8080/",
        "EXPOSE 3000\nHEALTHCHECK CMD wget -q http://localhost:${PORT}/",
        "EXPOSE 3000\nHEALTHCHECK CMD wget -q http://db:8080/",
        "EXPOSE 3000\nHEALTHCHECK NONE",
        "HEALTHCHECK CMD wget -q http://localhost:8080/",
    ] {
        clean(&[&file(lines)]);
    }
    clean(&["FROM example.com/base:1\nEXPOSE 3000\nHEALTHCHECK CMD wget http://localhost:8080/\n"]);
}

#[test]
fn health_checks_with_a_program_that_is_not_there_are_reported() {
    let curl = "HEALTHCHECK --timeout=3s CMD curl -f http://localhost:3000/ || exit 1\n";
    shows(
        "LG736",
        &[
            &format!("FROM node:24-slim\n{curl}"),
            &format!(
                "FROM debian:trixie-slim AS base\nFROM base\nRUN apt-get install -y ca-certificates\n{curl}"
            ),
            &format!("FROM node:24 AS build\nRUN apt-get install curl\nFROM node:24-slim\n{curl}"),
            "FROM python:3.13-slim\nHEALTHCHECK CMD [\"nc\", \"-z\", \"localhost\", \"80\"]\n",
            "FROM rust:1-slim\nCOPY --from=a /app /usr/local/bin/\nHEALTHCHECK CMD wget -q http://localhost\n",
        ],
    );
    clean(&[
        &format!("FROM node:24\n{curl}"),
        &format!("FROM example.com/node:24-slim\n{curl}"),
        &format!("FROM node:24-slim AS base\nRUN apt-get install -y curl\nFROM base\n{curl}"),
        &format!("FROM node:24-slim\nCOPY --from=curlimages/curl:8.1 /usr/bin/curl /usr/bin/\n{curl}"),
        &format!("FROM node:24-slim\nCOPY --from=tools /usr/local /usr/local\n{curl}"),
        &format!("FROM node:24-slim\nRUN apt-get install -y $PACKAGES\n{curl}"),
        &format!("FROM node:24-slim\nRUN <<EOF\napt-get install -y curl\nEOF\n{curl}"),
        &format!("FROM node:24-slim\nRUN ./install\n{curl}"),
        "FROM python:3.13-slim\nRUN apt-get install netcat-openbsd\nHEALTHCHECK CMD nc -z localhost 80\n",
        "FROM node:24-slim\nHEALTHCHECK CMD curl -f http://localhost || node check.js\n",
        "FROM node:24-slim\nHEALTHCHECK CMD node check.js\n",
    ]);
}

#[test]
fn stages_that_are_not_there_are_reported() {
    let text = "FROM golang:1.25 AS build\nFROM scratch AS Runtime\n".to_owned();
    let source = Source { name: "Dockerfile".to_owned(), text };
    let code = |stage| without_stage(&source, SourceId(0), "web", stage).map(|it| it.code.to_string());
    assert_eq!(code("production").as_deref(), Some("LG737"));
    for there in ["build", "runtime", "1", "$STAGE"] {
        assert_eq!(code(there), None, "{there}");
    }
    let empty = Source { name: "Dockerfile".to_owned(), text: String::new() };
    assert!(without_stage(&empty, SourceId(0), "web", "production").is_none());
}

#[test]
fn what_is_not_for_production_is_left_alone() {
    let bad = "FROM node\nENV API_KEY=8sd7f6hsd\nCMD npm start\n";
    assert_eq!(codes_in("web/Dockerfile", bad), ["LG731", "LG733", "LG732", "LG734"]);
    for name in [
        "Dockerfile.dev",
        "test/Dockerfile",
        "Dockerfile.development",
        "local.dockerfile",
        ".devcontainer/Dockerfile",
    ] {
        assert!(codes_in(name, bad).is_empty(), "{name}");
    }
    assert_eq!(codes_in("devices/test-bench/Dockerfile.prod", bad).len(), 4);
    assert!(codes_in("notes.md", &format!("```dockerfile\n{bad}```\n")).is_empty());
    assert_eq!(codes_in("notes.md", &format!("```dockerfile\n# Dockerfile\n{bad}```\n")).len(), 4);
}
