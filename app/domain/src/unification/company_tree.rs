use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

/// Companies and the companies that their figures roll up to. There is no circle in it, since what would close one is refused.
///
/// A parent that was not imported counts as one: it gathers what is below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyTree {
    parents: BTreeMap<String, String>,
}

/// A parent that is the company itself, or below it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the company \"{company}\" cannot have the parent \"{}\", which is the company itself or below it ({}); \
     give another parent, or take the parent of one of these out first",
    .circle.first().map_or("", String::as_str),
    .circle.join(" → ")
)]
pub struct ParentCircle {
    pub company: String,
    /// From the parent that was refused up to the company, by external ids.
    pub circle: Vec<String>,
}

impl CompanyTree {
    /// Gives a company another parent, or none. A refused one changes nothing.
    pub fn set_parent(&mut self, company: &str, parent: Option<&str>) -> Result<(), ParentCircle> {
        let Some(parent) = parent else {
            self.parents.remove(company);
            return Ok(());
        };
        let path: Vec<_> = self.path(parent).collect();
        if let Some(end) = path.iter().position(|above| *above == company) {
            return Err(ParentCircle {
                company: company.to_owned(),
                circle: path[..=end].iter().map(|&id| id.to_owned()).collect(),
            });
        }
        self.parents.insert(company.to_owned(), parent.to_owned());
        Ok(())
    }

    pub fn parent(&self, company: &str) -> Option<&str> {
        self.parents.get(company).map(String::as_str)
    }

