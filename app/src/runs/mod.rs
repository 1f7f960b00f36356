pub mod api;
pub mod drawer;
pub mod invalid;
pub mod ledger;
pub mod live;
pub mod stages;
pub mod summary;
pub mod view;
