pub mod api;
pub mod list;
pub mod new;
pub mod place;
pub mod view;
