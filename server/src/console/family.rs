//! A company with those below it, and their figures added up.

use std::collections::{BTreeMap, BTreeSet};

use app::companies::view::FiguresView;
use domain::unification::{Company, CompanyTree};
use store::{CompanyCount, CompanyMembers};

/// As many companies as are added up for one page: a group of more is told by its parts.
pub(crate) const FAMILY_MAX: usize = 2_000;

/// A company and all below it.
#[derive(Debug, Default)]
pub(crate) struct Family {
    tree: CompanyTree,
    /// Whose figures belong together, the company's own among them.
    pub(crate) ids: Vec<String>,
    /// Parents that go round, by external ids; none belongs to another then.
    pub(crate) circle: Vec<String>,
    /// They are more than can be added up, so those right below it alone are known.
    pub(crate) too_large: bool,
}

impl Family {
    /// `below` holds the company itself, too.
    pub(crate) fn of(company: &str, below: &[Company]) -> Self {
        let alone = || Self {
            ids: vec![company.to_owned()],
            ..Self::default()
        };
        if below.len() > FAMILY_MAX {
            return Self {
                too_large: true,
                ..alone()
            };
        }
        let known: BTreeSet<&str> = below.iter().map(|company| company.external_id.as_str()).collect();
        let mut tree = CompanyTree::default();
        for other in below {
            let parent = other.parent_external_id.as_deref();
            let in_family = parent.filter(|parent| known.contains(parent));
            // Whoever is below a company has one parent, so parents go round only through the company itself.
            if let Err(circle) = tree.set_parent(&other.external_id, in_family) {
                return Self {
                    circle: from(company, circle.circle),
                    ..alone()
                };
            }
        }
        Self {
            ids: below.iter().map(|company| company.external_id.clone()).collect(),
            tree,
            ..Self::default()
        }
    }

    /// Whose figures a page adds up: of the company alone, or with all below it.
    pub(crate) fn added_up(&self, company: &str, below: bool) -> Vec<String> {
        if below {
            self.ids.clone()
        } else {
            vec![company.to_owned()]
        }
    }

    /// Each with those of all below it.
    pub(crate) fn rolled_up(&self, own: &BTreeMap<String, FiguresView>) -> BTreeMap<String, FiguresView> {
        self.tree.rolled_up(own)
    }
}

/// The same circle, told from a company on.
fn from(company: &str, mut circle: Vec<String>) -> Vec<String> {
    if let Some(place) = circle.iter().position(|id| id == company) {
        circle.rotate_left(place);
    }
    circle
}

/// The figures of each company alone.
pub(crate) fn own_figures(
    members: &[CompanyMembers],
    active: &[(String, u64)],
    counts: &[CompanyCount],
) -> BTreeMap<String, FiguresView> {
    let mut own = BTreeMap::<String, FiguresView>::new();
    for of in members {
        own.entry(of.company_external_id.clone()).or_default().members += of.members;
    }
    for (company, members) in active {
        own.entry(company.clone()).or_default().active += members;
    }
    for of in counts {
        let figures = own.entry(of.company_external_id.clone()).or_default();
        match (of.kind.as_str(), of.subtype.as_deref()) {
            ("topic", Some("idea")) => figures.ideas += of.count,
            ("topic", _) => figures.posts += of.count,
            ("reply", _) => figures.replies += of.count,
            ("view", _) => figures.views += of.count,
            // Other activity has no figure of its own.
            _ => {}
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company(id: &str, parent: Option<&str>) -> Company {
        Company {
            external_id: id.to_owned(),
            parent_external_id: parent.map(str::to_owned),
            ..Company::default()
        }
    }

    fn counts(all: &[(&str, &str, Option<&str>, u64)]) -> Vec<CompanyCount> {
        let count = |(company, kind, subtype, count): &(&str, &str, Option<&str>, u64)| CompanyCount {
            company_external_id: (*company).to_owned(),
            kind: (*kind).to_owned(),
            subtype: subtype.map(str::to_owned),
            count: *count,
        };
        all.iter().map(count).collect()
    }

    #[test]
    fn a_group_shows_what_its_companies_did() {
        let below = [
            company("group", Some("holding")),
            company("north", Some("group")),
            company("depot", Some("north")),
            company("south", Some("group")),
        ];
        let family = Family::of("group", &below);
        assert_eq!(
            (family.ids.len(), family.circle.len(), family.too_large),
            (4, 0, false)
        );
        let members = ["group", "depot", "depot"].map(|id| CompanyMembers {
            company_external_id: id.to_owned(),
            tenant_id: "customer-en".to_owned(),
            activity_source: None,
            members: 2,
        });
        let own = own_figures(
            &members,
            &[("depot".to_owned(), 3)],
            &counts(&[
                ("north", "topic", Some("idea"), 1),
                ("north", "topic", Some("question"), 2),
                ("depot", "reply", Some("idea"), 4),
                ("south", "view", None, 8),
                ("south", "like", None, 16),
            ]),
        );
        let all = family.rolled_up(&own);
        let expected = FiguresView {
            members: 6,
            active: 3,
            posts: 2,
            replies: 4,
            ideas: 1,
            views: 8,
        };
        assert_eq!(all["group"], expected);
        assert_eq!((all["north"].replies, all["north"].views), (4, 0));
        assert!(!all.contains_key("holding"), "what is above is not asked for");
    }

    #[test]
    fn parents_that_go_round_are_told_and_nothing_is_added_up() {
        let below = [
            company("a", Some("c")),
            company("b", Some("a")),
            company("c", Some("b")),
            company("d", Some("c")),
        ];
        let family = Family::of("b", &below);
        assert_eq!((family.ids, family.circle.len()), (vec!["b".to_owned()], 3));
        assert_eq!(family.circle[0], "b");
        assert_eq!(Family::of("d", &below[3..]).circle, [] as [&str; 0]);
    }

    #[test]
    fn a_group_that_is_too_large_is_not_added_up() {
        let many: Vec<_> = (0..=FAMILY_MAX)
            .map(|number| company(&number.to_string(), (number > 0).then_some("0")))
            .collect();
        let family = Family::of("0", &many);
        assert_eq!((family.ids, family.too_large), (vec!["0".to_owned()], true));
    }
}
