pub mod api;
pub mod company;
pub mod engagement;
pub mod form;
pub mod list;
pub mod place;
pub mod view;
