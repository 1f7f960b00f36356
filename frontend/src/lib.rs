//! Starts the console in the browser.
