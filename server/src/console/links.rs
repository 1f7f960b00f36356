//! What the page of manual links asks for.

use app::{
    error::AppError,
    unification::view::{CompanyName, LINKS_PAGE_ROWS, LinkRow, LinksView, MemberName, SaidView},
};
use store::{LinkedMember, StoreError};

use crate::{
    console::{Console, internal},
    operations::rules,
};

impl Console {
    pub(crate) async fn links_view(&self, page: u32) -> Result<LinksView, AppError> {
        self.links_page(page.max(1))
            .await
            .map_err(|error| internal(&error))
    }

    async fn links_page(&self, page: u32) -> Result<LinksView, StoreError> {
        let (store, clock) = (self.installation.store.as_ref(), self.installation.clock.as_ref());
        let in_use = rules::active(&self.installation).await?;
        let offset = u64::from(page - 1) * u64::from(LINKS_PAGE_ROWS);
        let found = store.links_by_hand(offset, LINKS_PAGE_ROWS).await?;
        Ok(LinksView {
            as_of: clock.now(),
            head: self.head(in_use.version, &in_use.rules).await?,
            rows: found.rows.into_iter().map(link_row).collect(),
            total: found.total,
            page,
        })
    }
}

fn link_row(linked: LinkedMember) -> LinkRow {
    let link = linked.link;
    LinkRow {
        member: MemberName {
            tenant_id: linked.tenant_id,
            community_user_id: linked.community_user_id,
            username: linked.username,
        },
        email: linked.email,
        // A company that is gone is called by its id.
        company: link.company_external_id.map(|external_id| CompanyName {
            name: linked.company_name.unwrap_or_else(|| external_id.clone()),
            external_id,
        }),
        said: SaidView {
            reason: link.reason,
            by: link.by,
            at: link.at,
        },
    }
}
