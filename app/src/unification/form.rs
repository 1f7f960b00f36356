//! What the forms of rules send, read strictly: an answer names the field that cannot be read.

use std::collections::{BTreeMap, BTreeSet};

use domain::unification::{Condition, Country, Operator, RuleSet, Threshold};

use crate::error::AppError;

fn refused(what: String, next_action: &str) -> AppError {
    AppError::Refused {
        what,
        next_action: next_action.to_owned(),
    }
}

pub fn read_set(text: &str) -> Result<RuleSet, AppError> {
    serde_json::from_str(text).map_err(|_| {
        refused(
            "The rules that came with the form cannot be read.".to_owned(),
            "Open the page again. The rules in use are as they were.",
        )
    })
}

/// The conditions of a rule; one that is left empty is none. `percents` are the thresholds of the fuzzy ones, each in the
/// place of its condition.
pub fn conditions(texts: &[String], percents: &[String]) -> Result<Vec<Condition>, AppError> {
    let mut conditions = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if text.is_empty() {
            continue;
        }
        let mut condition: Condition = serde_json::from_str(text).map_err(|_| {
            refused(
                format!("Condition {} cannot be read.", index + 1),
                "Open the rule again and choose it from the list.",
            )
        })?;
        if let Operator::Fuzzy(_) = condition.operator {
            let percent = percents.get(index).map_or("", String::as_str);
            condition.operator = Operator::Fuzzy(threshold(percent)?);
        }
        conditions.push(condition);
    }
    if conditions.is_empty() {
        return Err(refused(
            "A rule needs at least one condition.".to_owned(),
            "Choose what the rule compares.",
        ));
    }
    Ok(conditions)
}

fn threshold(text: &str) -> Result<Threshold, AppError> {
    let percent = text.trim().parse::<u8>().map_err(|_| {
        refused(
            format!("\"{text}\" is not a number of percent."),
            "Give a number from 70 to 99.",
        )
    })?;
    Threshold::try_from(percent).map_err(|error| {
        refused(
            crate::ui::words::sentence(&error.to_string()),
            "Give a number from 70 to 99.",
        )
    })
}

/// One word a line; empty lines are none.
pub fn lines(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Lines such as `customer-de DE`. A name alone has no country.
pub fn country_lines(text: &str) -> Result<BTreeMap<String, Country>, AppError> {
    let mut countries = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(country)) = (words.next(), words.next()) else {
            continue;
        };
        let country = country.parse::<Country>().map_err(|error| {
            refused(
                format!("The default country of {name} cannot be used: {error}."),
                "Correct it, and save again.",
            )
        })?;
        countries.insert(name.to_owned(), country);
    }
    Ok(countries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unification::draft::possible_conditions;

    fn texts(conditions: &[Condition]) -> Vec<String> {
        let text = |condition| serde_json::to_string(condition).expect("a text");
        conditions.iter().map(text).collect()
    }

    #[test]
    fn every_condition_that_a_form_offers_is_read_back() {
        let all = possible_conditions();
        let percents = vec!["90".to_owned(); all.len()];
        assert_eq!(conditions(&texts(&all), &percents), Ok(all));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let none = vec![String::new(), String::new()];
        for (texts, percents, words) in [
            (none.clone(), vec![], "at least one condition"),
            (vec!["{}".to_owned()], vec![], "Condition 1"),
        ] {
            let error = conditions(&texts, &percents).expect_err("an error");
            assert!(error.to_string().contains(words), "{error}");
        }
        let fuzzy: Vec<_> = possible_conditions()
            .into_iter()
            .filter(|condition| matches!(condition.operator, Operator::Fuzzy(_)))
            .collect();
        for percent in ["", "x", "69", "100", "-3"] {
            assert!(
                conditions(&texts(&fuzzy[..1]), &[percent.to_owned()]).is_err(),
                "{percent}"
            );
        }
    }

    #[test]
    fn lists_are_lines() {
        assert_eq!(lines("b\n\n a \nb\n"), ["a", "b"].map(str::to_owned).into());
        let countries = country_lines("customer-de de\ncustomer-en\n").expect("countries");
        assert_eq!(countries.len(), 1);
        assert_eq!(countries["customer-de"].as_str(), "DE");
        assert!(country_lines("customer-de Germany").is_err());
    }
}
