use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A country or region by its two letters (ISO 3166-1 alpha-2), such as `DE`: what a phone number without a country code is
/// read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a country; give its two letters, such as DE for Germany (ISO 3166-1)")]
pub struct InvalidCountry(String);

impl Country {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = InvalidCountry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().as_bytes() {
            [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                Ok(Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]))
            }
            _ => Err(InvalidCountry(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Country {
    type Error = InvalidCountry;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.as_str().to_owned()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_are_a_country_in_either_case() {
        assert_eq!("de".parse::<Country>().map(String::from), Ok("DE".to_owned()));
        for odd in ["", "D", "DEU", "4x", "é"] {
            assert!(odd.parse::<Country>().is_err(), "{odd:?}");
        }
    }
}
