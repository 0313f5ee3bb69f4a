//! Signature Version 4: whether a request is signed with the credentials of the server.

use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, Mac};
use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::http::request::Parts;
use sha2::{Digest, Sha256};

use crate::http::ApiError;
use crate::options::Auth;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kinesisvideo";
/// How far a client's clock may be off, in milliseconds.
const SKEW_MS: i64 = 15 * 60 * 1000;
/// Access keys that are remembered after they were replaced.
const OLD_KEYS: usize = 100;

/// What stands for a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payload<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It comes while the request is answered: producers sign as if it were empty, or do not sign it.
    Streamed,
}

/// Checks signatures.
#[derive(Debug)]
pub(crate) struct Guard {
    region: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    auth: Auth,
    expired: Vec<String>,
}

impl Guard {
    pub(crate) fn new(auth: Auth, region: String) -> Self {
        Guard { region, state: Mutex::new(State { auth, expired: Vec::new() }) }
    }

    /// Replaces the credentials; the old ones are known as expired from now on.
    pub(crate) fn replace(&self, auth: Auth) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Auth::SigV4 { access_key_id, .. } = std::mem::replace(&mut state.auth, auth) {
            if state.expired.len() == OLD_KEYS {
                state.expired.remove(0);
            }
            state.expired.push(access_key_id);
        }
    }

    /// Whether the request may be answered at this time (milliseconds since the Unix epoch).
    ///
    /// # Errors
    /// What the service says to a request that is not signed, or not signed right.
    pub(crate) fn check(&self, request: &Parts, payload: Payload<'_>, now_ms: i64) -> Result<(), ApiError> {
        let (key, secret, expired) = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            match &state.auth {
                Auth::Off => return Ok(()),
                Auth::SigV4 { access_key_id, secret_access_key } => {
                    (access_key_id.clone(), secret_access_key.clone(), state.expired.clone())
                }
            }
        };
        let signed = Signed::read(&request.headers)?;
        if signed.key != key {
            if expired.iter().any(|old| old == signed.key) {
                return Err(ApiError::expired_token(EXPIRED));
            }
            return Err(ApiError::unrecognized_client("The security token included in the request is invalid."));
        }
        if signed.region != self.region {
            return Err(ApiError::invalid_signature(format!(
                "Credential should be scoped to a valid region, not '{}'.",
                signed.region
            )));
        }
        if signed.service != SERVICE {
            return Err(ApiError::invalid_signature(format!(
                "Credential should be scoped to correct service: '{SERVICE}'."
            )));
        }
        let at = signed.millis()?;
        if at.abs_diff(now_ms) > SKEW_MS.unsigned_abs() {
            return Err(ApiError::invalid_signature(format!(
                "Signature expired: {} is too far from the time of the server",
                signed.time
            )));
        }
        let hashes = payload_hashes(&request.headers, payload)?;
        let right = hashes.iter().any(|hash| {
            let canonical = canonical_request(request, &signed.headers, hash);
            let scope = format!("{}/{}/{}/aws4_request", signed.date, signed.region, signed.service);
            let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{}", signed.time, hex(&Sha256::digest(canonical)));
            signed.matches(&secret, &to_sign)
        });
        if right { Ok(()) } else { Err(ApiError::invalid_signature(MISMATCH)) }
    }
}

/// What a request with old credentials is told.
pub(crate) const EXPIRED: &str = "The security token included in the request is expired";

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

/// The parts of an `Authorization` header.
struct Signed<'a> {
    key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    headers: Vec<&'a str>,
    signature: Vec<u8>,
    /// `X-Amz-Date`: `20261121T143755Z`.
    time: &'a str,
}

