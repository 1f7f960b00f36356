//! Who may use which page and which server function. The server refuses what is not listed here to everyone, and a test
//! of its walks over all that is registered.

use domain::{
    Audience::{self, Admin, LoggedIn},
    Role,
};
use leptos::prelude::*;

use crate::{
    accounts::place::{ACCOUNTS, NEW_ACCOUNT, NEW_LINK, SESSIONS, YOUR_SESSIONS},
    audit::place::AUDIT_TRAIL,
    companies::place::{COMPANY, CUSTOMERS, NEW_COMPANY},
    erasure::place::{ERASE, RECEIPT},
    layout::FrameView,
    place::COMMUNITY_MANAGEMENT,
    tokens::place::{NEW_TOKEN, TOKENS},
    unification::place::{LINKS, MEMBER, TICKET, TICKETS, UNIFICATION, USERS},
};

/// Pages, by their route in [`crate::App`].
pub const PAGES: &[(&str, Audience)] = &[
    ("/", LoggedIn),
    (COMMUNITY_MANAGEMENT, Admin),
    (UNIFICATION, Admin),
    (USERS, Admin),
    (LINKS, Admin),
    (TICKETS, Admin),
    (TICKET, Admin),
    (MEMBER, LoggedIn),
    (CUSTOMERS, LoggedIn),
    (COMPANY, LoggedIn),
    (NEW_COMPANY, Admin),
    (ACCOUNTS, Admin),
    (NEW_ACCOUNT, Admin),
    (NEW_LINK, Admin),
    (SESSIONS, Admin),
    (TOKENS, Admin),
    (NEW_TOKEN, Admin),
    (AUDIT_TRAIL, Admin),
    (ERASE, Admin),
    (RECEIPT, Admin),
    (YOUR_SESSIONS, LoggedIn),
];

/// Server functions, by their path.
pub const SERVER_FUNCTIONS: &[(&str, Audience)] = &[
    ("/rpc/list_connections", Admin),
    ("/rpc/live_runs", Admin),
    ("/rpc/sync_now", Admin),
    ("/rpc/cancel_run", Admin),
    ("/rpc/activate", Admin),
    ("/rpc/deactivate", Admin),
    ("/rpc/activity_log", Admin),
    ("/rpc/summary", Admin),
    ("/rpc/invalid_records", Admin),
    ("/rpc/rules", Admin),
    ("/rpc/change_rules", Admin),
    ("/rpc/save_rule", Admin),
    ("/rpc/save_lists", Admin),
    ("/rpc/apply_rules", Admin),
    ("/rpc/cancel_preview", Admin),
    ("/rpc/users", Admin),
    ("/rpc/create_ticket", Admin),
    ("/rpc/tickets", Admin),
    ("/rpc/ticket", Admin),
    ("/rpc/post_ticket", Admin),
    ("/rpc/links_by_hand", Admin),
    ("/rpc/member", LoggedIn),
    ("/rpc/link_member", Admin),
    ("/rpc/unlink_member", Admin),
    ("/rpc/leave_to_rules", Admin),
    ("/rpc/mark_left", Admin),
    ("/rpc/mark_back", Admin),
    ("/rpc/leave_leaving_to_rules", Admin),
    ("/rpc/look_up", LoggedIn),
    ("/rpc/company", LoggedIn),
    ("/rpc/save_company", Admin),
    ("/rpc/add_domain", Admin),
    ("/rpc/accounts", Admin),
    ("/rpc/add_account", Admin),
    ("/rpc/offer_link", Admin),
    ("/rpc/change_role", Admin),
    ("/rpc/disable_account", Admin),
    ("/rpc/enable_account", Admin),
    ("/rpc/sessions", Admin),
    ("/rpc/end_session", Admin),
    ("/rpc/check_confirmed", LoggedIn),
    ("/rpc/session_left", LoggedIn),
    ("/rpc/stay_logged_in", LoggedIn),
    ("/rpc/your_sessions", LoggedIn),
    ("/rpc/end_your_session", LoggedIn),
    ("/rpc/end_your_other_sessions", LoggedIn),
    ("/rpc/change_password", LoggedIn),
    ("/rpc/audit_trail", Admin),
    ("/rpc/erasures", Admin),
    ("/rpc/find_person", Admin),
    ("/rpc/erase_person", Admin),
    ("/rpc/receipt", Admin),
    ("/rpc/tokens", Admin),
    ("/rpc/add_token", Admin),
    ("/rpc/revoke_token", Admin),
];

/// `None` if it is not listed: then nobody may.
pub fn audience(list: &[(&str, Audience)], path: &str) -> Option<Audience> {
    let listed = list.iter().find(|(known, _)| *known == path);
    listed.map(|(_, audience)| *audience)
}

/// The page that the address of the installation leads to.
pub fn start_of(role: Role) -> &'static str {
    match role {
        Role::Admin => COMMUNITY_MANAGEMENT,
        Role::Csm => CUSTOMERS,
    }
}

/// What the visitor's role is, as the frame around every page knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer(pub Option<Role>);

impl From<&FrameView> for Viewer {
    fn from(frame: &FrameView) -> Self {
        Self(frame.account.as_ref().map(|account| account.role))
    }
}

/// Whether the visitor may use a page, so that a link to it is worth showing.
pub fn may_use(page: &str) -> bool {
    let viewer = use_context::<Viewer>().and_then(|viewer| viewer.0);
    audience(PAGES, page).is_some_and(|audience| audience.admits(viewer))
}

/// Whether the visitor may change things, so that forms for it are worth showing. The server decides again.
pub fn may_change() -> bool {
    use_context::<Viewer>().is_some_and(|viewer| Admin.admits(viewer.0))
}
