//! Pages of a list: how much is asked for, where it goes on, and what is told of both.

use axum::extract::{Query, rejection::QueryRejection};
use domain::{Connection, TenantId};
use serde::{Deserialize, Serialize};

use super::{Parameter, problem::Problem};
use crate::console::Console;

pub(super) const LIMIT_DEFAULT: u32 = 100;
/// Rows in one answer: at two kilobytes a row, two megabytes.
pub(super) const LIMIT_MAX: u32 = 1000;

pub(super) const LISTED: &[Parameter] = &[
    Parameter {
        name: "tenant_id",
        what: "Only those of this tenant.",
    },
    Parameter {
        name: "limit",
        what: "At most so many, 1 to 1000; 100 if left out.",
    },
    Parameter {
        name: "cursor",
        what: "Where the page before ended: its `next`.",
    },
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    tenant_id: Option<String>,
    limit: Option<u32>,
    pub(super) cursor: Option<String>,
}

/// A page. `next` is the cursor of the one after it; none after the last.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

pub(super) type AskedQuery = Result<Query<Asked>, QueryRejection>;

impl Asked {
    pub(super) fn read(query: AskedQuery) -> Result<Self, Problem> {
        match query {
            Ok(Query(asked)) => Ok(asked),
            Err(rejection) => Err(Problem::malformed(rejection.body_text())),
        }
    }

    pub(super) fn limit(&self) -> Result<u32, Problem> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if (1..=LIMIT_MAX).contains(&limit) {
            Ok(limit)
        } else {
            Err(Problem::malformed(format!("limit is 1 to {LIMIT_MAX}.")))
        }
    }

    /// The connection to the tenant that is named, if one is.
    pub(super) async fn connection(&self, console: &Console) -> Result<Option<Connection>, Problem> {
        match &self.tenant_id {
            Some(tenant) => connection_of(console, tenant).await.map(Some),
            None => Ok(None),
        }
    }
}

pub(super) async fn connection_of(console: &Console, tenant: &str) -> Result<Connection, Problem> {
    let unknown = || Problem::not_found(format!("There is no connection to the tenant {tenant}."));
    let tenant: TenantId = tenant
        .parse()
        .map_err(|_| Problem::not_found("There is no connection to that tenant."))?;
    console
        .installation
        .store
        .connection_of_tenant(&tenant)
        .await?
        .ok_or_else(unknown)
}
