//! bench DIR: how long the crate jsonwebtoken takes to verify the tokens in DIR and to read their claims. Prints
//! `ALG ns`.
use jsonwebtoken::{decode, Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use std::{fs, hint::black_box, path::Path};

const ROUNDS: usize = 7;
const ROUND_NS: f64 = 25e6;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: i64,
    jti: String,
    email: String,
    roles: Vec<String>,
    plan: String,
}

fn cpu_ns() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

fn time_of(token: &str, key: &DecodingKey, rules: &Validation, count: usize) -> f64 {
    let before = cpu_ns();
    for _ in 0..count {
        let said = decode::<Claims>(token, key, rules).expect("a good token is refused").claims;
        black_box((said.iss.len(), said.sub.len(), said.aud.len(), said.exp, said.iat));
        black_box((said.jti.len(), said.email.len(), said.roles.len(), said.plan.len()));
    }
    (cpu_ns() - before) / count as f64
}

fn main() {
    let directory = std::env::args().nth(1).expect("a directory");
    let file = |name: String| fs::read(Path::new(&directory).join(name)).expect("what the peers need");
    for (name, algorithm) in [
        ("HS256", Algorithm::HS256),
        ("RS256", Algorithm::RS256),
        ("PS256", Algorithm::PS256),
        ("ES256", Algorithm::ES256),
        ("EdDSA", Algorithm::EdDSA),
    ] {
        let pem = |ending: &str| file(format!("{name}.{ending}"));
        let key = match algorithm {
            Algorithm::HS256 => DecodingKey::from_secret(&pem("secret")),
            Algorithm::ES256 => DecodingKey::from_ec_pem(&pem("pem")).expect("a key"),
            Algorithm::EdDSA => DecodingKey::from_ed_pem(&pem("pem")).expect("a key"),
            _ => DecodingKey::from_rsa_pem(&pem("pem")).expect("a key"),
        };
        let token = String::from_utf8(pem("token")).expect("a token");
        let mut rules = Validation::new(algorithm);
        rules.set_issuer(&["https://id.example.com"]);
        rules.set_audience(&["https://api.example.com"]);
        let count = 1.max((ROUND_NS / time_of(&token, &key, &rules, 100)) as usize);
        let mut took: Vec<f64> = (0..ROUNDS).map(|_| time_of(&token, &key, &rules, count)).collect();
        took.sort_by(f64::total_cmp);
        println!("{name} {:.1}", took[ROUNDS / 2]);
    }
}
