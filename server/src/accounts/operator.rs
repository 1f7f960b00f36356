use std::fs;

use chrono::{DateTime, Utc};
use store::By;

/// Whoever runs this command, for the audit trail.
pub(crate) fn operator(at: DateTime<Utc>) -> By {
    By {
        origin: Some(format!("user {}", user())),
        ..By::operator(at)
    }
}

/// The name of the process's user, or the number where the machine has no name for it.
fn user() -> String {
    let id = rustix::process::geteuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&users, &id).unwrap_or(&id).to_owned()
}

fn name_of<'a>(users: &'a str, id: &str) -> Option<&'a str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_name_that_the_machine_knows() {
        let users = "root:x:0:0:root:/root:/bin/bash\nbroken\nana:x:1000:1000::/home/ana:/bin/sh\n";
        assert_eq!(name_of(users, "1000"), Some("ana"));
        assert_eq!(name_of(users, "100"), None);
    }
}
