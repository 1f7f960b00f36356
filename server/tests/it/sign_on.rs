//! Single sign-on as an operator sets it up. What people do with it is in `end2end/tests/sign-on.spec.ts`.

use std::{fs, net::SocketAddr};

use crate::support::{Home, Unasked, always_answers, get, request, text, wait_for};

const SECRET: &str = "an-unlikely-secret-of-the-client";

/// All of it, with this issuer.
fn set_up(issuer: &str) -> Home {
    let home = Home::new();
    let secret = home.path("sign-on.secret");
    fs::write(&secret, SECRET).expect("a secret file");
    home.with("TRIBUTARY_PUBLIC_ORIGIN", "https://tributary.example")
        .with("TRIBUTARY_SIGN_ON_ISSUER", issuer)
        .with("TRIBUTARY_SIGN_ON_CLIENT_ID", "tributary")
        .with(
            "TRIBUTARY_SIGN_ON_CLIENT_SECRET_FILE",
            secret.to_str().expect("a path"),
        )
        .with("TRIBUTARY_SIGN_ON_CSM", "groups=customer-success")
        .with("TRIBUTARY_SIGN_ON_NAME", "<Company> ID")
        .with("TRIBUTARY_LOG", "debug")
}

/// Where the browser ends up that presses the button.
fn pressed(address: SocketAddr) -> String {
    let answer = get(address, "/sign-on?next=/customers");
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.location().to_owned()
}

#[test]
fn half_of_a_configuration_is_refused_before_anything_listens() {
    let home = Home::new().with("TRIBUTARY_SIGN_ON_ISSUER", "https://id.example");
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["doctor"]] {
        home.run(words).ended(2).says(&[
            "set up by halves",
            "TRIBUTARY_SIGN_ON_CLIENT_ID",
            "TRIBUTARY_PUBLIC_ORIGIN",
        ]);
    }
}

#[test]
fn doctor_says_why_nobody_can_sign_on() {
    let unasked = Unasked::new();
    let refused = set_up(&unasked.url()).with("TRIBUTARY_ALLOW_HOSTS", "");
    let said = refused.run(&["doctor"]).ended(1).stdout;
    assert!(said.contains("nobody can sign on at http://127.0.0.1"), "{said}");
    assert!(said.contains("TRIBUTARY_ALLOW_HOSTS=127.0.0.1"), "{said}");
    assert!(!unasked.was_asked());

    let no_provider = format!("http://{}", always_answers("{}"));
    let checks = set_up(&no_provider).run(&["doctor", "--json"]).ended(1).json();
    let checks = checks.as_array().expect("a list");
    let check = checks
        .iter()
        .find(|check| check["name"] == "identity provider")
        .expect("the check");
    assert_eq!(text(check, &"verdict"), "failed", "{check}");
    assert!(text(check, &"message").contains("discovery"), "{check}");
}

#[test]
fn whoever_presses_the_button_of_a_provider_that_is_none_is_told_so() {
    let home = set_up(&format!("http://{}", always_answers("{}")));
    let (serving, address) = home.serve_to_nobody(&["serve", "--no-worker", "--listen", "127.0.0.1:0"]);
    let page = get(address, "/log-in?next=%2Fcustomers").body;
    assert!(page.contains("Sign in with &lt;Company&gt; ID"), "{page}");
    assert_eq!(
        pressed(address),
        "/log-in?problem=misconfigured&next=%2fcustomers"
    );
    let told = get(address, "/log-in?problem=misconfigured").body;
    assert!(told.contains("not set up for each other"), "{told}");
    assert!(told.contains("The operator&#39;s turn."), "{told}");
    wait_for("the log's word on it", || {
        serving.said().contains("misconfigured").then_some(())
    });
    assert!(!serving.said().contains(SECRET));
}

#[test]
fn nobody_comes_back_who_did_not_leave() {
    let home = set_up(&format!("http://{}", always_answers("{}")));
    let (serving, address) = home.serve_to_nobody(&["serve", "--no-worker", "--listen", "127.0.0.1:0"]);
    for cookie in ["", "__Host-tributary-sign-on=v2.00.00.00.00.00"] {
        let answer = request(
            address,
            "GET",
            "/sign-on/callback?code=stolen-code&state=forged",
            &[("cookie", cookie)],
        );
        assert_eq!(answer.location(), "/log-in?problem=not-begun");
        assert!(
            answer
                .head
                .contains("__host-tributary-sign-on=; path=/; max-age=0"),
            "{answer:?}"
        );
    }
    assert!(!serving.said().contains("stolen-code"));
}
