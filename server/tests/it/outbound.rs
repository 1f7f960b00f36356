//! Whom the server asks, and whom it does not.

use crate::support::{Home, Unasked, text};

#[test]
fn a_base_url_on_this_machine_is_refused_unless_the_operator_lets_it_pass() {
    let home = Home::new().with("TRIBUTARY_ALLOW_HOSTS", "");
    let tenant = Unasked::new();
    for base_url in [
        tenant.url(),
        tenant.url().replace("http", "https"),
        "http://api.example".to_owned(),
        "https://169.254.169.254".to_owned(),
        "https://[::ffff:10.0.0.1]".to_owned(),
    ] {
        home.add("customer-en", &base_url, "c").ended(2).says(&[
            "refused",
            "nothing was changed",
            "TRIBUTARY_ALLOW_HOSTS=",
        ]);
    }
    let list = home.run(&["connection", "list", "--json"]).succeeded();
    assert_eq!(list.json(), serde_json::json!([]));
    assert!(!tenant.was_asked());
}

#[test]
fn a_connection_that_is_no_longer_let_pass_fails_for_that_cause_and_sends_nothing() {
    let mut home = Home::new();
    let tenant = Unasked::new();
    home.connect("customer-en", &tenant.url());
    home.add("customer-de", "https://localhost", "c").succeeded();
    home = home.with("TRIBUTARY_ALLOW_HOSTS", "");
    for tenant in ["customer-en", "customer-de"] {
        let run = home.sync(tenant).ended(1).json();
        assert_eq!(text(&run["cause"], &"code"), "host_not_allowed", "{run}");
        assert_eq!(text(&run["cause"], &"owner"), "you");
        assert!(
            text(&run["cause"], &"message").contains("TRIBUTARY_ALLOW_HOSTS="),
            "{run}"
        );
        assert!(
            text(&run["cause"], &"next_action").contains("TRIBUTARY_ALLOW_HOSTS"),
            "{run}"
        );
    }
    let tested = home.run(&["connection", "test", "--json"]).ended(1).json();
    for tested in tested.as_array().expect("two") {
        assert_eq!(text(&tested["cause"], &"code"), "host_not_allowed", "{tested}");
    }
    assert!(!tenant.was_asked());
}

#[test]
fn what_is_no_host_is_no_exception() {
    let home = Home::new().with("TRIBUTARY_ALLOW_HOSTS", "http://localhost");
    home.run(&["connection", "list"])
        .ended(2)
        .says(&["neither a host nor an address", "without scheme"]);
}