impl<'a> Signed<'a> {
    fn read(headers: &'a HeaderMap) -> Result<Self, ApiError> {
        let incomplete = |what: &str| ApiError::incomplete_signature(format!("Authorization header requires {what}."));
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let value =
            text(AUTHORIZATION.as_str()).ok_or_else(|| ApiError::missing_token("Missing Authentication Token"))?;
        let rest = value.trim().strip_prefix(ALGORITHM).ok_or_else(|| incomplete("AWS4-HMAC-SHA256"))?;
        let (mut credential, mut names, mut signature) = (None, None, None);
        for part in rest.split(',') {
            match part.trim().split_once('=') {
                Some(("Credential", value)) => credential = Some(value),
                Some(("SignedHeaders", value)) => names = Some(value),
                Some(("Signature", value)) => signature = Some(value),
                _ => {}
            }
        }
        let credential: Vec<&str> = credential.ok_or_else(|| incomplete("'Credential'"))?.split('/').collect();
        let &[key, date, region, service, "aws4_request"] = credential.as_slice() else {
            return Err(incomplete("a 'Credential' of key, date, region, service and aws4_request"));
        };
        let headers: Vec<&str> = names.ok_or_else(|| incomplete("'SignedHeaders'"))?.split(';').collect();
        if !headers.contains(&"host") {
            return Err(ApiError::invalid_signature("'Host' must be a 'SignedHeader' in the AWS Authorization."));
        }
        let signature = signature.and_then(unhex).ok_or_else(|| incomplete("'Signature'"))?;
        let time = text("x-amz-date").ok_or_else(|| incomplete("'X-Amz-Date'"))?;
        if time.get(..8) != Some(date) {
            return Err(ApiError::invalid_signature("Date in Credential scope does not match YYYYMMDD of the date."));
        }
        Ok(Signed { key, date, region, service, headers, signature, time })
    }

    /// The time of signing in milliseconds since the Unix epoch.
    fn millis(&self) -> Result<i64, ApiError> {
        let bad = || ApiError::incomplete_signature("X-Amz-Date is not of the form YYYYMMDD'T'HHMMSS'Z'.".to_owned());
        let time = self.time;
        let part = |range: std::ops::Range<usize>| time.get(range).ok_or_else(bad);
        if time.len() != 16 || !time.is_ascii() || part(8..9)? != "T" || part(15..16)? != "Z" {
            return Err(bad());
        }
        let rfc = format!(
            "{}-{}-{}T{}:{}:{}Z",
            part(0..4)?,
            part(4..6)?,
            part(6..8)?,
            part(9..11)?,
            part(11..13)?,
            part(13..15)?
        );
        let time = kineframe_fragment::ServerTimestamp::from_rfc3339(&rfc);
        time.and_then(kineframe_fragment::ServerTimestamp::as_millis).ok_or_else(bad)
    }

    fn matches(&self, secret: &str, to_sign: &str) -> bool {
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [self.date, self.region, self.service, "aws4_request"] {
            key = mac(&key, part.as_bytes()).finalize().into_bytes().to_vec();
        }
        // Takes the same time whatever is wrong.
        mac(&key, to_sign.as_bytes()).verify_slice(&self.signature).is_ok()
    }
}

fn mac(key: &[u8], data: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(data);
    mac
}

/// The hashes that a body may be signed with.
fn payload_hashes(headers: &HeaderMap, payload: Payload<'_>) -> Result<Vec<String>, ApiError> {
    let told = headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
    Ok(match (payload, told) {
        (_, Some("UNSIGNED-PAYLOAD")) => vec!["UNSIGNED-PAYLOAD".to_owned()],
        (Payload::Streamed, Some(told)) => vec![told.to_owned()],
        (Payload::Streamed, None) => vec![hex(&Sha256::digest([])), "UNSIGNED-PAYLOAD".to_owned()],
        (Payload::Whole(body), told) => {
            let hash = hex(&Sha256::digest(body));
            if told.is_some_and(|told| told != hash) {
                return Err(ApiError::invalid_signature(MISMATCH));
            }
            vec![hash]
        }
    })
}

