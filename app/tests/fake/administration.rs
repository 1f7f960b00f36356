//! Accounts, sessions, tokens, the trail and erasures of the installation.

use app::{
    accounts::view::{AccountRow, AccountState, AccountsView, LinkView, SessionRow, SessionsView},
    answer::Secret,
    audit::{
        place::AuditPlace,
        view::{AuditActor, AuditRow, AuditView, ChainView},
    },
    erasure::view::{ErasedView, ErasuresView, PersonView, ReceiptView},
    error::AppError,
    scripts::session::SessionTimes,
    tokens::view::{NewTokenView, TokenRow, TokensView},
};
use chrono::{DateTime, Utc};
use domain::{AccountId, ApiToken, Role, Scope, SessionId, TokenId, TokenState};

use super::{Fake, installation::at};

fn now() -> DateTime<Utc> {
    at(23, 7, 42, 10)
}

fn id<T: std::str::FromStr>(number: u32) -> T {
    let text = format!("01934f5e-0000-7000-8000-{number:012}");
    text.parse().ok().expect("an id")
}

pub(crate) fn account_id(number: u32) -> AccountId {
    id(number)
}

pub(crate) fn token_id(number: u32) -> TokenId {
    id(number)
}

fn account(number: u32, email: &str, role: Role, state: AccountState) -> AccountRow {
    AccountRow {
        id: account_id(number),
        email: email.to_owned(),
        role,
        state,
        since: at(number, 9, 30, 0),
        you: number == 1,
        last_admin: number == 1,
    }
}

pub(crate) fn accounts() -> AccountsView {
    AccountsView {
        as_of: now(),
        rows: vec![
            account(1, "admin@customer.example", Role::Admin, AccountState::Active),
            account(2, "ben@customer.example", Role::Csm, AccountState::Active),
            account(
                3,
                "<b>cleo</b>@customer.example",
                Role::Csm,
                AccountState::NoPassword,
            ),
            account(4, "dan@customer.example", Role::Admin, AccountState::Disabled),
        ],
        sessions: 3,
    }
}

pub(crate) fn link(email: String, role: Role) -> Result<LinkView, AppError> {
    if accounts().rows.iter().any(|known| known.email == email) {
        return Err(AppError::Refused {
            what: format!("There is an account {email} already."),
            next_action: "Nothing, or make a new one-time link from its menu. Nothing was changed."
                .to_owned(),
        });
    }
    Ok(LinkView {
        as_of: now(),
        email,
        role,
        url: Secret::new("https://tributary.example/set-up?token=5e1f".to_owned()),
        expires_at: at(27, 7, 42, 10),
    })
}

fn session(number: u32, email: &str, browser: &str) -> SessionRow {
    SessionRow {
        id: id::<SessionId>(number),
        email: email.to_owned(),
        browser: browser.to_owned(),
        address: format!("203.0.113.{number}"),
        began_at: at(22, 8, 0, 0),
        last_seen_at: at(23, 7, 41, 0),
        ends_at: at(23, 19, 41, 0),
        this: number == 1,
    }
}

pub(crate) fn your_sessions() -> SessionsView {
    SessionsView {
        as_of: now(),
        rows: vec![
            session(1, "admin@customer.example", "Firefox on Linux"),
            session(2, "admin@customer.example", ""),
        ],
    }
}

pub(crate) fn session_times() -> SessionTimes {
    SessionTimes {
        as_of: now(),
        ends_at: at(23, 19, 41, 0),
        latest_end: at(29, 8, 0, 0),
    }
}

pub(crate) fn sessions() -> SessionsView {
    let mut view = your_sessions();
    view.rows
        .push(session(3, "ben@customer.example", "<b>Chrome</b> on macOS"));
    view
}

fn audit_row(number: u64, actor: AuditActor, deed: &str, target: Option<&str>) -> AuditRow {
    AuditRow {
        number,
        at: at(23, 7, 40, 0),
        actor,
        origin: Some("203.0.113.1".to_owned()),
        deed: deed.to_owned(),
        target: target.map(str::to_owned),
    }
}

