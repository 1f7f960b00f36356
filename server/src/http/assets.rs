//! The console's files: where they are, and how long a browser may keep them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use leptos::config::{Env, LeptosOptions};
use tower_http::services::ServeDir;

use crate::config::Http;

/// As the workspace manifest names it for `cargo leptos`.
const OUTPUT_NAME: &str = "tributary";
/// Written beside the executable by `cargo leptos` when file names carry a hash.
const HASH_FILE: &str = "hash.txt";
const PKG_DIR: &str = "pkg";

/// A year, the most that caches honour: another build has other names.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Ask each time; an unchanged file answers 304 by its `ETag`.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");

/// The folder of the console's files.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) root: PathBuf,
    pub(crate) found: bool,
    /// Path of the console's style.
    pub(crate) stylesheet: String,
    hashes: Arc<[String]>,
    reload_port: u32,
    listen: std::net::SocketAddr,
}

impl Site {
    pub(crate) fn locate(config: &Http) -> Self {
        let executable = std::env::current_exe().ok();
        let folder = executable.as_deref().and_then(Path::parent);
        let candidates = candidates(config, folder);
        let found = candidates.iter().find(|root| root.join(PKG_DIR).is_dir());
        let hashes = folder.and_then(|folder| fs::read_to_string(folder.join(HASH_FILE)).ok());
        let hashes = hashes.as_deref().map(read_hashes).unwrap_or_default();
        Self {
            stylesheet: stylesheet(&hashes),
            found: found.is_some(),
            root: found.or(candidates.first()).cloned().unwrap_or_default(),
            hashes: hashes.into_iter().map(|(_, hash)| hash).collect(),
            reload_port: config.leptos_reload_port,
            listen: config.console.listen(),
        }
    }

    pub(crate) fn leptos_options(&self) -> LeptosOptions {
        LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(self.root.to_string_lossy().into_owned())
            .site_pkg_dir(PKG_DIR)
            .site_addr(self.listen)
            .reload_port(self.reload_port)
            .hash_files(!self.hashes.is_empty())
            .hash_file(HASH_FILE.into())
            .env(if cfg!(debug_assertions) {
                Env::DEV
            } else {
                Env::PROD
            })
            .build()
    }

    pub(crate) fn files(&self) -> ServeDir {
        ServeDir::new(&self.root)
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip()
    }

    fn kept(&self, path: &str) -> bool {
        path.starts_with("/pkg/") && self.hashes.iter().any(|hash| path.contains(hash.as_str()))
    }
}

/// Where the files may be, the first choice first.
fn candidates(config: &Http, beside: Option<&Path>) -> Vec<PathBuf> {
    if let Some(root) = &config.site_root {
        return vec![root.clone()];
    }
    let mut roots: Vec<PathBuf> = config.leptos_site_root.iter().cloned().collect();
    if let Some(folder) = beside {
        roots.push(folder.join("site"));
        // `target/release/tributary` and `target/site`, as `cargo leptos build` leaves them.
        roots.extend(folder.parent().map(|target| target.join("site")));
    }
    roots.push(PathBuf::from("target/site"));
    roots
}

/// The hashes in lines such as `wasm: 8Tdv3`, by the kind of file.
fn read_hashes(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(kind, hash)| (kind.trim().to_owned(), hash.trim().to_owned()))
        .filter(|(_, hash)| !hash.is_empty())
        .collect()
}

/// As `cargo leptos` names it.
fn stylesheet(hashes: &[(String, String)]) -> String {
    match hashes.iter().find(|(kind, _)| kind == "css") {
        Some((_, hash)) => format!("/{PKG_DIR}/{OUTPUT_NAME}.{hash}.css"),
        None => format!("/{PKG_DIR}/{OUTPUT_NAME}.css"),
    }
}

/// Says how long a file may be kept.
pub(crate) async fn cache_control(State(site): State<Site>, request: Request, next: Next) -> Response {
    let keep = site.kept(request.uri().path());
    let mut response = next.run(request).await;
    let status = response.status();
    if status.is_success() || status == axum::http::StatusCode::NOT_MODIFIED {
        let value = if keep { KEEP } else { ASK };
        response
            .headers_mut()
            .entry(header::CACHE_CONTROL)
            .or_insert(value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(hashes: &str) -> Site {
        Site {
            root: PathBuf::new(),
            found: true,
            hashes: read_hashes(hashes).into_iter().map(|(_, hash)| hash).collect(),
            stylesheet: stylesheet(&read_hashes(hashes)),
            reload_port: 3001,
            listen: ([127, 0, 0, 1], 3000).into(),
        }
    }

    #[test]
    fn only_files_whose_name_carries_a_hash_are_kept() {
        let site = site("js: aB3\nwasm: cD4\ncss: eF5\n");
        assert_eq!(site.stylesheet, "/pkg/tributary.eF5.css");
        assert!(site.kept("/pkg/tributary.aB3.js"));
        assert!(!site.kept("/pkg/tributary.js"));
        assert!(!site.kept("/favicon.aB3.ico"));
    }

    #[test]
    fn without_hashes_nothing_is_kept() {
        assert!(!site("").kept("/pkg/tributary.js"));
        assert!(read_hashes("js:\n\nnonsense").is_empty());
    }
}
