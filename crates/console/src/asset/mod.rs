//! Our own script, style sheet and icon: embedded, served as written, named by their content so that a browser may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::href::Href;
use crate::page;
use crate::session;

pub(crate) const SCRIPT: &str = include_str!("bartizan.js");
pub(crate) const STYLE: &str = include_str!("bartizan.css");
const ICON: &str = include_str!("icon.svg");

struct Asset {
    name: String,
    content_type: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, ext: &str, content_type: &'static str, text: &'static str) -> Asset {
        let hash: String = session::digest(text.as_bytes()).iter().take(6).map(|b| format!("{b:02x}")).collect();
        Asset { name: format!("{stem}-{hash}.{ext}"), content_type, text }
    }
}

static ALL: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("bartizan", "css", "text/css; charset=utf-8", STYLE),
        Asset::new("bartizan", "js", "text/javascript; charset=utf-8", SCRIPT),
        Asset::new("icon", "svg", "image/svg+xml", ICON),
    ]
});

pub(crate) fn style() -> Href {
    Href::to("/asset").part(&ALL[0].name)
}

pub(crate) fn script() -> Href {
    Href::to("/asset").part(&ALL[1].name)
}

pub(crate) fn icon() -> Href {
    Href::to("/asset").part(&ALL[2].name)
}

pub(crate) async fn get(Path(name): Path<String>) -> Response {
    match ALL.iter().find(|asset| asset.name == name) {
        Some(asset) => {
            ([(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], asset.text)
                .into_response()
        }
        None => page::problem(StatusCode::NOT_FOUND, "no such file", false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_light() {
        assert!(SCRIPT.len() <= 25 * 1024, "script: {} bytes", SCRIPT.len());
        assert!(STYLE.len() <= 20 * 1024, "style sheet: {} bytes", STYLE.len());
    }

    #[test]
    fn they_name_no_other_origin_and_evaluate_no_text() {
        for text in [SCRIPT, STYLE] {
            for banned in [
                "http://",
                "https://",
                "innerHTML",
                "outerHTML",
                "eval(",
                "insertAdjacentHTML",
                "document.write",
                "@import",
                "sourceMappingURL",
            ] {
                assert!(!text.contains(banned), "{banned}");
            }
        }
    }
}
