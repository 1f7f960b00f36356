//! Numbers as the console writes them: thousands marked, never shortened, so that they can be added up.

pub use domain::grouped;

/// A share in percent: one decimal, two below 1 %.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share of counts, shown with three digits"
)]
pub fn share(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    if part == whole {
        return "100 %".to_owned();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    if percent >= 99.95 {
        "over 99.9 %".to_owned()
    } else if percent >= 1.0 {
        format!("{percent:.1} %")
    } else if percent >= 0.005 {
        format!("{percent:.2} %")
    } else {
        "under 0.01 %".to_owned()
    }
}

/// `1 record`, `2 records`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_marked() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (80_920, "80,920"),
            (1_204_377, "1,204,377"),
        ];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn shares_below_one_percent_have_two_decimals() {
        assert_eq!(share(118, 2894), "4.1 %");
        assert_eq!(share(52, 80_920), "0.06 %");
        assert_eq!(share(1, 10_000_000), "under 0.01 %");
    }

    #[test]
    fn nothing_and_all_are_not_rounded_to() {
        assert_eq!(share(0, 10), "0 %");
        assert_eq!(share(0, 0), "0 %");
        assert_eq!(share(10, 10), "100 %");
        assert_eq!(share(999_999, 1_000_000), "over 99.9 %");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(counted(1200, "record", "records"), "1,200 records");
    }
}
