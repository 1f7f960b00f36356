//! What makes two values one: each kind of value has one form in which it is compared.

mod address;
mod legal_form;
mod name;
mod phone;

pub use address::{company_domain, domain, domain_and_parents, email, registrable_label};
pub use legal_form::LegalForms;
pub use name::{FullName, Name};
pub use phone::e164;

/// Whether a character has no width and no meaning of its own: what is copied along from web pages and documents.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
