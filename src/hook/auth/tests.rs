//! Who is let in, and who is not.

use super::*;

const NOW: i64 = 1_700_000_000;

fn headers(list: &[(&'static str, String)]) -> HeaderMap {
    list.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn signed(key: &Key, id: &str, sent: i64, body: &[u8]) -> HeaderMap {
    headers(&key.sign(id, sent, body).unwrap())
}

fn accepts(key: &Key, headers: &HeaderMap, body: &[u8]) -> bool {
    match key.claim(headers, NOW) {
        Claim::Known => true,
        Claim::Signed(signed) => key.verify(&signed, body),
        Claim::Stranger => false,
    }
}

/// The example of the specification of Standard Webhooks.
#[test]
fn the_published_example_is_right() {
    let key = Key::of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let body = br#"{"test": 2432232314}"#;
    let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).unwrap();
    assert_eq!(signature[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn a_right_signature_is_accepted_and_a_wrong_one_is_not() {
    let key = Key::of("a secret of some length");
    let body = b"{}";
    assert!(accepts(&key, &signed(&key, "m1", NOW, body), body));
    assert!(accepts(&key, &signed(&key, "m1", NOW - TOLERANCE, body), body));
    assert!(!accepts(&key, &signed(&key, "m1", NOW - TOLERANCE - 1, body), body), "old");
    assert!(!accepts(&key, &signed(&key, "m1", NOW + TOLERANCE + 1, body), body), "early");
    assert!(!accepts(&key, &signed(&key, "m1", NOW, body), b"{ }"), "another body");
    let other = Key::of("another secret, as long");
    assert!(!accepts(&key, &signed(&other, "m1", NOW, body), body), "another key");
    for wrong in ["v1,", "v1", "", "v1,AAAA", "v2,AAAA", "v1,not base64", "v1a,AAAA"] {
        let mut headers = signed(&key, "m1", NOW, body);
        headers.insert(SIGNATURE, wrong.parse().unwrap());
        assert!(!accepts(&key, &headers, body), "{wrong:?}");
    }
    for (name, value) in
        [(ID, "m2"), (ID, ""), (TIMESTAMP, "soon"), (TIMESTAMP, "-9223372036854775808")]
    {
        let mut headers = signed(&key, "m1", NOW, body);
        headers.insert(name, value.parse().unwrap());
        assert!(!accepts(&key, &headers, body), "{name} {value:?}");
    }
    for name in [ID, TIMESTAMP] {
        let mut headers = signed(&key, "m1", NOW, body);
        headers.remove(name);
        assert!(!accepts(&key, &headers, body), "without {name}");
    }
}

#[test]
fn while_keys_change_one_right_signature_is_enough() {
    let key = Key::of("a secret of some length");
    let mut headers = signed(&key, "m1", NOW, b"{}");
    let right = headers[SIGNATURE].to_str().unwrap().to_owned();
    headers.insert(SIGNATURE, format!("v1,AAAA v2,xyz {right}").parse().unwrap());
    assert!(accepts(&key, &headers, b"{}"));
}

#[test]
fn the_secret_may_be_shown_instead() {
    let key = Key::of("a secret of some length");
    let shown = |name, value: &str| headers(&[(name, value.to_owned())]);
    assert!(accepts(&key, &shown(SECRET, "a secret of some length"), b""));
    assert!(accepts(&key, &shown("authorization", "Bearer a secret of some length"), b""));
    assert!(!accepts(&key, &shown(SECRET, "a secret of some lengt"), b""));
    assert!(!accepts(&key, &shown(SECRET, ""), b""));
    assert!(!accepts(&key, &shown("authorization", "Bearer "), b""));
    assert!(!accepts(&key, &HeaderMap::new(), b""));
    // A wrong signature is not made good by the secret beside it.
    let mut both = shown(SECRET, "a secret of some length");
    both.insert(SIGNATURE, "v1,".parse().unwrap());
    assert!(!accepts(&key, &both, b""));
}
