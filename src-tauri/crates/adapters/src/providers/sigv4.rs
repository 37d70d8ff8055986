//! AWS Signature Version 4, for POST and GET with a body that is at hand. Ours, because the maintained crate brings
//! four others of its SDK along; checked with the published vectors.

use crate::Secret;
use aws_lc_rs::{digest, hmac};
use carillon_model::Moment;
use url::Url;

/// Who signs, and for what.
pub(super) struct Scope<'a> {
    pub key_id: &'a str,
    pub secret: &'a Secret,
    pub region: &'a str,
    pub service: &'a str,
}

/// The headers `x-amz-date` and `authorization` for this request. `headers` are signed too, besides `host`.
pub(super) fn sign(
    scope: &Scope<'_>,
    method: &str,
    url: &Url,
    headers: &[(&str, &str)],
    body: &[u8],
    now: Moment,
) -> (String, String) {
    let stamp = now.format("%Y%m%dT%H%M%SZ").to_string();
    let day = &stamp[..8];
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let mut signed: Vec<(String, String)> = vec![("host".into(), host), ("x-amz-date".into(), stamp.clone())];
    let given = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    signed.extend(given);
    signed.sort();
    let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = signed
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let path = canonical_path(url.path());
    let query = canonical_query(url);
    let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{}", hash(body));
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let text = format!(
        "AWS4-HMAC-SHA256\n{stamp}\n{place}\n{}",
        hash(canonical.as_bytes())
    );
    let mut key = mac(format!("AWS4{}", scope.secret.expose()).as_bytes(), day);
    for part in [scope.region, scope.service, "aws4_request"] {
        key = mac(key.as_ref(), part);
    }
    let signature = hex(mac(key.as_ref(), &text).as_ref());
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{place}, SignedHeaders={names}, Signature={signature}",
        scope.key_id
    );
    (stamp, authorization)
}

/// Each segment is encoded once more: the services used here want that.
fn canonical_path(path: &str) -> String {
    let once: Vec<String> = path.split('/').map(encoded).collect();
    once.join("/")
}

fn canonical_query(url: &Url) -> String {
    let pairs = url.query_pairs();
    let mut pairs: Vec<(String, String)> = pairs
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// All but the unreserved characters of RFC 3986 §2.3 as `%XX`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn signature(method: &str, target: &str) -> String {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into());
        let scope = Scope {
            key_id: "AKIDEXAMPLE",
            secret: &secret,
            region: "us-east-1",
            service: "service",
        };
        let url = Url::parse(&format!("https://example.amazonaws.com{target}")).unwrap();
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let (_, authorization) = sign(&scope, method, &url, &[], b"", now);
        authorization.rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn the_published_vectors_come_out() {
        for (method, target, expected) in [
            (
                "GET",
                "/",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "GET",
                "/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "POST",
                "/",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
        ] {
            assert_eq!(signature(method, target), expected, "{method} {target}");
        }
    }
}
