//! Who somebody is here, by what the provider claims of them.

use domain::AccountId;
use serde_json::Value;
use store::{Identity, SignOn, normal_email};

use super::{
    problem::{Failure, Problem},
    roles::{Claims, RoleRules},
};

/// Longer than any; the standard's limit of a subject is 255.
const SUBJECT_MAX_BYTES: usize = 255;

/// Whether the ID token alone says too little: then the provider is asked for more about the person.
pub(crate) fn says_too_little(claims: &Claims, rules: &RoleRules) -> bool {
    email(claims).is_none() || !claims.contains_key(EMAIL_VERIFIED) || rules.role(claims).is_none()
}

/// `id` is for an account that is made for them.
pub(crate) fn person(
    issuer: &str,
    claims: &Claims,
    rules: &RoleRules,
    id: AccountId,
) -> Result<SignOn, Failure> {
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    if subject.is_empty() || subject.len() > SUBJECT_MAX_BYTES {
        return Err(Failure::new(
            Problem::Untrusted,
            "the subject is empty or too long",
        ));
    }
    let role = rules.role(claims).ok_or_else(|| {
        let names: Vec<&str> = claims.keys().map(String::as_str).collect();
        let detail = format!("no claim makes a role; there are {}", names.join(", "));
        Failure::new(Problem::NoRole, detail)
    })?;
    let email = email(claims).ok_or_else(|| Failure::new(Problem::NoAddress, "no claim is an address"))?;
    Ok(SignOn {
        identity: Identity {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        },
        email,
        email_verified: claims.get(EMAIL_VERIFIED).and_then(truth),
        role,
        id,
    })
}

const EMAIL_VERIFIED: &str = "email_verified";

fn email(claims: &Claims) -> Option<String> {
    normal_email(claims.get("email")?.as_str()?)
}

/// Some providers write truths as text.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::Role;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn rules() -> RoleRules {
        RoleRules::new(&[(Role::Csm, &["groups=cs".parse().expect("a claim")])])
    }

    #[expect(clippy::needless_pass_by_value, reason = "so that a story reads as one")]
    fn of(claims: Value) -> Result<SignOn, Problem> {
        let claims = claims.as_object().expect("an object");
        let id = AccountId(Uuid::from_u128(7));
        person("https://id.example", claims, &rules(), id).map_err(|failure| failure.problem)
    }

    fn jane() -> Value {
        json!({"sub": "4711", "email": "Jane@Company.example", "email_verified": true, "groups": ["cs"]})
    }

    /// Jane, but for this claim.
    fn but(name: &str, value: Value) -> Result<SignOn, Problem> {
        let mut claims = jane();
        claims[name] = value;
        of(claims)
    }

    #[test]
    fn a_person_is_known_by_issuer_and_subject() {
        let person = of(jane()).expect("a person");
        let identity = Identity {
            issuer: "https://id.example".into(),
            subject: "4711".into(),
        };
        assert_eq!((person.identity, person.role), (identity, Role::Csm));
        assert_eq!(person.email, "jane@company.example");
        assert_eq!(person.email_verified, Some(true));
    }

    #[test]
    fn an_address_is_verified_only_if_the_provider_says_so() {
        for (said, verified) in [
            (json!(true), Some(true)),
            (json!("true"), Some(true)),
            (json!(false), Some(false)),
            (json!("false"), Some(false)),
            (json!(1), None),
            (json!("yes"), None),
            (Value::Null, None),
        ] {
            let person = but(EMAIL_VERIFIED, said.clone()).expect("a person");
            assert_eq!(person.email_verified, verified, "{said}");
        }
    }

    #[test]
    fn nobody_comes_in_without_a_role_an_address_or_a_subject() {
        assert_eq!(but("groups", json!(["other"])), Err(Problem::NoRole));
        assert_eq!(but("email", json!("jane")), Err(Problem::NoAddress));
        assert_eq!(
            but("email", json!(["jane@company.example"])),
            Err(Problem::NoAddress)
        );
        assert_eq!(but("sub", json!("")), Err(Problem::Untrusted));
        assert_eq!(but("sub", json!("x".repeat(256))), Err(Problem::Untrusted));
        assert_eq!(but("sub", json!(4711)), Err(Problem::Untrusted));
    }

    #[test]
    fn the_provider_is_asked_for_more_only_if_the_token_says_too_little() {
        let too_little = |claims: Value| says_too_little(claims.as_object().expect("an object"), &rules());
        assert!(!too_little(jane()));
        for name in ["email", EMAIL_VERIFIED, "groups"] {
            let mut claims = jane();
            claims.as_object_mut().expect("an object").remove(name);
            assert!(too_little(claims), "{name}");
        }
    }
}
