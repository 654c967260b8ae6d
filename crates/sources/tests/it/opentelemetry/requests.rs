//! What exporters send: protobuf or JSON, packed or not.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{SHA, request, send, span, told};

/// A run, its task that deploys, and a request to a web server, as PyPI's `opentelemetry-proto` 1.45.2 writes them: with
/// scope, schema, trace state, flags, events and counts that are not read here.
const PROTOBUF: &str = concat!(
    "Cq4HCvgBChQKDHNlcnZpY2UubmFtZRIECgJjaQocChRjaWNkLnBpcGVsaW5lLnJ1bi5pZBIEGNCwBwoeChJjaWNkLnBpcGVsaW5l",
    "Lm5hbWUSCAoGRGVwbG95Cj4KF3Zjcy5yZXBvc2l0b3J5LnVybC5mdWxsEiMKIWh0dHBzOi8vZ2l0LmV4YW1wbGUvYWNtZS9jYXJ0",
    "LmdpdApDChV2Y3MucmVmLmhlYWQucmV2aXNpb24SKgooMWYyZTNkNGM1YjZhNzk4ODAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nwob",
    "ChF2Y3MucmVmLmhlYWQubmFtZRIGCgRtYWluEAMSsAUKAwoBeBJ4ChBbjv/3mAOBA9JptjOBP8YMEgju4Zt+w8GxdBoDaz12KgpS",
    "VU4gRGVwbG95MAI5AECNpzyJFhhBAF2/noKJFhhKIQoUY2ljZC5waXBlbGluZS5yZXN1bHQSCQoHc3VjY2Vzc1oIEgZxdWV1ZWR6",
    "AhgBhQEBAAAAEqMDChBbjv/3mAOBA9JptjOBP8YMEgju4Zt+w8GxdSII7uGbfsPBsXQqBmRlcGxveTABOQCY1J9KiRYYQQCgqoh0",
    "iRYYSikKF2NpY2QucGlwZWxpbmUudGFzay5uYW1lEg4KDGRlcGxveSB0byBldUoiChljaWNkLnBpcGVsaW5lLnRhc2sucnVuLmlk",
    "EgUKA3QtM0ojChdjaWNkLnBpcGVsaW5lLnRhc2sudHlwZRIICgZkZXBsb3lKKgodY2ljZC5waXBlbGluZS50YXNrLnJ1bi5yZXN1",
    "bHQSCQoHZmFpbHVyZUorChtkZXBsb3ltZW50LmVudmlyb25tZW50Lm5hbWUSDAoKcHJvZHVjdGlvbkotChRjb250YWluZXIuaW1h",
    "Z2UubmFtZRIVChNyLmV4YW1wbGUvc2hvcC9jYXJ0Si0KFGNvbnRhaW5lci5pbWFnZS50YWdzEhUqEwoHCgUxLjIuMwoICgZsYXRl",
    "c3RKGgoPc2VydmljZS52ZXJzaW9uEgcKBTEuMi4zSgcKAXgSAhABeg8SC2V4aXQgY29kZSAxGAISYAoQW47/95gDgQPSabYzgT/G",
    "DCoFR0VUIC85AQAAAAAAAABBAgAAAAAAAABKHAoTaHR0cC5yZXF1ZXN0Lm1ldGhvZBIFCgNHRVRKFQoMc2VydmljZS5uYW1lEgUK",
    "A3dlYhonaHR0cHM6Ly9vcGVudGVsZW1ldHJ5LmlvL3NjaGVtYXMvMS4zOC4w",
);

