pub mod api;
pub mod company;
pub mod form;
pub mod list;
pub mod place;
pub mod view;
