pub mod api;
pub mod page;
pub mod place;
pub mod receipt;
pub mod view;
