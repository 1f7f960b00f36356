pub mod api;
pub mod list;
pub mod new;
pub mod place;
pub mod question;
pub mod sessions;
pub mod view;
pub mod yours;
