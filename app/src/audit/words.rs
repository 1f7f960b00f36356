//! What the deeds of the trail are called.

/// As a table says it, given the name that the trail keeps. A deed that this version does not know is told as it stands.
pub fn deed(name: &str) -> String {
    let known = match name {
        "account_added" => "Added an account",
        "account_disabled" => "Disabled an account",
        "account_enabled" => "Enabled an account",
        "role_changed" => "Changed a role",
        "account_tied" => "Tied an account to the identity provider",
        "password_set" => "Set a password",
        "set_up_offered" => "Made a one-time link",
        "logged_in" => "Logged in",
        "log_in_failed" => "Tried to log in, and failed",
        "logged_out" => "Logged out",
        "session_ended" => "Ended a session",
        "confirmed" => "Gave the password again",
        "token_added" => "Made an API token",
        "token_revoked" => "Revoked an API token",
        "connection_added" => "Added a connection",
        "connection_activated" => "Activated a connection",
        "connection_deactivated" => "Deactivated a connection",
        "access_replaced" => "Replaced the access to a tenant",
        "mapping_changed" => "Changed the mapping of profile fields",
        "run_queued" => "Asked for a sync",
        "run_cancelled" => "Cancelled a run",
        "rules_applied" => "Applied rules",
        "rules_returned" => "Brought earlier rules back",
        "member_linked" => "Linked a member",
        "member_unlinked" => "Unlinked a member",
        "member_left_to_rules" => "Left a member to the rules",
        "member_left" => "Marked a member as left",
        "member_back" => "Marked a member as back",
        "company_saved" => "Saved a company",
        "domain_added" => "Added a domain",
        "companies_imported" => "Imported companies",
        "persons_imported" => "Imported people",
        "activity_imported" => "Imported activity",
        "bounces_imported" => "Imported mail that came back",
        "ticket_created" => "Created a ticket",
        "ticket_posted" => "Posted a ticket",
        "person_erased" => "Erased a person",
        "key_changed" => "Changed the key",
        "secrets_resealed" => "Sealed secrets anew",
        "trail_cut" => "Let old entries go",
        "trail_exported" => "Exported the audit trail",
        other => return in_plain(other),
    };
    known.to_owned()
}

/// `some_new_deed` is `Some new deed`.
fn in_plain(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_of_a_later_version_is_told_as_it_stands() {
        assert_eq!(deed("logged_in"), "Logged in");
        assert_eq!(deed("webhook_added"), "Webhook added");
        assert_eq!(deed(""), "");
    }
}