pub(crate) fn audit_trail(place: &AuditPlace) -> AuditView {
    let admin = || AuditActor::Account(Some("admin@customer.example".to_owned()));
    let rows = vec![
        audit_row(
            1204,
            admin(),
            "role_changed",
            Some("account ben@customer.example"),
        ),
        audit_row(
            1203,
            AuditActor::Token(Some("<b>nightly</b>".to_owned())),
            "run_queued",
            Some("run of customer-en"),
        ),
        audit_row(1202, AuditActor::Account(None), "logged_in", None),
        audit_row(
            1201,
            AuditActor::Operator,
            "person_erased",
            Some("erasure 01934f5e"),
        ),
        audit_row(1200, AuditActor::Nobody, "log_in_failed", None),
    ];
    AuditView {
        as_of: now(),
        rows: match place.before {
            Some(1) => Vec::new(),
            Some(_) => (1155..=1204)
                .rev()
                .map(|number| audit_row(number, AuditActor::Operator, "run_queued", None))
                .collect(),
            None => rows,
        },
        last: 1204,
        found: place.is_narrowed().then_some(50),
        newer: place.before.map(|_| place.turned(None)),
        deeds: ["logged_in", "role_changed", "run_queued"]
            .map(str::to_owned)
            .into(),
        people: vec![
            ("account:1".to_owned(), admin()),
            ("operator".to_owned(), AuditActor::Operator),
        ],
        chain: if place.check {
            ChainView::Broken("entry 1000 is missing".to_owned())
        } else {
            ChainView::Holds {
                through: 1204,
                cut: 200,
                anew: false,
            }
        },
    }
}

const RECEIPT: &str = "01934f5e-0000-7000-8000-000000000077";

pub(crate) fn receipt(id: &str) -> Result<ReceiptView, AppError> {
    if id != RECEIPT {
        return Err(AppError::NotFound {
            what: "This receipt".to_owned(),
        });
    }
    let of = |users, content| ErasedView {
        users,
        content,
        activity: 41,
        invalid_records: 0,
        mentions: 2,
    };
    Ok(ReceiptView {
        id: RECEIPT.to_owned(),
        erased_at: at(20, 11, 5, 9),
        persons: 1,
        tenants: vec![
            ("customer-de".to_owned(), of(1, 1200)),
            ("customer-en".to_owned(), of(1, 14)),
        ],
    })
}

pub(crate) fn erasures() -> ErasuresView {
    ErasuresView {
        as_of: now(),
        receipts: receipt(RECEIPT).into_iter().collect(),
    }
}

pub(crate) fn person(email: String) -> PersonView {
    PersonView {
        email,
        members: vec![("customer-de".to_owned(), 1), ("customer-en".to_owned(), 1)],
        content: 12,
        activity: 1_340,
        persons: 1,
    }
}

fn token(number: u32, name: &str, scopes: &[Scope]) -> ApiToken {
    ApiToken {
        id: token_id(number),
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        made_by: Some(account_id(1)),
        suspended: number == 2,
        created_at: at(2, 9, 0, 0),
        expires_at: at(30, 9, 0, 0),
        last_used_at: (number == 1).then(|| at(23, 2, 10, 0)),
        revoked_at: (number == 3).then(|| at(21, 9, 0, 0)),
    }
}

pub(crate) fn tokens(fake: Fake) -> TokensView {
    let row = |token: ApiToken, state, made_by: Option<&str>| TokenRow {
        token,
        state,
        made_by: made_by.map(str::to_owned),
    };
    let rows = vec![
        row(
            token(1, "<b>nightly</b> export", &[Scope::Read]),
            TokenState::Active,
            None,
        ),
        row(
            token(2, "starter", &Scope::ALL),
            TokenState::Suspended,
            Some("dan@customer.example"),
        ),
        row(
            token(3, "old", &[Scope::Read]),
            TokenState::Revoked,
            Some("admin@customer.example"),
        ),
    ];
    TokensView {
        as_of: now(),
        rows: if fake == Fake::Busy { rows } else { Vec::new() },
    }
}

pub(crate) fn new_token(name: &str, scopes: &[Scope]) -> Result<NewTokenView, AppError> {
    if scopes.is_empty() {
        return Err(AppError::Refused {
            what: "A token that may do nothing lets nobody in.".to_owned(),
            next_action: "Tick at least one thing that it may do.".to_owned(),
        });
    }
    Ok(NewTokenView {
        as_of: now(),
        token: token(9, name, scopes),
        text: Secret::new("trib_5e1f".to_owned()),
    })
}
