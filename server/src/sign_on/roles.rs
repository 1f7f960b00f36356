//! From what the provider claims of somebody to what they may do here.

use std::str::FromStr;

use domain::Role;
use serde_json::{Map, Value};

/// What the provider claims of somebody, as JSON.
pub(crate) type Claims = Map<String, Value>;

/// A claim with a value that makes somebody something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleClaim {
    /// A claim's name, or a path of names with dots between.
    name: String,
    value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give a claim and its value, such as groups=tributary-admins")]
pub(crate) struct NoRoleClaim;

impl FromStr for RoleClaim {
    type Err = NoRoleClaim;

    fn from_str(text: &str) -> Result<Self, NoRoleClaim> {
        let (name, value) = text.trim().split_once('=').ok_or(NoRoleClaim)?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || value.is_empty() {
            return Err(NoRoleClaim);
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

impl RoleClaim {
    fn holds(&self, claims: &Claims) -> bool {
        claim(claims, &self.name).is_some_and(|found| says(found, &self.value))
    }
}

/// Which claims make which role, the one that may do most first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleRules(Vec<(Role, RoleClaim)>);

impl RoleRules {
    pub(crate) fn new(rules: &[(Role, &[RoleClaim])]) -> Self {
        let rules = rules.iter();
        Self(
            rules
                .flat_map(|(role, claims)| claims.iter().map(|claim| (*role, claim.clone())))
                .collect(),
        )
    }

    /// The first role that a claim makes them; `None` if they may not come in.
    pub(crate) fn role(&self, claims: &Claims) -> Option<Role> {
        let found = self.0.iter().find(|(_, claim)| claim.holds(claims));
        found.map(|(role, _)| *role)
    }
}

/// By its whole name first: names of claims may hold dots, as those that are URLs do.
fn claim<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(name) {
        return Some(found);
    }
    let mut names = name.split('.');
    let first = claims.get(names.next()?)?;
    names.try_fold(first, |inner, name| inner.as_object()?.get(name))
}

/// Whether a claim is this value, or a list that holds it. `tributary-admins` is no `admin`.
fn says(claim: &Value, value: &str) -> bool {
    match claim {
        Value::String(text) => text == value,
        Value::Bool(truth) => truth.to_string() == value,
        Value::Number(number) => number.to_string() == value,
        Value::Array(entries) => entries
            .iter()
            .any(|entry| !entry.is_array() && says(entry, value)),
        Value::Null | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(admin: &[&str], csm: &[&str]) -> RoleRules {
        let parse = |texts: &[&str]| -> Vec<RoleClaim> {
            texts.iter().map(|text| text.parse().expect(text)).collect()
        };
        RoleRules::new(&[(Role::Admin, &parse(admin)), (Role::Csm, &parse(csm))])
    }

    #[expect(clippy::needless_pass_by_value, reason = "so that a story reads as one")]
    fn role(rules: &RoleRules, claims: Value) -> Option<Role> {
        rules.role(claims.as_object().expect("an object"))
    }

    #[test]
    fn a_claim_makes_a_role_by_its_value_or_as_one_of_a_list() {
        let rules = rules(&["groups=boss", "clearance=3"], &["groups=cs", "staff=true"]);
        assert_eq!(role(&rules, json!({"groups": "boss"})), Some(Role::Admin));
        assert_eq!(role(&rules, json!({"groups": ["x", "boss"]})), Some(Role::Admin));
        assert_eq!(role(&rules, json!({"clearance": 3})), Some(Role::Admin));
        assert_eq!(role(&rules, json!({"groups": ["cs"]})), Some(Role::Csm));
        assert_eq!(role(&rules, json!({"staff": true})), Some(Role::Csm));
    }

    #[test]
    fn of_several_roles_the_one_that_may_most_counts() {
        let rules = rules(&["groups=boss"], &["groups=cs"]);
        assert_eq!(role(&rules, json!({"groups": ["cs", "boss"]})), Some(Role::Admin));
    }

    #[test]
    fn whoever_has_no_such_claim_has_no_role() {
        let rules = rules(&["groups=boss"], &["groups=cs"]);
        for claims in [
            json!({}),
            json!({"groups": null}),
            json!({"groups": []}),
            json!({"groups": "boss cs"}),
            json!({"groups": ["Boss", "cs-former", ["boss"]]}),
            json!({"groups": {"boss": true}}),
            json!({"group": "boss"}),
        ] {
            assert_eq!(role(&rules, claims.clone()), None, "{claims}");
        }
    }

    #[test]
    fn a_claim_may_lie_within_another_or_be_named_by_a_url() {
        let rules = rules(
            &["realm_access.roles=tributary-admin"],
            &["https://company.example/roles=cs"],
        );
        let nested = json!({"realm_access": {"roles": ["tributary-admin"]}});
        assert_eq!(role(&rules, nested), Some(Role::Admin));
        let by_url = json!({"https://company.example/roles": ["cs"]});
        assert_eq!(role(&rules, by_url), Some(Role::Csm));
        assert_eq!(role(&rules, json!({"realm_access": "tributary-admin"})), None);
    }

    #[test]
    fn what_names_no_value_is_no_claim() {
        for text in ["", "groups", "groups=", "=boss", " = "] {
            assert_eq!(text.parse::<RoleClaim>(), Err(NoRoleClaim), "{text}");
        }
        let with_sign: RoleClaim = "groups=a=b".parse().expect("a claim");
        assert_eq!(with_sign.value, "a=b");
    }
}
