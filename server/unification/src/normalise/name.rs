use unicode_normalization::{UnicodeNormalization as _, char::canonical_combining_class};

use super::is_invisible;

/// Longer text is no name (bytes).
const NAME_MAX_BYTES: usize = 1_000;

/// A name as words without case, accents and punctuation. Written without spaces and hyphens it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    words: Vec<String>,
}

impl Name {
    /// Empty if there is nothing to be compared, or more than a name has.
    pub fn new(text: &str) -> Self {
        if text.len() > NAME_MAX_BYTES {
            return Self::default();
        }
        let folded = fold(text);
        if folded.len() > NAME_MAX_BYTES {
            return Self::default();
        }
        let words = folded
            .split(|c: char| !is_of_word(c))
            // A mark without its letter is none.
            .map(|word| word.trim_start_matches(|c| canonical_combining_class(c) != 0))
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .map(str::to_owned)
            .collect();
        Self { words }
    }

    pub(crate) fn words_mut(&mut self) -> &mut Vec<String> {
        &mut self.words
    }

    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether nothing of it could be compared.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The form in which names are compared.
    pub fn joined(&self) -> String {
        let joined = self.words.concat();
        if joined.is_ascii() {
            return joined;
        }
        // Parts of a letter that were words of their own are one now.
        joined.nfc().collect()
    }
}

/// A person's name, whichever part comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullName {
    first: String,
    last: String,
}

impl FullName {
    /// From the two parts, or from one that holds both: then the last word is taken for the last name. `None` if there is only
    /// one word, which is no full name.
    pub fn new(first: Option<&str>, last: Option<&str>) -> Option<Self> {
        let parts = [first, last].map(|part| Name::new(part.unwrap_or_default()));
        let [mut first, last] = parts;
        if !first.is_empty() && !last.is_empty() {
            return Some(Self {
                first: first.joined(),
                last: last.joined(),
            });
        }
        let both = if first.is_empty() { last } else { first };
        first = both;
        let last = first.words_mut().pop()?;
        (!first.is_empty()).then(|| Self {
            first: first.joined(),
            last,
        })
    }

    /// Both orders, in which it is looked up; one if they are the same.
    pub fn orders(&self) -> Vec<String> {
        let forward = format!("{}{}", self.first, self.last);
        let backward = format!("{}{}", self.last, self.first);
        if forward == backward {
            vec![forward]
        } else {
            vec![forward, backward]
        }
    }
}

/// Without case, and without the accents that are left out where they are not at hand. Other marks are part of the letter.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase().replace(is_apostrophe, "");
    }
    let is_nothing = |c: char| is_apostrophe(c) || is_invisible(c);
    let mut base = None;
    let parts = text.chars().filter(|c| !is_nothing(*c)).nfkd();
    let without_accents = parts.filter(|c| {
        if is_nothing(*c) || *c == TATWEEL {
            return false;
        }
        if canonical_combining_class(*c) == 0 {
            base = Some(*c);
            return true;
        }
        !is_accent(base, *c)
    });
    let mut folded = String::with_capacity(text.len());
    for c in without_accents {
        match unaccented(c) {
            Some(letters) => folded.push_str(letters),
            // By way of upper case, which makes ς and σ one.
            None => folded.extend(c.to_uppercase().flat_map(char::to_lowercase)),
        }
    }
    folded.nfc().collect()
}

/// Stretches an Arabic word, and is no letter.
const TATWEEL: char = '\u{640}';

/// Whether people leave a mark out: each in Latin and Greek, the points of ё, and the vowels of Hebrew and Arabic.
fn is_accent(base: Option<char>, mark: char) -> bool {
    match mark {
        '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{652}' | '\u{670}' => true,
        '\u{308}' if matches!(base, Some('е' | 'Е')) => true,
        _ => base.is_some_and(is_latin_or_greek),
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{2bc}' | '`' | '\u{b4}')
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || canonical_combining_class(c) != 0
}

fn is_latin_or_greek(c: char) -> bool {
    c.is_ascii_alphabetic()
        || matches!(c, '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{1e00}'..='\u{1fff}')
}

/// Letters whose stroke or shape is not a mark that could be taken off (Unicode decomposes none of them), as they are written
/// where they are missing.
fn unaccented(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' | 'Ø' => "o",
        'ł' | 'Ł' => "l",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'þ' | 'Þ' => "th",
        'ħ' | 'Ħ' => "h",
        'ŧ' | 'Ŧ' => "t",
        'ı' => "i",
        'ß' | 'ẞ' => "ss",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_accents_spaces_and_hyphens() {
        for (one, other) in [
            ("Jean-Pierre", "JEAN PIERRE"),
            ("Müller", "muller"),
            ("Zoë", "zoe"),
            ("Łódź Øresund", "lodz oresund"),
            ("Straße", "STRASSE"),
            ("Œuvre", "oeuvre"),
            ("O'Brien", "O’Brien"),
            ("ΟΔΟΣ", "οδός"),
            ("Ａｃｍｅ", "acme"),
            ("ﬁne", "fine"),
            ("İstanbul", "istanbul"),
            ("H&M", "hm"),
            ("STRAẞE", "straße"),
            ("O´Brien", "O'Brien"),
            ("Королёв", "КОРОЛЕВ"),
            ("שָׁלוֹם", "שלום"),
            ("بَيْـــت", "بيت"),
        ] {
            assert_eq!(
                Name::new(one).joined(),
                Name::new(other).joined(),
                "{one} and {other}"
            );
        }
    }

    #[test]
    fn other_scripts_are_kept() {
        for text in ["株式会社", "삼성", "がぎぐ", "йод", "שלום", "हिन्दी", "ไทย"]
        {
            assert_eq!(Name::new(text).joined(), text);
        }
        assert_ne!(Name::new("が").joined(), Name::new("か").joined());
        assert_ne!(Name::new("й").joined(), Name::new("и").joined());
    }

    #[test]
    fn what_is_only_punctuation_is_no_name() {
        for text in ["", "  ", "---", "…", "' '"] {
            assert!(Name::new(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn a_full_name_is_one_in_either_order() {
        let orders = |first, last| FullName::new(first, last).map(|name| name.orders());
        let common = |one: &Option<Vec<String>>, other: &Option<Vec<String>>| {
            let other = other.as_deref().unwrap_or_default();
            one.iter().flatten().any(|order| other.contains(order))
        };
        let ann = orders(Some("Anne Marie"), Some("Lee"));
        for (first, last) in [
            (Some("Lee"), Some("Anne-Marie")),
            (Some("Annemarie"), Some("LEE")),
            (Some("Anne Marie Lee"), None),
            (None, Some("Anne Marie Lee")),
            (Some("lee, anne marie"), None),
        ] {
            assert!(common(&ann, &orders(first, last)), "{first:?} {last:?}");
        }
        assert_eq!(orders(Some("Ann"), None), None);
        assert_eq!(orders(None, None), None);
        assert_eq!(orders(Some("Lee"), Some("Lee")), Some(vec!["leelee".to_owned()]));
    }
}
