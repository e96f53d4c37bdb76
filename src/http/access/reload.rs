use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};

/// Whether a request may have the exporter reload its configuration or poll; why not, where it may not.
pub(in crate::http) fn may_act(is_enabled: bool, headers: &HeaderMap) -> Result<(), &'static str> {
    if !is_enabled {
        return Err("this is not enabled: start the exporter with --web.enable-lifecycle\n");
    }
    if from_another_site(headers) {
        return Err("a page of another site may not do this\n");
    }
    Ok(())
}

/// Whether a browser sends this for a page of somebody else's. Other programs send neither header.
fn from_another_site(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let foreign_site = text(&SEC_FETCH_SITE).is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let foreign_origin = text(&ORIGIN)
        .is_some_and(|origin| origin.split_once("://").map(|(_, authority)| authority) != text(&HOST));
    foreign_site || foreign_origin
}

/// What a browser says of the page that a request is made for (Fetch Metadata).
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
