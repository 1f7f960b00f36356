//! What makes two values one: each kind of value has one form in which it is compared.

mod address;
mod legal_form;
mod name;
mod phone;

pub use address::{company_domain, domain, domain_and_parents, email, registrable_label};
pub use legal_form::LegalForms;
pub use name::{FullName, Name};
pub use phone::e164;