/// The canonical request, as the documentation of Signature Version 4 has it.
fn canonical_request(request: &Parts, signed: &[&str], payload_hash: &str) -> String {
    let mut text = String::new();
    text.push_str(request.method.as_str());
    text.push('\n');
    text.push_str(&encode(request.uri.path(), true));
    text.push('\n');
    let mut query: Vec<(String, String)> = request
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode(name), false), encode(&decode(value), false))
        })
        .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    text.push_str(&query.join("&"));
    text.push('\n');
    for name in signed {
        text.push_str(name);
        text.push(':');
        let values = request.headers.get_all(*name).iter();
        let values: Vec<String> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        text.push_str(&values.join(","));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&signed.join(";"));
    text.push('\n');
    text.push_str(payload_hash);
    text
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(text: &str, path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (path && byte == b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Undoes percent-encoding where it is right.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_440_938_160_000; // 2015-08-30T12:36:00Z

    fn guard() -> Guard {
        let auth = Auth::SigV4 {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
        };
        Guard::new(auth, "us-east-1".into())
    }

    /// A request signed by botocore 1.44.5 (`SigV4Auth`) with the clock at `NOW`.
    fn request(path: &str) -> Parts {
        let request = hyper::Request::post(path)
            .header("host", "127.0.0.1:4567")
            .header("x-amz-date", "20150830T123600Z")
            .header("content-type", "application/json")
            .header("authorization", AUTHORIZATION_OF_BOTOCORE);
        request.body(()).unwrap().into_parts().0
    }

    const AUTHORIZATION_OF_BOTOCORE: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/kinesisvideo/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date, \
        Signature=1aa6d2cc8277dfc71c1ae879edcaaa6c76c3c98a56dea628ffff0eb05447d8f5";
    const BODY: &[u8] = br#"{"StreamName": "door"}"#;

    fn kind(result: Result<(), ApiError>) -> &'static str {
        result.err().map_or("", |error| error.kind)
    }

    #[test]
    fn a_request_of_botocore_is_right_and_any_change_wrong() {
        let guard = guard();
        assert_eq!(guard.check(&request("/describeStream"), Payload::Whole(BODY), NOW), Ok(()));
        let wrong = "InvalidSignatureException";
        assert_eq!(kind(guard.check(&request("/deleteStream"), Payload::Whole(BODY), NOW)), wrong);
        assert_eq!(kind(guard.check(&request("/describeStream?a=b"), Payload::Whole(BODY), NOW)), wrong);
        assert_eq!(kind(guard.check(&request("/describeStream"), Payload::Whole(b"{}"), NOW)), wrong);
        assert_eq!(kind(guard.check(&request("/describeStream"), Payload::Whole(BODY), NOW + SKEW_MS + 1)), wrong);
        let mut other = request("/describeStream");
        other.headers.insert("host", "127.0.0.1:4568".parse().unwrap());
        assert_eq!(kind(guard.check(&other, Payload::Whole(BODY), NOW)), wrong);
        let other_region = Guard::new(guard.state.into_inner().unwrap().auth, "eu-west-1".into());
        assert_eq!(kind(other_region.check(&request("/describeStream"), Payload::Whole(BODY), NOW)), wrong);
    }

    #[test]
    fn unsigned_unknown_and_expired() {
        let guard = guard();
        let bare = hyper::Request::post("/x").body(()).unwrap().into_parts().0;
        assert_eq!(kind(guard.check(&bare, Payload::Streamed, NOW)), "MissingAuthenticationTokenException");
        guard.replace(Auth::SigV4 { access_key_id: "NEW".into(), secret_access_key: "x".into() });
        let signed = request("/describeStream");
        assert_eq!(kind(guard.check(&signed, Payload::Whole(BODY), NOW)), "ExpiredTokenException");
        let mut stranger = request("/describeStream");
        let value = AUTHORIZATION_OF_BOTOCORE.replace("AKIDEXAMPLE", "AKIDSTRANGER");
        stranger.headers.insert(AUTHORIZATION, value.parse().unwrap());
        assert_eq!(kind(guard.check(&stranger, Payload::Whole(BODY), NOW)), "UnrecognizedClientException");
        for broken in ["", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00"] {
            let mut request = request("/describeStream");
            request.headers.insert(AUTHORIZATION, broken.parse().unwrap());
            assert_eq!(kind(guard.check(&request, Payload::Streamed, NOW)), "IncompleteSignatureException", "{broken}");
        }
    }
}
