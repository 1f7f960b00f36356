//! Members.

use crate::calendar::SECONDS_PER_DAY;
use crate::changes::{MemberChange, Presence};
use crate::damage::Flaw;
use crate::json::push_number;
use crate::mix::{Mix, index};
use crate::words::Company;
use crate::world::World;

/// Ids rise with gaps, as accounts that were erased leave them.
const ID_STRIDE: u64 = 3;
/// Nobody can have these addresses: the provider allows no underscore, and here every one has it.
const FREE_MAIL_DOMAINS: [&str; 2] = ["gmail.com", "googlemail.com"];
/// Names in other scripts and with symbols.
const ODD_NAMES: [&str; 5] = ["سارة_", "דניאל_", "🚀Rocket", "小林_", "mr_<b>bold</b>_"];
/// The longest time that a member who did not stay was seen after joining.
const TRIAL_DAYS: u64 = 3;

/// Salts of a member's values.
#[derive(Debug, Clone, Copy)]
enum Of {
    Id,
    First,
    Last,
    NameForm,
    Email,
    FreeMail,
    Company,
    CompanyName,
    Role,
    Activity,
    Stay,
    OddName,
}

/// Roles that the provider knows by name, with the id of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
}

pub(crate) const REGISTERED: Role = Role {
    id: 4,
    name: "roles.registered",
    label: "Registered user",
};
const ADMIN: Role = Role {
    id: 7,
    name: "roles.admin",
    label: "Administrator",
};
const MODERATOR: Role = Role {
    id: 6,
    name: "roles.moderator",
    label: "Moderator",
};
const SUPERUSER: Role = Role {
    id: 5,
    name: "roles.superuser",
    label: "Super user",
};
const BANNED: Role = Role {
    id: 3,
    name: "roles.banned",
    label: "Banned",
};
const PARTNER: Role = Role {
    id: 21,
    name: "Partner",
    label: "Partner",
};

/// How a member's address looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mail {
    Absent,
    Empty,
    Odd(u64),
    UpperCase,
    Free,
    Company,
}

/// One member, by order of joining.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'w> {
    pub(crate) world: &'w World,
    pub(crate) index: u64,
    pub(crate) place: Mix,
    /// Where the values draw that the member changes in the profile.
    pub(crate) profile: Mix,
    change: Option<MemberChange>,
}

impl World {
    pub(crate) fn member(&self, index: u64) -> Member<'_> {
        let place = self.user_place(index);
        let change = self.changes.members.get(&index).copied();
        let profile = match change {
            Some(change) if change.profile > 0 => place.at(change.profile),
            _ => place,
        };
        Member {
            world: self,
            index,
            place,
            profile,
            change,
        }
    }

    pub(crate) fn member_by_id(&self, id: u64) -> Option<Member<'_>> {
        let index = id.checked_sub(1)? / ID_STRIDE;
        self.live_member(index).filter(|member| member.id() == id)
    }

    pub(crate) fn live_member(&self, index: u64) -> Option<Member<'_>> {
        (index < self.member_numbers())
            .then(|| self.member(index))
            .filter(|member| !member.is_deleted())
    }

    /// A member who had joined by then, before the history's end; a few write most. The first members write before
    /// anyone has joined.
    pub(crate) fn active_member(&self, place: Mix, salt: u64, time: u64) -> Option<Member<'_>> {
        let joined = self.members.count_before(time, self.spec.users);
        (self.spec.users > 0).then(|| self.member(place.skewed(salt, joined.max(1))))
    }
}

