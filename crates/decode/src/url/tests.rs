use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Url {
    Url::read(text).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn parts_of_a_url() {
    let url = read("https://user:pw@Login.Example.CO.UK:8443/a/b%20c?next=https%3A%2F%2Fevil.example%2Fx&y=1#top");
    assert_eq!((url.host.as_str(), url.registered.as_str(), url.suffix.as_str()), ("login.example.co.uk", "example.co.uk", "co.uk"));
    assert_eq!((url.port, url.user.as_deref(), url.path.as_str()), (Some(8443), Some("user:pw"), "/a/b c"));
    assert_eq!(url.nested, ["https://evil.example/x"]);
    assert_eq!((url.subdomain(), url.label()), ("login", "example"));
}

#[test]
fn a_platform_that_gives_names_away() {
    let url = read("https://my-shop.github.io/login");
    assert!(url.private_suffix);
    assert_eq!((url.registered.as_str(), url.label()), ("my-shop.github.io", "my-shop"));
}

#[test]
fn addresses_in_every_spelling() {
    for text in ["http://3232235777/x", "http://0xC0A80101/x", "http://0300.0250.1.1/x", "http://192.168.257/x"] {
        let url = read(text);
        assert_eq!((url.host.as_str(), url.odd_address), ("192.168.1.1", true), "{text}");
    }
    assert!(!read("http://192.168.1.1/").odd_address);
    assert_eq!(read("http://[2001:db8::1]:8080/").port, Some(8080));
}

#[test]
fn defanged_bare_and_foreign() {
    let url = read("hxxps://bank[.]example[.]com/login");
    assert!(url.defanged);
    assert_eq!(url.registered, "example.com");
    assert_eq!(read("example.org:8080/x").port, Some(8080));
    assert!(read("example.org").bare);
    assert_eq!(read("https://müller.de/").host, "xn--mller-kva.de");
    assert_eq!(read("https://xn--mller-kva.de/").shown_host, "müller.de");
    assert_eq!(read("http:\\\\example.org\\a").path, "/a");
    assert_eq!(read("https://a.example/%2525").layers, 2);
    for text in ["", "hello", "mailto:a@example.org", "index.htmlx", "e.g", "http://"] {
        assert_eq!(Url::read(text), None, "{text}");
    }
}

#[test]
fn spelling_that_means_nothing_is_gone() {
    let key = read("https://example.org/a?b=1").key();
    for text in ["http://www.example.org/a/?utm_source=x&b=1", "example.org/a?b=1&fbclid=9", "HTTP://EXAMPLE.ORG:80/a?b=1"] {
        assert_eq!(read(text).key(), key, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in "\\PC{0,80}", tail in "[a-z0-9%@:/?#\\[\\].\\\\]{0,60}") {
        let _ = Url::read(&text);
        let _ = Url::read(&format!("http://{text}{tail}"));
        if let Some(url) = Url::read(&tail) {
            prop_assert!(url.key().len() <= 3 * URL_BYTES_MAX + 16);
        }
    }
}
