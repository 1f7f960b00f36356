//! The rules of the installation, a draft of them, and what it would change.

use app::error::AppError;
use app::unification::{
    draft::Draft,
    view::{
        Applied, Apply, ChangeView, ChangesView, CompanyName, DraftView, HeadView, MemberName, PreviewState,
        PreviewView, RulesQuery, RulesView, VersionView, Working,
    },
};
use domain::{
    MatchCounts,
    unification::{Country, RuleSet},
};

use super::installation::{at, connection_name};

/// The version in use.
const VERSION: u32 = 14;
/// The domains on the shipped list.
const FREE_MAIL: u64 = 12_431;

pub(crate) fn in_use() -> RuleSet {
    let mut set = RuleSet::shipped();
    set.internal_domains.insert("ours.example".to_owned());
    set.free_mail_added
        .extend(["mail.example".to_owned(), "post.example".to_owned()]);
    for (tenant, country) in [("customer-de", "DE"), ("customer-fr", "FR")] {
        let country: Country = country.parse().expect("a country");
        set.default_countries
            .connections
            .insert(tenant.to_owned(), country);
    }
    set
}

pub(crate) fn head() -> HeadView {
    HeadView {
        version: VERSION,
        rules: 5,
        without_company: 18_553,
        by_hand: 86,
        tickets: 2,
    }
}

fn counts(matched: u64, ambiguous: u64, unmatched: u64) -> MatchCounts {
    MatchCounts {
        matched,
        unmatched,
        ambiguous,
        internal: 120,
    }
}

pub(crate) fn rules(query: &RulesQuery) -> Result<RulesView, AppError> {
    let in_use = in_use();
    let draft = match (&query.draft, query.restore) {
        (Some(text), _) => Some((Draft::read(text)?, None)),
        (None, Some(version)) => Some((
            Draft {
                base: VERSION,
                set: RuleSet::shipped(),
            },
            Some(version),
        )),
        (None, None) => None,
    };
    Ok(RulesView {
        as_of: at(23, 7, 42, 10),
        head: head(),
        counts: counts(71_806, 611, 17_942),
        by_rule: vec![
            ("email-to-person".to_owned(), 56_204),
            ("email-domain-to-company".to_owned(), 14_310),
            ("email-domain-label-to-company-name".to_owned(), 1102),
            ("phone-to-person".to_owned(), 143),
        ],
        draft: draft.map(|(draft, restores)| DraftView {
            base: draft.base,
            changes: draft.set.changes_since(&in_use),
            restores,
            problem: draft.set.check().err().map(|problem| problem.to_string()),
            preview: query.preview.then(|| preview(draft.set.rules.is_empty())),
            set: draft.set,
        }),
        in_use,
        history: history(),
        connections: (1..=4).map(connection_name).collect(),
        free_mail_shipped: FREE_MAIL,
        rematching: None,
    })
}

/// Without rules it takes its time.
fn preview(slow: bool) -> PreviewState {
    if slow {
        return PreviewState::UnderWay(Working {
            done: 40_000,
            all: 90_479,
        });
    }
    PreviewState::Ready(Box::new(PreviewView {
        took_ms: 1830,
        now: counts(71_806, 611, 17_942),
        after: counts(72_118, 618, 17_623),
        gained: ChangesView {
            members: 312,
            samples: vec![change("<b>yard-ops-17</b>", None, Some("Kestrel Haul"))],
        },
        lost: ChangesView::default(),
        moved: ChangesView {
            members: 4,
            samples: vec![
                change("dispo_nord", Some("Halden"), Some("Halden Freight")),
                change("atelier_lyon", Some("Brise"), Some("Brise Logistique")),
                change("qm-werk2", Some("Orlach"), Some("Orlach Werke")),
                change("soporte_bcn", Some("Marea"), Some("Marea Salud")),
            ],
        },
        newly_ambiguous: ChangesView {
            members: 7,
            samples: vec![change("lager_hb", None, None)],
        },
        leaving: 0,
        coming_back: 0,
    }))
}

fn change(username: &str, before: Option<&str>, after: Option<&str>) -> ChangeView {
    let company = |name: &str| CompanyName {
        external_id: name.to_lowercase().replace(' ', "-"),
        name: name.to_owned(),
    };
    ChangeView {
        member: MemberName {
            tenant_id: "customer-de".to_owned(),
            community_user_id: "912".to_owned(),
            username: username.to_owned(),
        },
        before: before.map(company),
        after: after.map(company),
    }
}

fn history() -> Vec<VersionView> {
    let version = |version, applied_at, changes: &[&str], effect: &str| VersionView {
        version,
        applied_at,
        applied_by: "admin@customer.example".to_owned(),
        changes: changes.iter().map(|&change| change.to_owned()).collect(),
        reason: (version == 13).then(|| "the <b>French</b> tenant".to_owned()),
        effect: Some(effect.to_owned()).filter(|effect| !effect.is_empty()),
    };
    vec![
        version(
            14,
            at(21, 9, 12, 0),
            &["Free-mail domains: added mail.example, post.example"],
            "1,204 lost, 3 moved",
        ),
        version(
            13,
            at(14, 16, 40, 0),
            &["Phone: default country of customer-fr is FR"],
            "61 gained, 2 moved",
        ),
        version(1, at(2, 8, 5, 0), &[], ""),
    ]
}

pub(crate) fn apply(apply: &Apply) -> Applied {
    if apply.base == VERSION {
        Applied::Version(VERSION + 1)
    } else {
        Applied::Outdated
    }
}
