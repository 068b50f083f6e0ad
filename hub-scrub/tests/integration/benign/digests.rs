//! Digests, and what is named by a digest or by random bits of the length of one.

use super::random::{BASE62, BASE64, Random, grouped};
use super::shape::Shape;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

const HASHES: &[&str] = &["hash", "checksum", "digest", "sha256", "fingerprint", "content_hash"];

/// The lengths of MD5, SHA-1, SHA-256, SHA-384 and SHA-512, in bytes.
const LENGTHS: &[usize] = &[16, 20, 32, 48, 64];

fn base64_of(random: &mut Random, len: usize) -> String {
    STANDARD.encode(random.bytes(len))
}

fn digest_in_base64(random: &mut Random) -> String {
    let len = random.pick(LENGTHS);
    base64_of(random, len)
}

fn integrity(random: &mut Random) -> String {
    let (name, len) = random.pick(&[("sha256", 32), ("sha384", 48), ("sha512", 64)]);
    format!("{name}-{}", base64_of(random, len))
}

fn etag(random: &mut Random) -> String {
    let tag = match random.below(4) {
        0 => random.hex(32),
        // Objects that came in parts have their number behind the digest.
        1 => format!("{}-{}", random.hex(32), random.between(2, 120)),
        2 => random.text(BASE64, 27),
        _ => format!("{:x}-{:x}", random.milliseconds() / 1000, random.below(1 << 40)),
    };
    format!("{}\"{tag}\"", random.pick(&["", "W/"]))
}

fn ssh_fingerprint(random: &mut Random) -> String {
    match random.below(2) {
        0 => format!("SHA256:{}", STANDARD_NO_PAD.encode(random.bytes(32))),
        _ => format!("MD5:{}", grouped(&random.hex(32), 2, ":")),
    }
}

pub(super) const SHAPES: &[Shape] = &[
    Shape::text("MD5 in hex", HASHES, |r| r.hex(32)),
    Shape::text("SHA-1 in hex", &["sha", "commit", "sha1", "tree"], |r| r.hex(40)),
    Shape::text("SHA-256 in hex", HASHES, |r| r.hex(64)),
    Shape::text("SHA-512 in hex", &["sha512", "digest", "checksum"], |r| r.hex(128)),
    Shape::text("SHA-256 in upper case", &["thumbprint", "hash"], |r| r.hex(64).to_uppercase()),
    Shape::text(
        "digest in base64",
        &["content_md5", "digest", "hash", "x-amz-checksum-sha256"],
        digest_in_base64,
    ),
    Shape::text(
        "subresource integrity",
        &["integrity", "resolved_integrity", "dist_integrity"],
        integrity,
    ),
    Shape::text("ETag", &["etag", "if_none_match", "ETag"], etag),
    Shape::text("S3 version id", &["version_id", "x-amz-version-id", "versionId"], |r| {
        r.text(&format!("{BASE62}._"), 32)
    }),
    Shape::text("S3 request id", &["x-amz-id-2", "host_id"], |r| base64_of(r, 56)),
    Shape::text(
        "SSH fingerprint",
        &["fingerprint", "host_key_fingerprint", "public_key_fingerprint"],
        ssh_fingerprint,
    ),
    Shape::text("fingerprint of a certificate", &["fingerprint", "sha1_fingerprint"], |r| {
        grouped(&r.hex(40).to_uppercase(), 2, ":")
    }),
    Shape::text("short hash of git", &["commit", "revision", "short_sha", "build_sha"], |r| {
        let len = r.between(7, 12) as usize;
        r.hex(len)
    }),
    Shape::text("git describe", &["git_describe", "revision"], |r| {
        format!("v{}.{}.{}-{}-g{}", r.below(9), r.below(20), r.below(9), r.below(300), r.hex(8))
    }),
    Shape::text("traceparent", &["traceparent"], |r| format!("00-{}-{}-01", r.hex(32), r.hex(16))),
    Shape::text("trace id", &["trace_id", "traceId", "x-b3-traceid"], |r| r.hex(32)),
    Shape::text("span id", &["span_id", "spanId", "parent_span_id"], |r| r.hex(16)),
    Shape::value("span id as integer", &["span_id", "dd.span_id", "parent_id"], |r| {
        (r.next() >> 1).into()
    }),
    Shape::text("X-Ray trace id", &["x-amzn-trace-id", "trace"], |r| {
        format!("Root=1-{:08x}-{};Sampled=1", r.milliseconds() / 1000, r.hex(24))
    }),
    Shape::text("blob in base64", &["data", "payload", "state", "body"], |r| {
        let len = r.between(9, 90) as usize;
        base64_of(r, len)
    }),
];
