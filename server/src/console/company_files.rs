//! A company's users and what they wrote, as files: the rows of any export, and of users what their page tells of a period.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, LazyLock},
};

use domain::Object;
use futures_util::{Stream, stream};
use store::{
    Cell, Days, ExportCursor, ExportQuery, Field, FieldKind, MemberEngagement, OfCompanies, Store,
    StoreError, fields,
};

use crate::{
    export::{Encoder, Layout},
    operations::tickets::SheetError,
};

/// Rows in memory at once, and users whose engagement is asked for at a time.
const ROWS_AT_ONCE: u32 = 500;

/// What a user did in the period: what the names alone would say is of all time.
const IN_PERIOD: [&str; 4] = [
    "posts_in_period",
    "replies_in_period",
    "ideas_in_period",
    "views_in_period",
];

static USERS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let in_period = IN_PERIOD.map(|name| Field {
        name,
        kind: FieldKind::Int,
    });
    [fields(Object::Users), &in_period[..]].concat()
});

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Users,
    /// Topics, ideas among them, and replies.
    Posts,
}

/// A file that a company's page leads to.
#[derive(Debug)]
pub(crate) struct CompanyFile {
    pub(crate) held: Held,
    pub(crate) layout: Layout,
    /// The companies whose figures the page adds up, and the days of its period.
    pub(crate) of: OfCompanies,
    /// Tenants whose views are known.
    pub(crate) with_views: BTreeSet<String>,
}

/// Where in a file its bytes go on.
enum Place {
    Beginning,
    After(ExportCursor),
    End,
}

impl CompanyFile {
    /// Such as `company-A-1001-users-2026-10-25-to-2026-11-23`.
    pub(crate) fn stem(&self, external_id: &str) -> String {
        let id = external_id.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let held = match self.held {
            Held::Users => "users",
            Held::Posts => "posts",
        };
        let Days { from, until } = self.of.days;
        let last = until.pred_opt().unwrap_or(until);
        format!("company-{id}-{held}-{from}-to-{last}")
    }

    /// The file's bytes, part by part, so that any number of rows takes the same memory.
    pub(crate) fn bytes(self, store: Arc<dyn Store>) -> impl Stream<Item = Result<Vec<u8>, SheetError>> {
        let file = Arc::new(self);
        stream::try_unfold(Place::Beginning, move |place| {
            let (store, file) = (Arc::clone(&store), Arc::clone(&file));
            async move { file.part(store.as_ref(), place).await }
        })
    }

    /// What stands at a place, and where it goes on; none at the end.
    async fn part(&self, store: &dyn Store, place: Place) -> Result<Option<(Vec<u8>, Place)>, SheetError> {
        let after = match &place {
            Place::Beginning => None,
            Place::After(cursor) => Some(cursor),
            Place::End => return Ok(None),
        };
        let page = store.export_page(&self.query(), after).await?;
        let rows = self.rows(store, page.rows).await?;
        let mut encoder = Encoder::new(self.layout, self.fields())?;
        let mut bytes = if after.is_none() {
            encoder.head()?
        } else {
            Vec::new()
        };
        bytes.extend(encoder.page(&rows)?);
        Ok(Some((bytes, page.next.map_or(Place::End, Place::After))))
    }

    fn query(&self) -> ExportQuery {
        ExportQuery {
            object: match self.held {
                Held::Users => Object::Users,
                Held::Posts => Object::Content,
            },
            connection: None,
            run: None,
            companies: Some(self.of.clone()),
            limit: ROWS_AT_ONCE,
        }
    }

    fn fields(&self) -> &'static [Field] {
        match self.held {
            Held::Users => &USERS,
            Held::Posts => fields(Object::Content),
        }
    }

    async fn rows(&self, store: &dyn Store, rows: Vec<Vec<Cell>>) -> Result<Vec<Vec<Cell>>, StoreError> {
        if self.held == Held::Posts {
            return Ok(rows);
        }
        let keys: Vec<_> = rows.iter().filter_map(|row| key(row)).collect();
        let did = store.engagement_of(&keys, self.of.days).await?;
        let did: HashMap<(String, String), MemberEngagement> = did
            .into_iter()
            .map(|of| ((of.tenant_id.clone(), of.community_user_id.clone()), of))
            .collect();
        let with_engagement = |mut row: Vec<Cell>| {
            let did = key(&row).and_then(|key| did.get(&key));
            row.extend(self.engagement(did));
            row
        };
        Ok(rows.into_iter().map(with_engagement).collect())
    }

    /// In the order of [`IN_PERIOD`]. What is not known is missing, which is not zero.
    fn engagement(&self, did: Option<&MemberEngagement>) -> [Cell; IN_PERIOD.len()] {
        let Some(did) = did else {
            return [const { Cell::Missing }; IN_PERIOD.len()];
        };
        let views = self.with_views.contains(&did.tenant_id).then_some(did.views);
        [Some(did.posts), Some(did.replies), Some(did.ideas), views].map(|count| {
            count.map_or(Cell::Missing, |count| {
                Cell::Int(i64::try_from(count).unwrap_or(i64::MAX))
            })
        })
    }
}

/// A user's tenant and id, which every export of users begins with.
fn key(row: &[Cell]) -> Option<(String, String)> {
    match row {
        [Cell::Text(tenant), Cell::Text(user), ..] => Some((tenant.clone(), user.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn date(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).expect("a day")
    }

    fn file() -> CompanyFile {
        CompanyFile {
            held: Held::Users,
            layout: Layout::Csv,
            of: OfCompanies {
                external_ids: vec!["C-1".to_owned()],
                days: Days {
                    from: date(1),
                    until: date(24),
                },
            },
            with_views: BTreeSet::from(["customer-en".to_owned()]),
        }
    }

    #[test]
    fn a_file_is_named_after_what_it_holds() {
        assert_eq!(
            file().stem("C/1\"\r\n"),
            "company-C-1----users-2026-11-01-to-2026-11-23"
        );
    }

    #[test]
    fn views_that_come_from_nowhere_are_not_zero() {
        let of = |tenant: &str| {
            let did = MemberEngagement {
                tenant_id: tenant.to_owned(),
                community_user_id: "1".to_owned(),
                posts: 2,
                replies: 0,
                ideas: 1,
                views: 0,
                last_active_at: None,
            };
            file().engagement(Some(&did))
        };
        let [posts, replies, ideas] = [2, 0, 1].map(Cell::Int);
        let known = [posts, replies, ideas];
        assert_eq!(of("customer-en")[..3], known);
        assert_eq!(of("customer-en")[3], Cell::Int(0));
        assert_eq!(of("partners-en")[..3], known);
        assert_eq!(of("partners-en")[3], Cell::Missing);
    }
}
