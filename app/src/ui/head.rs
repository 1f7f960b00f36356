//! The head of a sheet: where this page is, and the time zone of all times on it.

use leptos::prelude::*;

use super::icon::{Icon, icon};

/// The way to this page. The last crumb is the page itself.
pub fn sheet_head(above: Vec<Crumb>, here: String) -> impl IntoView {
    let above: Vec<_> = above
        .into_iter()
        .map(|Crumb { words, href }| match href {
            Some(href) => view! { <li><a href=href>{words}</a> {icon(Icon::ChevronRight)}</li> }.into_any(),
            None => view! { <li>{words} {icon(Icon::ChevronRight)}</li> }.into_any(),
        })
        .collect();
    view! {
        <header class="sheet-head">
            <nav aria-label="Breadcrumb">
                <ol class="crumbs">
                    {above}
                    <li aria-current="page">{here}</li>
                </ol>
            </nav>
            <p class="zone">"Times in UTC"</p>
        </header>
    }
}

/// A page or a group of pages above this one.
#[derive(Clone, Debug)]
pub struct Crumb {
    words: &'static str,
    href: Option<&'static str>,
}

impl Crumb {
    pub fn group(words: &'static str) -> Self {
        Self { words, href: None }
    }

    pub fn page(words: &'static str, href: &'static str) -> Self {
        Self {
            words,
            href: Some(href),
        }
    }
}
