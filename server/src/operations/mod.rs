//! What can be done to an installation by whoever asks: the command line, the console, a program, or a worker that finds it
//! left to do.

pub(crate) mod erasing;
pub(crate) mod leaving;
pub(crate) mod queue;
pub(crate) mod replay;
pub(crate) mod rotation;
pub(crate) mod rules;
pub(crate) mod tickets;
pub(crate) mod trail;
pub(crate) mod unify;
pub(crate) mod webhook;
