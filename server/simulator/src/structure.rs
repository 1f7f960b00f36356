//! Categories and idea statuses: small, and made once.

use crate::content::ContentType;
use crate::mix::Mix;
use crate::words::Words;

/// Fewest and most of each kind; together they give 14 to 26 categories.
const SECTIONS: (u64, u64) = (3, 5);
const BOARDS: (u64, u64) = (6, 14);
const GUIDES: (u64, u64) = (3, 5);
const IDEA_STATUSES: (u64, u64) = (4, 8);
/// Text and background, readable on one another.
const STATUS_COLOURS: [(&str, &str); 4] = [
    ("#FFFFFF", "#5C5C99"),
    ("#1F2933", "#F7C948"),
    ("#FFFFFF", "#0B69A3"),
    ("#FFFFFF", "#207227"),
];
/// Kind of each status in the order of the phrase book.
const STATUS_KINDS: [&str; 8] = [
    "",
    "open",
    "open",
    "open",
    "open",
    "delivered",
    "closed",
    "closed",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Module {
    Community,
    KnowledgeBase,
    Groups,
}

impl Module {
    pub(crate) const ALL: [Self; 3] = [Self::Community, Self::KnowledgeBase, Self::Groups];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Community => "community",
            Self::KnowledgeBase => "knowledge-base",
            Self::Groups => "groups",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Category {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) module: Module,
    pub(crate) parent: Option<u64>,
    pub(crate) is_section: bool,
    pub(crate) order: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct IdeaStatus {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) text_colour: &'static str,
    pub(crate) background_colour: &'static str,
    pub(crate) order: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Structure {
    pub(crate) categories: Vec<Category>,
    /// In the order of their creation; the first is the default.
    pub(crate) idea_statuses: Vec<IdeaStatus>,
    boards: Vec<usize>,
    guides: Vec<usize>,
}

impl Structure {
    pub(crate) fn new(words: &'static Words, tenant: Mix) -> Self {
        let mut builder = Builder {
            tenant,
            categories: Vec::new(),
        };
        builder.add_boards(words);
        builder.add_guides(words);
        builder.add(words.group, Module::Groups, None, false);
        let categories = builder.categories;
        let leaves = |module: Module| {
            let is_leaf = |category: &Category| category.module == module && !category.is_section;
            (0..categories.len())
                .filter(|&at| is_leaf(&categories[at]))
                .collect()
        };
        let (boards, guides) = (leaves(Module::Community), leaves(Module::KnowledgeBase));
        Self {
            boards,
            guides,
            idea_statuses: idea_statuses(words, tenant),
            categories,
        }
    }

    pub(crate) fn category(&self, id: u64) -> Option<&Category> {
        self.categories.iter().find(|category| category.id == id)
    }

    /// Places of the categories that hold topics of a type.
    pub(crate) fn leaves(&self, kind: ContentType) -> &[usize] {
        match kind {
            ContentType::Article | ContentType::ProductUpdate => &self.guides,
            _ => &self.boards,
        }
    }

    /// A board that is neither the busiest nor the quietest.
    pub(crate) fn hidden(&self) -> &Category {
        &self.categories[self.boards[1]]
    }

    /// Some categories are much busier than others.
    pub(crate) fn busy(&self, kind: ContentType, place: Mix, salt: u64) -> &Category {
        let leaves = self.leaves(kind);
        let leaf = place.skewed(salt, leaves.len() as u64);
        &self.categories[leaves[crate::mix::index(leaf)]]
    }
}

struct Builder {
    tenant: Mix,
    categories: Vec<Category>,
}

impl Builder {
    fn count(&self, salt: u64, (least, most): (u64, u64), available: usize) -> usize {
        crate::mix::index(least + self.tenant.below(salt, most - least + 1)).min(available)
    }

    fn add(&mut self, name: &'static str, module: Module, parent: Option<u64>, is_section: bool) -> u64 {
        let order = self.categories.len() as u64;
        let id = 2 + 3 * order + self.tenant.below(100 + order, 3);
        self.categories.push(Category {
            id,
            name,
            module,
            parent,
            is_section,
            order,
        });
        id
    }

    fn add_boards(&mut self, words: &'static Words) {
        let sections = self.count(1, SECTIONS, words.sections.len());
        let boards = self.count(2, BOARDS, words.boards.len());
        for (at, section) in words.sections[..sections].iter().enumerate() {
            let parent = self.add(section, Module::Community, None, true);
            for board in words.boards[..boards].iter().skip(at).step_by(sections) {
                self.add(board, Module::Community, Some(parent), false);
            }
        }
    }

    fn add_guides(&mut self, words: &'static Words) {
        let guides = self.count(3, GUIDES, words.guides.len());
        let parent = self.add(words.guides[0], Module::KnowledgeBase, None, true);
        for guide in &words.guides[1..guides] {
            self.add(guide, Module::KnowledgeBase, Some(parent), false);
        }
    }
}

fn idea_statuses(words: &'static Words, tenant: Mix) -> Vec<IdeaStatus> {
    let (least, most) = IDEA_STATUSES;
    let count = least + tenant.below(4, most - least + 1);
    (0..count)
        .map(|order| {
            let at = crate::mix::index(order);
            let (text_colour, background_colour) = STATUS_COLOURS[at % STATUS_COLOURS.len()];
            IdeaStatus {
                id: 1 + 2 * order + tenant.below(200 + order, 2),
                name: words.idea_statuses[at],
                kind: STATUS_KINDS[at],
                text_colour,
                background_colour,
                order,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_tenant_has_a_sound_tree() {
        for seed in 0..50 {
            let structure = Structure::new(crate::words::for_tenant("x-fr"), Mix::new(seed));
            let ids: HashSet<u64> = structure.categories.iter().map(|category| category.id).collect();
            assert_eq!(ids.len(), structure.categories.len());
            assert!((12..=40).contains(&ids.len()) && (4..=8).contains(&structure.idea_statuses.len()));
            assert!(!structure.hidden().is_section);
            for category in &structure.categories {
                let parent = category.parent.map(|id| structure.category(id).unwrap());
                assert!(parent.is_none_or(|parent| parent.is_section && parent.module == category.module));
            }
        }
    }
}
