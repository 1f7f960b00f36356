pub mod api;
pub mod row;
pub mod tab;
pub mod view;
