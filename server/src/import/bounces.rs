//! Addresses that mail came back from, as CSV with a header.

use store::{Bounce, normal_email};

use super::{
    activity::time,
    header::{quoted, text},
    parties::Party,
};

pub(crate) const BOUNCE_COLUMNS: [&str; 2] = ["email", "bounced_at"];

impl Party for Bounce {
    const COLUMNS: &'static [&'static str] = &BOUNCE_COLUMNS;

    /// Without a time, mail to the address is delivered again.
    fn read(cells: &[String]) -> Result<Self, String> {
        let cell = |column: usize| {
            text(
                BOUNCE_COLUMNS[column],
                cells.get(column).map_or("", String::as_str),
            )
        };
        let given = cell(0)?.ok_or("email is missing")?;
        let email =
            normal_email(&given).ok_or_else(|| format!("email {:?} is no address", quoted(&given)))?;
        let bounced_at = cell(1)?.map(|given| time(BOUNCE_COLUMNS[1], &given));
        Ok(Self {
            email,
            bounced_at: bounced_at.transpose()?,
        })
    }

    fn external_id(&self) -> &str {
        &self.email
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(email: &str, at: &str) -> Result<Bounce, String> {
        Bounce::read(&[email.to_owned(), at.to_owned()])
    }

    #[test]
    fn addresses_are_read_as_they_are_compared() {
        let bounce = read(" Ann@Halden.example ", "2026-11-20T08:00:00+01:00").expect("a bounce");
        assert_eq!(bounce.email, "ann@halden.example");
        let at = bounce.bounced_at.expect("a time");
        assert_eq!(at.to_rfc3339(), "2026-11-20T07:00:00+00:00");
        let delivered = read("ann@halden.example", "").expect("a row");
        assert_eq!(delivered.bounced_at, None);
    }

    #[test]
    fn what_is_no_address_or_time_is_told() {
        for (email, at, told) in [
            ("", "2026-11-20", "email is missing"),
            ("ann", "2026-11-20", "\"ann\" is no address"),
            (
                "ann@halden.example",
                "yesterday",
                "bounced_at \"yesterday\" is not a time",
            ),
        ] {
            let error = read(email, at).expect_err("a bad row");
            assert!(error.contains(told), "{error}");
        }
    }
}
