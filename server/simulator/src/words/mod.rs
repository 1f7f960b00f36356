//! What people in a community are called and what they write, by language.

mod de;
mod en;
mod es;
mod fr;

use crate::mix::{Mix, index};

/// The phrase book of one language. Names come as written and as they stand in an address.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) first_names: &'static [(&'static str, &'static str)],
    pub(crate) last_names: &'static [(&'static str, &'static str)],
    pub(crate) cities: &'static [&'static str],
    pub(crate) country: &'static str,
    pub(crate) dial_prefix: &'static str,
    pub(crate) job_titles: &'static [&'static str],
    pub(crate) departments: &'static [&'static str],
    pub(crate) about: &'static [&'static str],
    pub(crate) profile_fields: ProfileFields,
    pub(crate) industries: &'static [&'static str],
    pub(crate) legal_forms: &'static [&'static str],
    pub(crate) ranks: [&'static str; 5],
    pub(crate) sections: &'static [&'static str],
    pub(crate) boards: &'static [&'static str],
    pub(crate) guides: &'static [&'static str],
    pub(crate) group: &'static str,
    pub(crate) idea_statuses: [&'static str; 8],
    /// Title patterns by content type, in the order of `ContentType::ALL`; `{}` stands for a thing.
    pub(crate) titles: [&'static [&'static str]; 5],
    pub(crate) things: &'static [&'static str],
    pub(crate) sentences: &'static [&'static str],
    pub(crate) answers: &'static [&'static str],
    pub(crate) tags: &'static [&'static str],
}

/// Names of the profile fields, which an administrator chose in the language of the community.
#[derive(Debug)]
pub(crate) struct ProfileFields {
    pub(crate) first_name: &'static str,
    pub(crate) last_name: &'static str,
    pub(crate) city: &'static str,
    pub(crate) country: &'static str,
    pub(crate) company: &'static str,
    pub(crate) job_title: &'static str,
    pub(crate) about: &'static str,
    pub(crate) department: &'static str,
    pub(crate) phone: &'static str,
}

/// The phrase book for a tenant, by the end of its name.
pub(crate) fn for_tenant(name: &str) -> &'static Words {
    match name.rsplit('-').next() {
        Some("de") => &de::WORDS,
        Some("es") => &es::WORDS,
        Some("fr") => &fr::WORDS,
        _ => &en::WORDS,
    }
}

/// Syllables of invented company names.
const SYLLABLES: [&str; 24] = [
    "ba", "ve", "lo", "ri", "tan", "mer", "so", "dik", "nor", "pal", "ku", "xen", "fi", "gar", "hel", "jo",
    "lum", "ost", "qua", "rud", "sil", "tor", "vin", "zed",
];
/// Names of fewer syllables would soon be used up.
const MIN_SYLLABLES: usize = 3;
/// Domains that can belong to nobody (RFC 2606).
const COMPANY_DOMAINS: [&str; 2] = ["example", "test"];

/// The invented company with this number: its word is never used twice in a language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Company {
    number: u64,
    place: Mix,
}

impl Company {
    pub(crate) fn new(number: u64, world: Mix) -> Self {
        Self {
            number,
            place: world.at(number),
        }
    }

    fn syllables(self) -> impl Iterator<Item = &'static str> {
        let base = SYLLABLES.len() as u64;
        let mut rest = self.number;
        let mut said = 0;
        std::iter::from_fn(move || {
            if said >= MIN_SYLLABLES && rest == 0 {
                return None;
            }
            // The rotation keeps the first companies from all beginning alike.
            let syllable = SYLLABLES[index((rest + 7 * said as u64) % base)];
            rest /= base;
            said += 1;
            Some(syllable)
        })
    }

    /// As in `Veloriba Logistics Ltd`; the legal form is what members often leave out.
    pub(crate) fn push_name(self, words: &Words, legal_form: bool, out: &mut String) {
        let start = out.len();
        self.syllables().for_each(|syllable| out.push_str(syllable));
        let first = out[start..]
            .chars()
            .next()
            .map(|letter| letter.to_ascii_uppercase());
        if let Some(first) = first {
            out.replace_range(start..=start, first.encode_utf8(&mut [0; 4]));
        }
        out.push(' ');
        out.push_str(self.place.pick(0, words.industries));
        if legal_form {
            out.push(' ');
            out.push_str(self.place.pick(1, words.legal_forms));
        }
    }

    pub(crate) fn push_domain(self, out: &mut String) {
        self.syllables().for_each(|syllable| out.push_str(syllable));
        out.push('.');
        out.push_str(self.place.pick(2, &COMPANY_DOMAINS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn company_domains_are_unique() {
        let domains: HashSet<String> = (0..20_000)
            .map(|number| {
                let mut domain = String::new();
                Company::new(number, Mix::new(5)).push_domain(&mut domain);
                domain.split('.').next().unwrap().to_owned()
            })
            .collect();
        assert_eq!(domains.len(), 20_000);
    }

    #[test]
    fn the_end_of_the_name_chooses_the_language() {
        assert_eq!(for_tenant("customer-de").profile_fields.phone, "Telefon");
        assert_eq!(for_tenant("customer-fr").profile_fields.phone, "Téléphone");
        assert_eq!(for_tenant("customer-es").profile_fields.phone, "Teléfono");
        assert_eq!(for_tenant("customer-nl").profile_fields.phone, "Phone");
    }
}
