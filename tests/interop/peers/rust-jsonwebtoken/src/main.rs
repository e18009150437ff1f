//! Rust's jsonwebtoken: public keys as JWK, private ones as PEM, which is what the library takes.

use std::io::{self, BufRead, Write};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{decode, decode_header, encode, Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{json, Value};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const ALGORITHMS: [&str; 12] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
];

fn text<'a>(value: &'a Value, name: &str) -> Outcome<&'a str> {
    value[name].as_str().ok_or_else(|| format!("{name} is missing").into())
}

fn algorithm(name: &str) -> Outcome<Algorithm> {
    Ok(name.parse::<Algorithm>()?)
}

struct Entry {
    kid: Option<String>,
    key: DecodingKey,
    algorithms: Vec<String>,
    validation: Validation,
}

/// The algorithms of the policy that a JWK admits: its own, or what its type can do.
fn admitted(jwk: &Value, allowed: &Value) -> Vec<String> {
    let kty = jwk["kty"].as_str().unwrap_or_default();
    let all = allowed.as_array().map(Vec::as_slice).unwrap_or_default();
    let fits = |alg: &&str| match jwk["alg"].as_str() {
        Some(own) => own == *alg,
        None => match kty {
            "oct" => alg.starts_with("HS"),
            "RSA" => alg.starts_with("RS") || alg.starts_with("PS"),
            "EC" => alg.starts_with("ES"),
            _ => alg.starts_with("Ed"),
        },
    };
    all.iter()
        .filter_map(Value::as_str)
        .filter(fits)
        .filter(|alg| ALGORITHMS.contains(alg))
        .map(str::to_string)
        .collect()
}

fn policy(rules: &Value) -> Outcome<Vec<Entry>> {
    let set: JwkSet = serde_json::from_value(rules["jwks"].clone())?;
    let mut entries = Vec::new();
    for (jwk, raw) in set
        .keys
        .iter()
        .zip(rules["jwks"]["keys"].as_array().into_iter().flatten())
    {
        let algorithms = admitted(raw, &rules["algs"]);
        let Some(first) = algorithms.first() else { continue }; // a set may hold keys that are not for us
        let mut validation = Validation::new(algorithm(first)?);
        validation.algorithms = algorithms.iter().map(|name| algorithm(name)).collect::<Outcome<_>>()?;
        validation.set_issuer(&[text(rules, "issuer")?]);
        validation.set_audience(&[text(rules, "audience")?]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = 0;
        entries.push(Entry {
            kid: jwk.common.key_id.clone(),
            key: DecodingKey::from_jwk(jwk)?,
            algorithms,
            validation,
        });
    }
    Ok(entries)
}

fn check(entries: &[Entry], token: &str) -> Outcome<Value> {
    let header = decode_header(token)?;
    let name = serde_json::to_value(header.alg)?;
    let fits: Vec<&Entry> = if entries.len() == 1 && entries[0].kid.is_none() {
        entries.iter().collect()
    } else if let Some(kid) = header.kid {
        entries
            .iter()
            .filter(|entry| entry.kid.as_ref() == Some(&kid))
            .collect()
    } else {
        entries
            .iter()
            .filter(|entry| entry.algorithms.iter().any(|alg| *alg == name))
            .collect()
    };
    match fits[..] {
        [entry] => Ok(decode::<Value>(token, &entry.key, &entry.validation)?.claims),
        _ => Err(format!("{} keys fit", fits.len()).into()),
    }
}

/// The library wants the padding that a JWK has not.
fn padded(secret: &str) -> String {
    format!("{secret}{}", "=".repeat((4 - secret.len() % 4) % 4))
}

fn private_key(request: &Value) -> Outcome<EncodingKey> {
    let pem = request["pem"].as_str().unwrap_or_default().as_bytes();
    Ok(match &text(request, "alg")?[..2] {
        "HS" => EncodingKey::from_urlsafe_base64_secret(&padded(text(&request["jwk"], "k")?))?,
        "ES" => EncodingKey::from_ec_pem(pem)?,
        "Ed" => EncodingKey::from_ed_pem(pem)?,
        _ => EncodingKey::from_rsa_pem(pem)?,
    })
}

fn sign(request: &Value) -> Outcome<Value> {
    let mut header = Header::new(algorithm(text(request, "alg")?)?);
    header.kid = request["header"]["kid"].as_str().map(str::to_string);
    header.typ = request["header"]["typ"].as_str().map(str::to_string);
    Ok(json!({"token": encode(&header, &request["claims"], &private_key(request)?)?}))
}

fn publish(request: &Value) -> Outcome<Value> {
    let jwk = Jwk::from_encoding_key(&private_key(request)?, algorithm(text(request, "alg")?)?)?;
    Ok(json!({"jwk": serde_json::to_value(jwk)?}))
}

fn judge(policies: &[Vec<Entry>], request: &Value) -> Outcome<Value> {
    let index = request["policy"].as_u64().ok_or("policy is missing")? as usize;
    let entries = policies.get(index).ok_or("no such policy")?;
    let tokens = request["tokens"].as_array().ok_or("tokens are missing")?;
    let one = |token: &Value| check(entries, token.as_str().unwrap_or_default()).unwrap_or(Value::Null);
    Ok(json!({"answers": tokens.iter().map(one).collect::<Vec<_>>()}))
}

fn handle(request: &Value, policies: &mut Vec<Vec<Entry>>) -> Outcome<Value> {
    match text(request, "op")? {
        "hello" => Ok(json!({"library": "Rust jsonwebtoken 11.1.0",
                             "algorithms": ALGORITHMS, "can": ["publish"]})),
        "sign" => sign(request),
        "publish" => publish(request),
        "verify" => Ok(json!({"claims": check(&policy(&request["policy"])?, text(request, "token")?)?})),
        "policies" => {
            let all = request["policies"].as_array().ok_or("policies are missing")?;
            *policies = all.iter().map(policy).collect::<Outcome<_>>()?;
            Ok(json!({}))
        }
        "judge" => judge(policies, request),
        other => Err(format!("no such operation: {other}").into()),
    }
}

fn main() -> io::Result<()> {
    let mut policies = Vec::new();
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let outcome = serde_json::from_str(&line?)
            .map_err(Into::into)
            .and_then(|request| handle(&request, &mut policies));
        let answer = match outcome {
            Ok(mut said) => {
                said["ok"] = json!(true);
                said
            }
            Err(error) => json!({"ok": false, "error": error.to_string()}),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
