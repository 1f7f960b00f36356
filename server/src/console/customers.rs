//! What the Customers pages ask for.

use app::{
    companies::{
        place::{CompanyPlace, Listed, LookUp},
        view::{CompanyRow, CompanyView, FoundRows, LOOK_UP_ROWS, LookUpView, PersonRow, SaveCompany},
    },
    error::AppError,
    unification::view::CompanyName,
};
use domain::unification::{Company, CompanyTree, ParentCircle, Person};
use store::{Deed, FoundCompany, ImportMode, Search, StoreError};
use tracing::info;
use unification::normalise;

use crate::console::{Console, internal};

/// Companies below one that are looked through for its new parent: a group has some hundreds.
const COMPANIES_BELOW_CHECKED: u32 = 100_000;

impl Console {
    pub(crate) async fn look_up_view(&self, query: LookUp) -> Result<LookUpView, AppError> {
        self.found(query).await.map_err(|error| internal(&error))
    }

    async fn found(&self, query: LookUp) -> Result<LookUpView, StoreError> {
        let store = &self.installation.store;
        let sizes = store.party_counts().await?;
        let search = Search {
            text: query.text.clone(),
            offset: offset(query.page),
            limit: LOOK_UP_ROWS,
        };
        let (rows, total) = match query.listed {
            Listed::Companies => {
                let found = store.find_companies(&search).await?;
                let rows = found.rows.into_iter().map(company_row).collect();
                (FoundRows::Companies(rows), found.total)
            }
            Listed::People => {
                let found = store.find_persons(&search).await?;
                let rows = found.rows.into_iter().map(person_row).collect();
                (FoundRows::People(rows), found.total)
            }
        };
        Ok(LookUpView {
            query,
            rows,
            total,
            companies: sizes.companies,
            people: sizes.persons,
        })
    }

    pub(crate) async fn company_view(&self, place: CompanyPlace) -> Result<CompanyView, AppError> {
        let found = self.installation.store.company(&place.external_id).await;
        let company = found
            .map_err(|error| internal(&error))?
            .ok_or_else(no_such_company)?;
        self.company_page(company, &place)
            .await
            .map_err(|error| internal(&error))
    }

    pub(crate) async fn keep_company(&self, save: SaveCompany) -> Result<(), AppError> {
        let SaveCompany { company, new } = save;
        check_domains(&company)?;
        let store = &self.installation.store;
        let known = store
            .company(&company.external_id)
            .await
            .map_err(|error| internal(&error))?;
        if new && known.is_some() {
            return Err(AppError::Refused {
                what: format!(
                    "There is a company with the external id {} already.",
                    company.external_id
                ),
                next_action: "Give another id, or open that company and edit it. Nothing was changed."
                    .to_owned(),
            });
        }
        if !new && known.is_none() {
            return Err(no_such_company());
        }
        self.write_company(company, Deed::CompanySaved).await
    }

    pub(crate) async fn keep_domain(&self, external_id: &str, domain: &str) -> Result<(), AppError> {
        let store = &self.installation.store;
        let found = store
            .company(external_id)
            .await
            .map_err(|error| internal(&error))?;
        let mut company = found.ok_or_else(|| AppError::Refused {
            what: format!("There is no company with the external id {external_id}."),
            next_action: "Look it up under Customers, or create it with this domain. Nothing was changed."
                .to_owned(),
        })?;
        if !company.domains.iter().any(|known| known == domain) {
            company.domains.push(domain.to_owned());
        }
        check_domains(&company)?;
        self.write_company(company, Deed::DomainAdded).await
    }

    /// No company becomes its own parent, nor the parent of one above it.
    async fn check_parent(&self, company: &Company) -> Result<(), AppError> {
        if company.parent_external_id.is_none() {
            return Ok(());
        }
        let store = &self.installation.store;
        let below = store.company_with_all_below(&company.external_id, COMPANIES_BELOW_CHECKED);
        let below = below.await.map_err(|error| internal(&error))?;
        check_circle(company, &below).map_err(|circle| AppError::Refused {
            what: format!(
                "{} would be its own parent: {}.",
                company.name,
                circle.circle.join(" → ")
            ),
            next_action:
                "Give another parent, or take the parent of one of these out first. Nothing was changed."
                    .to_owned(),
        })
    }

    async fn write_company(&self, company: Company, deed: Deed) -> Result<(), AppError> {
        self.check_parent(&company).await?;
        let store = &self.installation.store;
        store
            .import_companies(&[company], ImportMode::Write, deed, &self.by())
            .await
            .map_err(|error| internal(&error))?;
        info!("a company was kept by hand");
        self.match_all_anew();
        Ok(())
    }
}

pub(crate) fn offset(page: u32) -> u64 {
    u64::from(page.max(1) - 1) * u64::from(LOOK_UP_ROWS)
}

/// Whether a company may have its parent, among the companies that are below it so far.
fn check_circle(company: &Company, below: &[Company]) -> Result<(), ParentCircle> {
    let mut tree = CompanyTree::default();
    for other in below
        .iter()
        .filter(|other| other.external_id != company.external_id)
    {
        // What goes round already does so without this company.
        let _ = tree.set_parent(&other.external_id, other.parent_external_id.as_deref());
    }
    tree.set_parent(&company.external_id, company.parent_external_id.as_deref())
}

fn check_domains(company: &Company) -> Result<(), AppError> {
    let odd = company
        .domains
        .iter()
        .find(|domain| normalise::company_domain(domain).is_none());
    match odd {
        Some(domain) => Err(AppError::Refused {
            what: format!("“{domain}” is not a domain."),
            next_action: "Write one such as halden.example, each on a line of its own. Nothing was changed."
                .to_owned(),
        }),
        None => Ok(()),
    }
}

pub(crate) fn name_of(company: &Company) -> CompanyName {
    CompanyName {
        external_id: company.external_id.clone(),
        name: company.name.clone(),
    }
}

fn company_row(found: FoundCompany) -> CompanyRow {
    CompanyRow {
        company: name_of(&found.company),
        domains: found.company.domains,
        parent_external_id: found.company.parent_external_id,
        members: found.members,
    }
}

fn person_row(person: Person) -> PersonRow {
    let names = [person.first_name, person.last_name];
    PersonRow {
        external_id: person.external_id,
        full_name: names.into_iter().flatten().collect::<Vec<_>>().join(" "),
        email: person.email,
        phone: person.phone,
        company_external_id: person.company_external_id,
        active: person.active,
    }
}

fn no_such_company() -> AppError {
    AppError::NotFound {
        what: "This company".to_owned(),
    }
}
