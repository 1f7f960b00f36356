pub mod api;
pub mod page;
pub mod place;
pub mod view;
pub mod words;
