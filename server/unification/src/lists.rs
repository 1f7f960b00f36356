use std::{collections::HashSet, sync::Arc};

use crate::normalise::{self, LegalForms};

/// The list of free-mail domains that is shipped.
pub const FREE_MAIL_DOMAINS: &str = include_str!("../data/free-mail-domains.txt");
/// The list of legal forms that is shipped.
pub const LEGAL_FORMS: &str = include_str!("../data/legal-forms.txt");

/// The lists that rules are read with: those that are shipped, and what an operator adds to them.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// Long, so that each rule set shares it.
    free_mail: Arc<HashSet<String>>,
    legal_forms: LegalForms,
}

/// A line of a list that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} of the list, \"{text}\", is not {expected}; correct it, or begin it with # to leave it out"
)]
pub struct UnreadableList {
    /// From 1.
    pub line: usize,
    pub text: String,
    expected: &'static str,
}

impl Lists {
    pub fn shipped() -> Self {
        // A test reads both lists whole, so that no line of them is left out here.
        let free_mail = lines(FREE_MAIL_DOMAINS).map(|(_, line)| line.to_owned());
        let mut lists = Self {
            free_mail: Arc::new(free_mail.collect()),
            ..Self::default()
        };
        for (_, line) in lines(LEGAL_FORMS) {
            lists.legal_forms.add(line);
        }
        lists
    }

    /// Adds a list of free-mail domains: one a line, `#` begins a comment.
    pub fn add_free_mail(&mut self, text: &str) -> Result<(), UnreadableList> {
        let free_mail = Arc::make_mut(&mut self.free_mail);
        for (number, line) in lines(text) {
            let domain =
                normalise::domain(line).ok_or_else(|| UnreadableList::new(number, line, "a domain"))?;
            free_mail.insert(domain.into_owned());
        }
        Ok(())
    }

    /// Adds a list of legal forms, written as the one that is shipped.
    pub fn add_legal_forms(&mut self, text: &str) -> Result<(), UnreadableList> {
        for (number, line) in lines(text) {
            if !self.legal_forms.add(line) {
                return Err(UnreadableList::new(number, line, "a legal form"));
            }
        }
        Ok(())
    }

    pub(crate) fn add_legal_form(&mut self, form: &str) -> bool {
        self.legal_forms.add(form)
    }

    pub fn legal_forms(&self) -> &LegalForms {
        &self.legal_forms
    }

    pub fn is_free_mail(&self, domain: &str) -> bool {
        self.free_mail.contains(domain)
    }

    pub fn free_mail_len(&self) -> usize {
        self.free_mail.len()
    }
}

impl UnreadableList {
    fn new(line: usize, text: &str, expected: &'static str) -> Self {
        Self {
            line,
            text: text.to_owned(),
            expected,
        }
    }
}

/// The lines that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines().map(str::trim))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_lists_can_be_read_whole() {
        let mut lists = Lists::default();
        assert_eq!(lists.add_free_mail(FREE_MAIL_DOMAINS), Ok(()));
        assert_eq!(lists.add_legal_forms(LEGAL_FORMS), Ok(()));
        assert_eq!(lists.free_mail_len(), Lists::shipped().free_mail_len());
        assert!(lists.free_mail_len() > 10_000);
        for domain in [
            "gmail.com",
            "gmx.de",
            "web.de",
            "orange.fr",
            "libero.it",
            "qq.com",
        ] {
            assert!(lists.is_free_mail(domain), "{domain}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let mut lists = Lists::default();
        let error = lists
            .add_free_mail("# ours\nmail.example\n\nnot a domain\n")
            .unwrap_err();
        assert_eq!((error.line, error.text.as_str()), (4, "not a domain"));
        assert_eq!(lists.add_legal_forms("&&").unwrap_err().line, 1);
    }
}