impl Member<'_> {
    pub(crate) fn id(self) -> u64 {
        self.index * ID_STRIDE + 1 + self.draw(Of::Id, ID_STRIDE)
    }

    fn draw(self, what: Of, bound: u64) -> u64 {
        self.place.below(what as u64, bound)
    }

    pub(crate) fn is_deleted(self) -> bool {
        self.change
            .is_some_and(|change| change.presence == Presence::Deleted)
    }

    /// Deleted or erased: what the member wrote stays, without their name.
    pub(crate) fn is_anonymous(self) -> bool {
        self.change
            .is_some_and(|change| change.presence != Presence::Here)
    }

    pub(crate) fn flaw(self) -> Option<Flaw> {
        self.world.damage.user(self.index)
    }

    pub(crate) fn joined(self) -> u64 {
        if let Some(joined) = self.joined_later() {
            return joined;
        }
        self.world.members.time(self.index, self.world.spec.users)
    }

    /// When the member joined, if that was after the history's end.
    fn joined_later(self) -> Option<u64> {
        let place = self.index.checked_sub(self.world.spec.users)?;
        self.world.changes.joined.get(index(place)).copied()
    }

    pub(crate) fn last_active(self, joined: u64) -> u64 {
        let seen = self.change.and_then(|change| change.last_active);
        if let Some(seen) = seen.or_else(|| self.joined_later()) {
            return seen;
        }
        let end = self.world.members.end() - 1;
        if self.place.per_mille(Of::Stay as u64, 300) {
            return end.min(joined + self.draw(Of::Activity, TRIAL_DAYS * SECONDS_PER_DAY));
        }
        end - self.place.skewed(Of::Activity as u64, end - joined + 1)
    }

    pub(crate) fn first_name(self) -> (&'static str, &'static str) {
        if self.is_anonymous() {
            return ("", "");
        }
        self.place.pick(Of::First as u64, self.world.words.first_names)
    }

    pub(crate) fn last_name(self) -> (&'static str, &'static str) {
        if self.is_anonymous() {
            return ("", "");
        }
        self.place.pick(Of::Last as u64, self.world.words.last_names)
    }

    /// Ends with the member's number, which makes it unique and found again. Needs no JSON escape.
    pub(crate) fn push_username(self, out: &mut String) {
        let renamed = self.change.map_or(0, |change| change.renamed);
        if self.is_anonymous() {
            out.push_str("anonymous-");
        } else if renamed > 0 {
            out.push_str(self.last_name().1);
            out.push('-');
            push_number(out, renamed);
            out.push('-');
        } else {
            self.push_first_username(out);
        }
        push_number(out, self.index);
    }

    /// The name that the member joined with, up to the number.
    fn push_first_username(self, out: &mut String) {
        let (first, last) = (self.first_name(), self.last_name());
        match self.draw(Of::NameForm, 100) {
            0..2 => out.push_str(self.place.pick(Of::OddName as u64, &ODD_NAMES)),
            2..40 => {
                out.push_str(first.1);
                out.push('.');
                out.push_str(last.1);
            }
            40..70 => {
                out.push_str(first.0);
                out.push(' ');
                out.push_str(last.0);
                out.push(' ');
            }
            _ => {
                out.push_str(first.0);
                out.push('_');
                out.extend(last.0.chars().next());
            }
        }
    }

    pub(crate) fn mail(self) -> Mail {
        if self.is_anonymous() {
            return Mail::Absent;
        }
        match self.draw(Of::Email, 1000) {
            0..15 => Mail::Absent,
            15..30 => Mail::Empty,
            drawn @ 30..45 => Mail::Odd(drawn % 4),
            45..80 => Mail::UpperCase,
            80..230 => Mail::Free,
            _ => Mail::Company,
        }
    }

    /// Writes the address and says whether there is one. Needs no JSON escape.
    pub(crate) fn push_email(self, out: &mut String) -> bool {
        let start = out.len();
        match self.mail() {
            Mail::Absent => return false,
            Mail::Empty => {}
            Mail::Free => {
                self.push_mailbox('_', out);
                out.push('@');
                out.push_str(self.place.pick(Of::FreeMail as u64, &FREE_MAIL_DOMAINS));
            }
            Mail::Odd(kind) => self.push_odd_email(kind, out),
            Mail::Company => self.push_company_email("@", out),
            Mail::UpperCase => {
                self.push_company_email("@", out);
                out[start..].make_ascii_uppercase();
            }
        }
        true
    }

    fn push_odd_email(self, kind: u64, out: &mut String) {
        match kind {
            0 => self.push_company_email("(at)", out),
            1 => self.push_company_email("@@", out),
            2 => {
                out.push_str("  ");
                self.push_company_email("@", out);
            }
            _ => {
                out.push_str(self.first_name().0);
                out.push_str(" <");
                self.push_company_email("@", out);
                out.push('>');
            }
        }
    }

    fn push_mailbox(self, separator: char, out: &mut String) {
        out.push_str(self.first_name().1);
        out.push(separator);
        out.push_str(self.last_name().1);
        push_number(out, self.index);
    }

    fn push_company_email(self, at: &str, out: &mut String) {
        self.push_mailbox('.', out);
        out.push_str(at);
        self.company().push_domain(out);
    }

    /// Number of the company; large customers have many members.
    pub(crate) fn employer(self) -> u64 {
        self.profile.skewed(Of::Company as u64, self.world.companies())
    }

    fn company(self) -> Company {
        self.world.company(self.employer())
    }

    /// Writes the company as the member typed it and says whether they did.
    pub(crate) fn push_company_name(self, out: &mut String) -> bool {
        let form = self.draw(Of::CompanyName, 100);
        if form < 12 || self.is_anonymous() {
            return false;
        }
        let start = out.len();
        self.company().push_name(self.world.words, form < 60, out);
        if form > 96 {
            out[start..].make_ascii_uppercase();
        }
        true
    }

    pub(crate) fn special_role(self) -> Option<Role> {
        if self.index == 0 {
            return Some(ADMIN);
        }
        match self.draw(Of::Role, 1000) {
            0..2 => Some(ADMIN),
            2..10 => Some(MODERATOR),
            10..25 => Some(SUPERUSER),
            25..30 => Some(BANNED),
            30..60 => Some(PARTNER),
            _ => None,
        }
    }

    pub(crate) fn is_moderator(self) -> bool {
        matches!(self.special_role(), Some(ADMIN | MODERATOR))
    }

    /// Rises with the time since joining, with exceptions.
    pub(crate) fn rank(self) -> usize {
        let ranks = self.world.words.ranks.len() as u64;
        index(self.place.skewed(20, ranks))
    }

    pub(crate) fn username(self) -> String {
        let mut username = String::new();
        self.push_username(&mut username);
        username
    }

    pub(crate) fn email(self) -> Option<String> {
        let mut email = String::new();
        self.push_email(&mut email).then_some(email)
    }

    pub(crate) fn company_name(self) -> Option<String> {
        let mut name = String::new();
        self.push_company_name(&mut name).then_some(name)
    }

    /// Identifier in the customer's own systems, for those who sign in through them.
    pub(crate) fn push_sso_id(self, out: &mut String) {
        if self.place.per_mille(21, 400) && !self.is_anonymous() {
            out.push_str("crm-");
            push_number(out, self.index);
        }
    }
}

/// A badge that members can earn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Badge {
    pub(crate) id: u64,
    pub(crate) title: &'static str,
}

pub(crate) const BADGES: [Badge; 4] = [
    Badge {
        id: 1,
        title: "First reply",
    },
    Badge {
        id: 2,
        title: "Ten solutions",
    },
    Badge {
        id: 5,
        title: "One year",
    },
    Badge {
        id: 8,
        title: "Beta tester",
    },
];

impl Member<'_> {
    pub(crate) fn badges(self) -> impl Iterator<Item = Badge> {
        let count = self.place.skewed(22, 4);
        BADGES.into_iter().take(index(count))
    }
}