    /// The company, its parent and so on.
    pub fn path<'a>(&'a self, company: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::successors(Some(company), |id| self.parent(id))
    }

    /// The company and all below it, whose figures it shows: in the order of their ids.
    pub fn with_all_below<'a>(&'a self, company: &'a str) -> BTreeSet<&'a str> {
        let mut children = BTreeMap::<&str, Vec<&str>>::new();
        for (child, parent) in &self.parents {
            children.entry(parent).or_default().push(child);
        }
        let (mut all, mut next) = (BTreeSet::from([company]), vec![company]);
        while let Some(id) = next.pop() {
            for child in children.get(id).into_iter().flatten() {
                all.insert(child);
                next.push(child);
            }
        }
        all
    }

    /// Each company's figures with those of all below it. The figures given are a company's own.
    pub fn rolled_up<F: Copy + Default + AddAssign>(&self, own: &BTreeMap<String, F>) -> BTreeMap<String, F> {
        let mut figures: BTreeMap<&str, F> = own.iter().map(|(id, figure)| (id.as_str(), *figure)).collect();
        for parent in self.parents.values() {
            figures.entry(parent).or_default();
        }
        // From the lowest up, so that each has all of its own before it is added to its parent.
        let mut depths = BTreeMap::new();
        let mut by_depth: Vec<_> = self
            .parents
            .iter()
            .map(|(id, parent)| (self.depth(id, &mut depths), id, parent))
            .collect();
        by_depth.sort_unstable_by(|one, other| other.cmp(one));
        for (_, id, parent) in by_depth {
            let below = figures.get(id.as_str()).copied().unwrap_or_default();
            *figures.entry(parent).or_default() += below;
        }
        figures
            .into_iter()
            .map(|(id, figure)| (id.to_owned(), figure))
            .collect()
    }

    /// How many are above, looked up once for each.
    fn depth<'a>(&'a self, company: &'a str, known: &mut BTreeMap<&'a str, usize>) -> usize {
        let mut path = Vec::new();
        let mut depth = 0;
        for id in self.path(company) {
            if let Some(above) = known.get(id) {
                depth = above + 1;
                break;
            }
            path.push(id);
        }
        for id in path.into_iter().rev() {
            known.insert(id, depth);
            depth += 1;
        }
        depth - usize::from(depth > 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree(parents: &[(u8, u8)]) -> CompanyTree {
        let mut tree = CompanyTree::default();
        for (child, parent) in parents {
            // What would close a circle is refused; the rest stands.
            let _ = tree.set_parent(&child.to_string(), Some(&parent.to_string()));
        }
        tree
    }

    #[test]
    fn a_parent_shows_what_is_below_it() {
        let mut tree = CompanyTree::default();
        tree.set_parent("berlin", Some("germany")).unwrap();
        tree.set_parent("paris", Some("france")).unwrap();
        tree.set_parent("germany", Some("group")).unwrap();
        tree.set_parent("france", Some("group")).unwrap();
        let own = [("berlin", 5), ("germany", 2), ("paris", 3), ("alone", 1)];
        let own = own.map(|(id, members)| (id.to_owned(), members)).into();
        let figures: Vec<_> = tree.rolled_up(&own).into_iter().collect();
        let expected = [
            ("alone", 1),
            ("berlin", 5),
            ("france", 3),
            ("germany", 7),
            ("group", 10),
            ("paris", 3),
        ];
        assert_eq!(figures, expected.map(|(id, members)| (id.to_owned(), members)));
        assert_eq!(
            tree.path("berlin").collect::<Vec<_>>(),
            ["berlin", "germany", "group"]
        );
        assert_eq!(
            tree.with_all_below("germany"),
            BTreeSet::from(["berlin", "germany"])
        );
    }

    #[test]
    fn a_circle_is_refused_with_its_companies_and_changes_nothing() {
        let mut tree = CompanyTree::default();
        tree.set_parent("b", Some("a")).unwrap();
        tree.set_parent("c", Some("b")).unwrap();
        let before = tree.clone();
        let refused = tree.set_parent("a", Some("c")).unwrap_err();
        assert_eq!(refused.circle, ["c", "b", "a"]);
        assert_eq!(
            refused.to_string(),
            "the company \"a\" cannot have the parent \"c\", which is the company itself or below it (c → b → a); give another \
             parent, or take the parent of one of these out first"
        );
        assert!(tree.set_parent("a", Some("a")).is_err());
        assert_eq!(tree, before);
        tree.set_parent("b", None).unwrap();
        assert_eq!(tree.set_parent("a", Some("c")), Ok(()));
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_rolls_up() {
        let mut tree = CompanyTree::default();
        let id = |number: u32| format!("{number:06}");
        for number in (0..100_000).rev() {
            tree.parents.insert(id(number + 1), id(number));
        }
        let own = BTreeMap::from([(id(100_000), 1), (id(50_000), 2)]);
        let figures = tree.rolled_up(&own);
        assert_eq!((figures[&id(0)], figures[&id(50_001)]), (3, 1));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_doubled_and_there_is_no_circle(
            parents in prop::collection::vec((0_u8..20, 0_u8..20), 0..60), own in prop::collection::btree_map("1?[0-9]", 1_u64..100, 0..20),
        ) {
            let tree = tree(&parents);
            for company in (0..20).map(|id: u8| id.to_string()) {
                prop_assert!(tree.path(&company).take(30).count() <= 20, "{:?}", tree);
            }
            let figures = tree.rolled_up(&own);
            let of_roots = figures.iter().filter(|(id, _)| tree.parent(id).is_none());
            prop_assert_eq!(of_roots.map(|(_, figure)| figure).sum::<u64>(), own.values().sum::<u64>());
            for (id, figure) in &figures {
                let below = tree.with_all_below(id);
                let expected: u64 = below.iter().filter_map(|id| own.get(*id)).sum();
                prop_assert_eq!(*figure, expected, "{}", id);
            }
        }

        #[test]
        fn the_order_in_which_companies_come_makes_no_difference(parents in prop::collection::btree_map(1_u8..30, 0_u8..30, 0..30)) {
            // Each parent has a smaller number, so nothing is refused.
            let parents: Vec<_> = parents.into_iter().map(|(child, parent)| (child, parent % child)).collect();
            let reversed: Vec<_> = parents.iter().rev().copied().collect();
            let own = (0..30_u8).map(|id| (id.to_string(), u64::from(id))).collect();
            prop_assert_eq!(tree(&parents).rolled_up(&own), tree(&reversed).rolled_up(&own));
        }
    }
}
