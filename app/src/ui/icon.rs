//! Icons: 16 px line drawings in the colour of the text. They are always beside a word, so assistive technology is
//! told to pass over them.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Tick,
    TickCircle,
    Cross,
    CrossOctagon,
    Triangle,
    Clock,
    Turning,
    DashedCircle,
    BarsCircle,
    MinusCircle,
    Dash,
    Dots,
    Info,
    Lock,
    Terminal,
    Sliders,
    ChevronRight,
    ChevronDown,
    List,
    Menu,
    Copy,
    ChevronUp,
    Merge,
    Undo,
    People,
    Ticket,
    Download,
    Pencil,
    Key,
    Link,
    Eraser,
    Eye,
}

impl Icon {
    /// The whole drawing: it never changes, so it is written as it is and costs no view.
    #[expect(clippy::too_many_lines, reason = "a list of drawings")]
    pub fn svg(self) -> &'static str {
        macro_rules! svg {
            ($body:literal) => {
                concat!(
                    r#"<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">"#,
                    $body,
                    "</svg>"
                )
            };
        }
        match self {
            Self::Tick => svg!(r#"<path d="m3 8.5 3.2 3.2L13 4.8"/>"#),
            Self::TickCircle => {
                svg!(r#"<circle cx="8" cy="8" r="6.2"/><path d="m5.4 8.2 1.8 1.8 3.5-3.8"/>"#)
            }
            Self::Cross => svg!(r#"<path d="m4 4 8 8m0-8-8 8"/>"#),
            Self::CrossOctagon => svg!(
                r#"<path d="M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4z"/><path d="m6 6 4 4m0-4-4 4"/>"#
            ),
            Self::Triangle => {
                svg!(r#"<path d="M8 2.2 14.4 13.4H1.6z"/><path d="M8 6.4v3.2m0 1.9v.1"/>"#)
            }
            Self::Clock => svg!(r#"<circle cx="8" cy="8" r="6.2"/><path d="M8 4.6V8l2.2 1.6"/>"#),
            Self::Turning => svg!(
                r#"<path d="M2.2 7a5.9 5.9 0 0 1 10.6-2.6L14 6m0-3.4V6h-3.4M13.8 9a5.9 5.9 0 0 1-10.6 2.6L2 10m0 3.4V10h3.4"/>"#
            ),
            Self::DashedCircle => {
                svg!(r#"<circle cx="8" cy="8" r="6.2" stroke-dasharray="2.6 2.27"/><path d="M8 6v4M6 8h4"/>"#)
            }
            Self::BarsCircle => svg!(r#"<circle cx="8" cy="8" r="6.2"/><path d="M6.4 6v4m3.2-4v4"/>"#),
            Self::MinusCircle => svg!(r#"<circle cx="8" cy="8" r="6.2"/><path d="M5.4 8h5.2"/>"#),
            Self::Dash => svg!(r#"<path d="M4 8h8"/>"#),
            Self::Dots => svg!(r#"<path stroke-width="2.2" d="M3 8h.01M8 8h.01M13 8h.01"/>"#),
            Self::Info => svg!(r#"<circle cx="8" cy="8" r="6.2"/><path d="M8 7.4v3.4M8 5v.1"/>"#),
            Self::Lock => {
                svg!(
                    r#"<rect x="3.5" y="7" width="9" height="6.5" rx="1.5"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>"#
                )
            }
            Self::Terminal => {
                svg!(
                    r#"<rect x="1.8" y="2.6" width="12.4" height="10.8" rx="2"/><path d="m4.8 6 2.2 2-2.2 2M8.6 10.4h2.6"/>"#
                )
            }
            Self::Sliders => {
                svg!(
                    r#"<path d="M2 5h5.2m3.6 0H14M2 11h2.2m3.6 0H14"/><circle cx="9" cy="5" r="1.8"/><circle cx="6" cy="11" r="1.8"/>"#
                )
            }
            Self::ChevronRight => svg!(r#"<path d="m6 3.5 4.5 4.5L6 12.5"/>"#),
            Self::ChevronDown => svg!(r#"<path d="m3.5 6 4.5 4.5L12.5 6"/>"#),
            Self::List => svg!(r#"<path d="M5.5 4H14M5.5 8H14M5.5 12H14M2.2 4h.01M2.2 8h.01M2.2 12h.01"/>"#),
            Self::Menu => svg!(r#"<path d="M2.5 4.2h11M2.5 8h11M2.5 11.8h11"/>"#),
            Self::Copy => svg!(
                r#"<rect x="5.5" y="5.5" width="8.5" height="8.5" rx="1.8"/><path d="M10.5 3.2A1.2 1.2 0 0 0 9.3 2H3.2A1.2 1.2 0 0 0 2 3.2v6.1a1.2 1.2 0 0 0 1.2 1.2"/>"#
            ),
            Self::ChevronUp => svg!(r#"<path d="m3.5 10 4.5-4.5 4.5 4.5"/>"#),
            Self::Merge => svg!(r#"<path d="M2 3.5c4 0 4 4.5 8 4.5M2 12.5C6 12.5 6 8 10 8h4"/>"#),
            Self::Undo => svg!(r#"<path d="M5.5 3 2.5 6l3 3M2.5 6H10a3.5 3.5 0 0 1 0 7H7"/>"#),
            Self::People => svg!(
                r#"<circle cx="6" cy="5.2" r="2.6"/><path d="M1.5 13.5c0-2.6 2-4.3 4.5-4.3s4.5 1.7 4.5 4.3M10.6 2.9a2.4 2.4 0 0 1 0 4.6M12.2 9.6c1.5.6 2.3 2 2.3 3.9"/>"#
            ),
            Self::Ticket => svg!(
                r#"<path d="M2 4.5h12v2.2a1.4 1.4 0 0 0 0 2.6v2.2H2V9.3a1.4 1.4 0 0 0 0-2.6zM9.5 4.5v7"/>"#
            ),
            Self::Download => svg!(r#"<path d="M8 2.5v7m-3-3 3 3 3-3M2.5 13.5h11"/>"#),
            Self::Eye => svg!(
                r#"<path d="M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="2"/>"#
            ),
            Self::Pencil => svg!(r#"<path d="M10.5 3 13 5.5 5.5 13H3v-2.5z"/>"#),
            Self::Key => svg!(r#"<circle cx="5" cy="11" r="3"/><path d="m7.2 8.8 6-6M10.5 5.5l2 2"/>"#),
            Self::Link => svg!(
                r#"<path d="M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2.3-2.3a2.6 2.6 0 0 0-3.7-3.7l-.9.9M9.2 6.8a2.6 2.6 0 0 0-3.7 0L3.2 9.1a2.6 2.6 0 0 0 3.7 3.7l.9-.9"/>"#
            ),
            Self::Eraser => {
                svg!(r#"<path d="m6 13.5-3.5-3.5L9 3.5 13.5 8 8 13.5zM5.8 6.7l4.5 4.5M8 13.5h6"/>"#)
            }
        }
    }
}

/// As markup, with the same wrapper.
impl std::fmt::Display for Icon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, r#"<span class="glyph">{}</span>"#, self.svg())
    }
}

pub fn icon(icon: Icon) -> impl IntoView {
    view! { <span class="glyph" inner_html=icon.svg()></span> }
}

/// Three streams that become one.
pub fn mark() -> impl IntoView {
    const MARK: &str = r#"<svg viewBox="0 0 26 18" width="26" height="18" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true"><path d="M2 3c6 0 7 6 13 6M2 15c6 0 7-6 13-6" opacity=".72"/><path d="M2 9h22" stroke-width="2.4"/></svg>"#;
    view! { <span class="mark-glyph" inner_html=MARK></span> }
}
