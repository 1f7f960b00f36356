use domain::unification::Country;
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// A phone number as E.164, `+4930123456`, without its extension. A number without a country code is read with the default
/// country, and is unreadable without one. It has to be as long as numbers of its country are; whether it is assigned is not
/// asked, since lists of ranges are always behind.
pub fn e164(text: &str, default: Option<Country>) -> Option<String> {
    let region = default.and_then(|country| Region::from_code(country.as_str()).ok());
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) => {}
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(_) => return None,
    }
    let normal = number.format_as(PhoneNumberFormat::E164).into_owned();
    // A number with its prefix twice is read without one of them, and without the other when it is read again: none at all.
    let again = PHONE_NUMBER_UTIL.parse(&normal, None).ok()?;
    (again.format_as(PhoneNumberFormat::E164) == normal).then_some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_and_without_country_code_are_one() {
        for (text, country, expected) in [
            ("+49 30 1234567", None, Some("+49301234567")),
            ("030 1234567", Some("DE"), Some("+49301234567")),
            ("(030) 123-4567", Some("DE"), Some("+49301234567")),
            ("0049 30 1234567", Some("DE"), Some("+49301234567")),
            ("+49 (0)30 1234567", None, Some("+49301234567")),
            ("01 42 68 53 00", Some("FR"), Some("+33142685300")),
            ("+33 1 42 68 53 00", Some("DE"), Some("+33142685300")),
            ("91 123 45 67", Some("ES"), Some("+34911234567")),
            ("(212) 555-0100", Some("US"), Some("+12125550100")),
            ("1-212-555-0100 ext. 12", Some("US"), Some("+12125550100")),
            ("020 7946 0018", Some("GB"), Some("+442079460018")),
            ("06 1234 5678", Some("IT"), Some("+390612345678")),
            ("+39 06 1234 5678", None, Some("+390612345678")),
            ("tel:+49-30-1234567", None, Some("+49301234567")),
            ("٠٣٠١٢٣٤٥٦٧", Some("DE"), Some("+49301234567")),
            ("030 1234567", None, None),
            ("030 1234567", Some("ZZ"), None),
            ("1234567", Some("US"), None),
            ("12", Some("DE"), None),
            ("+999 123456789", None, None),
            ("0000 47250", Some("DE"), None),
            ("+375 8 882651020", None, None),
            ("call me", Some("DE"), None),
            ("-", Some("DE"), None),
            ("", Some("DE"), None),
        ] {
            let country = country.map(|country| country.parse().unwrap());
            assert_eq!(
                e164(text, country).as_deref(),
                expected,
                "{text:?} in {country:?}"
            );
        }
    }
}
