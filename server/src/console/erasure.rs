//! What the pages of erasing ask for.

use app::{
    erasure::{
        place::ReceiptPlace,
        view::{self, ErasedView, ErasuresView, PersonView, RECEIPTS_LISTED, ReceiptView},
    },
    error::AppError,
};
use store::{ErasedCounts, Leftovers, Receipt, normal_email};
use tracing::info;
use uuid::Uuid;

use crate::{
    console::{Console, accounts::no_address, internal},
    operations::erasing::{Erased, erase},
};

impl Console {
    pub(crate) async fn erasures_view(&self) -> Result<ErasuresView, AppError> {
        let receipts = self.installation.store.receipts(RECEIPTS_LISTED).await;
        Ok(ErasuresView {
            as_of: self.installation.clock.now(),
            receipts: receipts
                .map_err(|error| internal(&error))?
                .into_iter()
                .map(receipt_view)
                .collect(),
        })
    }

    pub(crate) async fn person_view(&self, email: &str) -> Result<PersonView, AppError> {
        let email = normal_email(email).ok_or_else(no_address)?;
        let stored = self.installation.store.stored_person(&email).await;
        let stored = stored.map_err(|error| internal(&error))?;
        Ok(PersonView {
            email,
            members: stored
                .members
                .into_iter()
                .map(|(tenant, count)| (tenant.to_string(), count))
                .collect(),
            content: stored.content,
            activity: stored.activity,
            persons: stored.persons,
        })
    }

    pub(crate) async fn erase_now(&self, email: &str) -> Result<ReceiptPlace, AppError> {
        self.confirmed()?;
        let email = normal_email(email).ok_or_else(no_address)?;
        let erased = erase(&self.installation, &email, &self.by()).await;
        let (receipt, leftovers, again) = match erased.map_err(|error| internal(&error))? {
            Erased::Now(receipt, leftovers) => (receipt, leftovers, false),
            Erased::Before(receipt, leftovers) => (receipt, leftovers, true),
            Erased::Unknown => return Err(unknown()),
        };
        info!(receipt = %receipt.id, again, "a person was erased");
        Ok(ReceiptPlace {
            leftovers: Some(leftovers_view(leftovers)),
            again,
            ..ReceiptPlace::of(&receipt.id.to_string())
        })
    }

    pub(crate) async fn stored_receipt(&self, id: &str) -> Result<Receipt, AppError> {
        let missing = || AppError::NotFound {
            what: "This receipt".to_owned(),
        };
        let id: Uuid = id.parse().map_err(|_| missing())?;
        let found = self.installation.store.receipt(id).await;
        found.map_err(|error| internal(&error))?.ok_or_else(missing)
    }

    pub(crate) async fn receipt_page(&self, id: &str) -> Result<ReceiptView, AppError> {
        self.stored_receipt(id).await.map(receipt_view)
    }
}

fn unknown() -> AppError {
    AppError::Refused {
        what: "Nothing that is stored belongs to this address. Nothing was changed.".to_owned(),
        next_action: "Check the address. A person may have another one: look the member up under Customers."
            .to_owned(),
    }
}

fn receipt_view(receipt: Receipt) -> ReceiptView {
    ReceiptView {
        id: receipt.id.to_string(),
        erased_at: receipt.erased_at,
        persons: receipt.persons,
        tenants: receipt
            .tenants
            .into_iter()
            .map(|of| (of.tenant_id.to_string(), erased_view(of.counts)))
            .collect(),
    }
}

fn erased_view(counts: ErasedCounts) -> ErasedView {
    ErasedView {
        users: counts.users,
        content: counts.content,
        activity: counts.activity,
        invalid_records: counts.invalid_records,
        mentions: counts.mentions,
    }
}

fn leftovers_view(leftovers: Leftovers) -> view::Leftovers {
    match leftovers {
        Leftovers::None | Leftovers::Removed => view::Leftovers::None,
        Leftovers::Pending => view::Leftovers::Pending,
        Leftovers::LeftToTheEngine => view::Leftovers::LeftToTheEngine,
    }
}
