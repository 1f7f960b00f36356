use std::collections::HashSet;

use super::Name;

/// More words than any legal form has: "s. de r.l. de c.v." has seven.
const FORM_MAX_WORDS: usize = 8;

/// The legal forms that company names are compared without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegalForms {
    trailing: HashSet<String>,
    leading: HashSet<String>,
    /// Dropped without a space as well; the longest first, so that none is left half.
    joined: Vec<String>,
}

impl LegalForms {
    /// Adds one line of a list: a form, with `^` before one that may begin a name and `~` before one that needs no space. Says
    /// whether anything of it can be compared.
    pub fn add(&mut self, line: &str) -> bool {
        let (leading, line) = line.strip_prefix('^').map_or((false, line), |rest| (true, rest));
        let (joined, line) = line.strip_prefix('~').map_or((false, line), |rest| (true, rest));
        let form = Name::new(line).joined();
        if form.is_empty() {
            return false;
        }
        if joined && !self.joined.contains(&form) {
            self.joined.push(form.clone());
            self.joined
                .sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        }
        if leading || joined {
            self.leading.insert(form.clone());
        }
        self.trailing.insert(form);
        true
    }

    /// Drops what is at the ends of a name, again and again, as long as something remains.
    pub fn drop_from(&self, name: &mut Name) {
        let words = name.words_mut();
        while self.drop_trailing(words) || self.drop_leading(words) || self.drop_joined(words) {}
    }

    fn drop_trailing(&self, words: &mut Vec<String>) -> bool {
        let most = FORM_MAX_WORDS.min(words.len().saturating_sub(1));
        let form = (1..=most)
            .rev()
            .find(|count| self.trailing.contains(&words[words.len() - count..].concat()));
        form.inspect(|count| words.truncate(words.len() - count))
            .is_some()
    }

    fn drop_leading(&self, words: &mut Vec<String>) -> bool {
        if self.leading.is_empty() {
            return false;
        }
        let most = FORM_MAX_WORDS.min(words.len().saturating_sub(1));
        let form = (1..=most)
            .rev()
            .find(|count| self.leading.contains(&words[..*count].concat()));
        form.inspect(|count| drop(words.drain(..count))).is_some()
    }

    fn drop_joined(&self, words: &mut [String]) -> bool {
        if words.iter().all(|word| word.is_ascii()) {
            return false;
        }
        for form in &self.joined {
            if let Some(last) = words.last_mut()
                && last.len() > form.len()
                && last.ends_with(form)
            {
                last.truncate(last.len() - form.len());
                return true;
            }
            if let Some(first) = words.first_mut()
                && first.len() > form.len()
                && first.starts_with(form)
            {
                first.drain(..form.len());
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lists;

    #[test]
    fn companies_are_one_whatever_their_legal_form() {
        let lists = Lists::shipped();
        let bare = |text: &str| {
            let mut name = Name::new(text);
            lists.legal_forms().drop_from(&mut name);
            name.joined()
        };
        for (name, expected) in [
            ("Halden Freight GmbH & Co. KG", "haldenfreight"),
            ("Halden Freight, Inc.", "haldenfreight"),
            ("Brise Logistique S.A.R.L.", "briselogistique"),
            ("Brise Logistique S.à r.l.", "briselogistique"),
            ("Marea Salud, S.A. de C.V.", "mareasalud"),
            ("Orlach Sp. z o.o. sp.k.", "orlach"),
            ("Kestrel Haul Pty. Ltd.", "kestrelhaul"),
            ("Tauber Guß Aktiengesellschaft", "tauberguss"),
            ("株式会社山田", "山田"),
            ("山田株式会社", "山田"),
            ("山田 (株)", "山田"),
            ("阿里巴巴有限公司", "阿里巴巴"),
            ("주식회사 삼성", "삼성"),
            ("ООО Ромашка", "ромашка"),
            ("PT Maju Jaya Tbk", "majujaya"),
            ("Tiffany & Co.", "tiffany"),
            // Nothing but a form is a name after all.
            ("Limited", "limited"),
            ("AG", "ag"),
            ("GmbH & Co. KG", "gmbh"),
            ("株式会社", "株式会社"),
            // A form in the middle or inside of a word is part of the name.
            ("SA Recycling Works", "sarecyclingworks"),
            ("Costco", "costco"),
            ("Acmeinc", "acmeinc"),
        ] {
            assert_eq!(bare(name), expected, "{name}");
        }
    }
}