/// The same in JSON.
fn written() -> Value {
    let resource = json!({"service.name": "ci", "cicd.pipeline.run.id": 120_912, "cicd.pipeline.name": "Deploy",
        "vcs.repository.url.full": "https://git.example/acme/cart.git", "vcs.ref.head.revision": SHA,
        "vcs.ref.head.name": "main"});
    let mut run = span("eee19b7ec3c1b174", 2, &json!({"cicd.pipeline.result": "success"}));
    run["status"] = json!({"code": "STATUS_CODE_OK"});
    run["kind"] = json!("SPAN_KIND_SERVER");
    let mut task = span(
        "eee19b7ec3c1b175",
        1,
        &json!({"cicd.pipeline.task.name": "deploy to eu",
        "cicd.pipeline.task.run.id": "t-3", "cicd.pipeline.task.type": "deploy",
        "cicd.pipeline.task.run.result": "failure", "deployment.environment.name": "production",
        "container.image.name": "r.example/shop/cart", "container.image.tags": ["1.2.3", "latest"],
        "service.version": "1.2.3", "x": true}),
    );
    task["startTimeUnixNano"] = json!(1_735_725_660_000_000_000_u64);
    task["endTimeUnixNano"] = json!("1735725840000000000");
    task["status"] = json!({"code": 2, "message": "exit code 1"});
    task["parentSpanId"] = Value::Null;
    let other = span("", 3, &json!({"http.request.method": "GET", "service.name": "web"}));
    request(&resource, vec![run, task, other])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_run_its_stage_and_its_deployment() {
    insta::assert_snapshot!(told(&written()), @r#"
    pipeline_run ci/120912
      branch: "main"
      component: "acme/cart"
      finished_at: "2025-01-01T10:05:00.5Z"
      id: "120912"
      marks: ["repository:acme/cart","pipeline:Deploy","service:ci"]
      name: "Deploy"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      started_at: "2025-01-01T10:00:00Z"
      status: "succeeded"
      updated_at: "2025-01-01T10:05:00.5Z"
    pipeline_run ci/120912
      component: "acme/cart"
      id: "120912"
      marks: ["repository:acme/cart","pipeline:Deploy","service:ci"]
      name: "Deploy"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      stage.t-3: {"name":"deploy to eu","status":"failed","started_at":"2025-01-01T10:01:00Z","finished_at":"2025-01-01T10:04:00Z"}
      updated_at: "2025-01-01T10:04:00Z"
    deployment ci/120912/t-3
      branch: "main"
      component: "acme/cart"
      environment: "production"
      finished_at: "2025-01-01T10:04:00Z"
      id: "120912/t-3"
      images: ["r.example/shop/cart:1.2.3"]
      marks: ["repository:acme/cart","pipeline:Deploy","service:ci","image:r.example/shop/cart"]
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      started_at: "2025-01-01T10:01:00Z"
      status: "failed"
      status_reason: "exit code 1"
      updated_at: "2025-01-01T10:04:00Z"
      version: "1.2.3"
    "#);
}

#[test]
fn protobuf_json_and_packed_bodies_say_the_same() {
    let protobuf = STANDARD.decode(PROTOBUF).unwrap();
    let json = written().to_string().into_bytes();
    let wanted = send(&[("content-type", "application/json")], &json).unwrap();
    assert_eq!(wanted.events.len(), 3);
    let zstd = zstd::encode_all(&*protobuf, 1).unwrap();
    for (kind, encoding, body) in [
        ("application/x-protobuf", "", protobuf.clone()),
        ("application/x-protobuf", "gzip", gzip(&protobuf)),
        ("Application/X-Protobuf; v=1", "zstd", zstd),
        ("application/json", "gzip", gzip(&json)),
        ("application/json; charset=utf-8", "identity", json),
    ] {
        let parsed = send(&[("Content-Type", kind), ("Content-Encoding", encoding)], &body).unwrap();
        assert_eq!(parsed, wanted, "{kind} {encoding}");
    }
}

#[test]
fn what_cannot_be_unpacked_or_read_is_a_problem() {
    let (protobuf, gzipped) = (STANDARD.decode(PROTOBUF).unwrap(), gzip(b"{}"));
    let kind = ("content-type", "application/x-protobuf");
    let code = |headers: &[(&str, &str)], body: &[u8]| send(headers, body).unwrap_err().code.text();
    assert_eq!(code(&[("content-encoding", "gzip")], b"{}"), "wrong_type");
    assert_eq!(code(&[("content-encoding", "zstd")], b"{}"), "wrong_type");
    assert_eq!(code(&[("content-encoding", "gzip")], &gzipped[..gzipped.len() - 4]), "wrong_type");
    assert_eq!(code(&[("content-encoding", "br")], b"{}"), "unsupported_media_type");
    assert_eq!(code(&[kind], &protobuf[..protobuf.len() - 1]), "wrong_type");
    assert_eq!(code(&[kind], b"{}"), "wrong_type");
    let bomb = gzip(&vec![b' '; (64 << 20) + 1]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(code(&[("content-encoding", "gzip")], &bomb), "body_too_large");
    for (body, problem) in [
        (json!([]), "expected a request of OTLP, found a list (not_an_object)"),
        (
            json!({"resourceLogs": []}),
            "`resourceSpans` is missing or empty: a request to export traces has them. (missing_field)",
        ),
        (
            request(&json!({}), vec![json!({"traceId": "xyz"})]),
            "not a request of OTLP: expected an id in hexadecimal digits (wrong_type)",
        ),
    ] {
        assert_eq!(told(&body), problem);
    }
}

#[test]
fn what_is_of_no_pipeline_is_counted_and_ignored() {
    let web = span("eee19b7ec3c1b174", 3, &json!({"http.request.method": "GET"}));
    assert_eq!(
        told(&request(&json!({"service.name": "web"}), vec![web.clone(), web])),
        "ignored: none of the 2 spans is of a pipeline, a task or a deployment"
    );
    assert_eq!(told(&json!({"resourceSpans": []})), "ignored: there are no spans");
    let parsed = send(&[("content-type", "application/x-protobuf")], b"").unwrap();
    assert_eq!(parsed.ignored.as_deref(), Some("there are no spans"));
}

#[test]
fn protobuf_cut_or_bent_anywhere_is_read_or_refused() {
    let protobuf = STANDARD.decode(PROTOBUF).unwrap();
    let kind = [("content-type", "application/x-protobuf")];
    let mut refused = 0;
    for place in 0..protobuf.len() {
        let mut bent = protobuf.clone();
        bent[place] ^= 0x55;
        for body in [&protobuf[..place], &bent] {
            match send(&kind, body) {
                Ok(parsed) => assert!(!parsed.events.is_empty() || parsed.ignored.is_some(), "nothing is dropped"),
                Err(problem) => refused += usize::from(problem.message.len() < 1_000),
            }
        }
    }
    assert!(refused > protobuf.len() / 2, "{refused}");
}
