//! The stories that every store must pass.
