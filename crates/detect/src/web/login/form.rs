//! How sign-ins of a site look: which request is one, whose it is, and whether the answer let somebody in.
//!
//! Without settings: a POST to a path that is named like a login, with a field named like an account and one named like a password. What an
//! answer means follows what frameworks do; where that cannot be told, nothing is said.

use std::str::FromStr;

use decode::request::{Parts, Target, Values, values};
use event::Http;
use event::authentication::Outcome;

/// Settings of one site's sign-ins; what is empty is recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Path of the request that carries the password.
    pub path: String,
    /// `POST` when empty.
    pub method: String,
    /// Field of the account in form or JSON.
    pub user_field: String,
    /// Statuses of an answer that lets in.
    pub success: Vec<u16>,
    /// Cookie that only an answer that lets in sets.
    pub session_cookie: String,
}

/// What the gateway knows of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer<'a> {
    pub status: u16,
    pub location: &'a str,
    pub content_type: &'a str,
    /// Values of `Set-Cookie`.
    pub cookies: &'a [&'a str],
}

/// A request that wants to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// As the request names it. Several when it does so more than once: applications take the first or the last, and a thief names a decoy.
    Accounts(Vec<String>),
    /// It names more accounts than people do, or names it where nobody could read it.
    Hidden,
}

/// Longer names of accounts are cut.
const USER_BYTES_MAX: usize = 128;
const ACCOUNTS_MAX: usize = 6;
const WORDS: [&str; 16] = [
    "login",
    "log-in",
    "log_in",
    "signin",
    "sign-in",
    "sign_in",
    "logon",
    "wp-login.php",
    "login.php",
    "login.html",
    "login.aspx",
    "login.jsp",
    "authenticate",
    "xmlrpc.php",
    "j_security_check",
    "login.do",
];
const ACCOUNTS: [&str; 11] =
    ["username", "user", "login", "email", "log", "user_login", "userid", "user_name", "j_username", "account", "loginname"];
const SESSIONS: [&str; 8] = ["sess", "sid", "auth", "token", "jwt", "remember", "logged_in", "identity"];

/// A path that is named like a login.
pub fn is_login(path: &str) -> bool {
    let path = plain(path);
    let last = path.rsplit('/').next().unwrap_or("");
    WORDS.contains(&last)
}

/// Applications with one entry point name what they do in the query: `do=login`.
pub fn asks_login(query: &str) -> bool {
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(name, value)| {
        let verb = ["do", "action", "act", "op", "page", "mode"].iter().any(|v| name.eq_ignore_ascii_case(v));
        verb && ["login", "signin", "logon", "log_in", "sign_in"].iter().any(|v| value.eq_ignore_ascii_case(v))
    })
}

/// The account named in a posted form or JSON body, as far as it was seen; empty when there is none.
pub fn account(http: &Http) -> String {
    Form::default().fields(http).0.into_iter().next().unwrap_or_default()
}

impl Form {
    /// What this request wants to sign in to; `None` when it is no sign-in. `cut`: its body is longer than what was read.
    pub fn tried(&self, http: &Http, cut: bool) -> Option<Tried> {
        let method = if self.method.is_empty() { "POST" } else { &self.method };
        // Asked about every request: most end here.
        if !http.method.eq_ignore_ascii_case(method) {
            return None;
        }
        let named = !self.path.is_empty();
        let at = if named { plain(http.path()) == plain(&self.path) } else { is_login(http.path()) || asks_login(http.query()) };
        if !at {
            return None;
        }
        let (accounts, has_password) = self.fields(http);
        let hidden = cut || accounts.len() > ACCOUNTS_MAX || (named && accounts.is_empty());
        if hidden {
            return Some(Tried::Hidden);
        }
        let sure = has_password || !self.user_field.is_empty();
        (sure && !accounts.is_empty()).then_some(Tried::Accounts(accounts))
    }

    /// Whether the answer to such a request let somebody in; `None` when that cannot be told.
    pub fn outcome(&self, http: &Http, answer: Answer<'_>) -> Option<Outcome> {
        let status = answer.status;
        let sets = |name: &str| answer.cookies.iter().any(|c| c.split_once('=').is_some_and(|(n, v)| n.trim() == name && is_set(v)));
        if !self.success.is_empty() || !self.session_cookie.is_empty() {
            let by_status = self.success.is_empty() || self.success.contains(&status);
            let by_cookie = self.session_cookie.is_empty() || sets(&self.session_cookie);
            return match (status, by_status && by_cookie) {
                (_, true) => Some(Outcome::Success),
                (500.., false) => None,
                _ => Some(Outcome::Failure),
            };
        }
        let session = answer.cookies.iter().any(|cookie| {
            let (name, value) = cookie.split_once('=').unwrap_or_default();
            let name = name.trim().to_ascii_lowercase();
            is_set(value) && SESSIONS.iter().any(|word| name.contains(word)) && !name.contains("csrf") && !name.contains("xsrf")
        });
        match status {
            400 | 401 | 403 | 422 | 423 | 429 => Some(Outcome::Failure),
            301 | 302 | 303 | 307 | 308 => {
                let target =
                    answer.location.split_once("://").map_or(answer.location, |(_, rest)| &rest[rest.find('/').unwrap_or(rest.len())..]);
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                let path = path.split('#').next().unwrap_or("");
                let query = query.to_ascii_lowercase();
                let back =
                    plain(path) == plain(http.path()) || is_login(path) || ["error", "fail", "invalid"].iter().any(|w| query.contains(w));
                Some(if back { Outcome::Failure } else { Outcome::Success })
            }
            200 | 201 | 204 if session => Some(Outcome::Success),
            // The form again, with a word about what was wrong.
            200 if answer.content_type.starts_with("text/html") => Some(Outcome::Failure),
            _ => None,
        }
    }

    /// Accounts named in the body, each once and at most one more than allowed, and whether there is a password.
    fn fields(&self, http: &Http) -> (Vec<String>, bool) {
        let (mut accounts, mut has_password) = (Vec::new(), false);
        if http.body.as_ref().is_none_or(|b| b.is_empty()) {
            return (accounts, has_password);
        }
        let mut all = Values::default();
        // What stands in the query is no part of the form.
        values(&Parts { target: http.path(), ..Parts::from(http) }, &mut all);
        for value in all.iter().filter(|v| matches!(v.target, Target::Arg | Target::Json)) {
            let name = String::from_utf8_lossy(value.name);
            let leaf = leaf(&name);
            has_password |= is_password(leaf) && !value.decoded.is_empty();
            let wanted = if self.user_field.is_empty() {
                ACCOUNTS.iter().any(|n| leaf.eq_ignore_ascii_case(n))
            } else {
                leaf == self.user_field || name.trim_start_matches('/') == self.user_field
            };
            if wanted && accounts.len() <= ACCOUNTS_MAX {
                let account = String::from_utf8_lossy(&value.decoded[..value.decoded.len().min(USER_BYTES_MAX)]).trim().to_owned();
                if !account.is_empty() && !accounts.contains(&account) {
                    accounts.push(account);
                }
            }
        }
        (accounts, has_password)
    }
}

/// A path as applications compare it: decoded once, in lower case, without parameters and doubled or trailing slashes.
fn plain(path: &str) -> String {
    let mut decoded = Vec::with_capacity(path.len());
    decode::request::urlencoded::decode(path.as_bytes(), false, &mut decoded);
    let mut out = String::with_capacity(decoded.len());
    for segment in String::from_utf8_lossy(&decoded).split('/') {
        let name = segment.split(';').next().unwrap_or("");
        if !name.is_empty() && name != "." {
            out.push('/');
            out.push_str(&name.to_ascii_lowercase());
        }
    }
    out
}

/// `user[email]`, `/data/email` and `data.email` are `email`.
fn leaf(name: &str) -> &str {
    name.trim_end_matches(']').rsplit(['/', '.', '[']).next().unwrap_or(name)
}

fn is_password(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("pass") || matches!(name.as_str(), "pwd" | "user_pwd" | "pw" | "secret" | "pin")
}

/// A cookie that is being deleted is not set.
fn is_set(value: &str) -> bool {
    let first = value.split(';').next().unwrap_or("").trim().trim_matches('"');
    !first.is_empty() && !first.eq_ignore_ascii_case("deleted") && !value.to_ascii_lowercase().contains("max-age=0")
}

/// Why `--login` cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormError(String);

impl std::fmt::Display for FormError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; expected path=/login,user=email,success=302,cookie=sid with path first and the others as needed", self.0)
    }
}

impl std::error::Error for FormError {}

impl FromStr for Form {
    type Err = FormError;

    /// `path=/session,method=POST,user=email,success=302,cookie=sid`
    fn from_str(text: &str) -> Result<Form, FormError> {
        let mut form = Form::default();
        for pair in text.split(',') {
            let (key, value) = pair.split_once('=').ok_or_else(|| FormError(format!("{pair:?} has no value")))?;
            match (key.trim(), value.trim()) {
                (_, "") => return Err(FormError(format!("{key:?} is empty"))),
                ("path", path) if path.starts_with('/') => form.path = path.to_owned(),
                ("path", path) => return Err(FormError(format!("path {path:?} does not begin with /"))),
                ("method", method) => form.method = method.to_ascii_uppercase(),
                ("user", field) => form.user_field = field.to_owned(),
                ("cookie", name) => form.session_cookie = name.to_owned(),
                ("success", status) => {
                    let status = status.parse().ok().filter(|s| (200..500).contains(s));
                    form.success.push(status.ok_or_else(|| FormError(format!("success {value:?} is no status of 200 to 499")))?);
                }
                (other, _) => return Err(FormError(format!("{other:?} is unknown"))),
            }
        }
        if form.path.is_empty() {
            return Err(FormError("there is no path".to_owned()));
        }
        Ok(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(target: &str, content_type: &str, body: &str) -> Http {
        Http {
            method: "POST".into(),
            target: target.into(),
            content_type: content_type.into(),
            body: Some(body.as_bytes().to_vec().into()),
            ..Http::default()
        }
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn sign_ins_are_recognised_and_other_posts_are_not() {
        let form = Form::default();
        for (target, content_type, body, user) in [
            ("/login", FORM, "username=ada&password=x", Some("ada")),
            ("/users/sign_in", FORM, "user%5Bemail%5D=ada%40example.org&user%5Bpassword%5D=x", Some("ada@example.org")),
            ("/api/login", "application/json", r#"{"data":{"email":"ada@example.org","password":"x"}}"#, Some("ada@example.org")),
            ("/index.php?do=login", FORM, "log=ada&pwd=x", Some("ada")),
            ("/login", FORM, "username=ada", None),
            ("/login", FORM, "username=&password=x", None),
            ("/register", FORM, "username=ada&password=x", None),
            ("/login", FORM, "", None),
            ("/%6cogin//;v=1", FORM, "username=ada&password=x", Some("ada")),
        ] {
            let one = |user: &str| Tried::Accounts(vec![user.to_owned()]);
            assert_eq!(form.tried(&post(target, content_type, body), false), user.map(one), "{target} {body}");
        }
        let own: Form = "path=/session,user=kennung".parse().expect("fine");
        assert_eq!(own.tried(&post("/Session/", FORM, "kennung=ada&wort=x"), false), Some(Tried::Accounts(vec!["ada".into()])));
        assert_eq!(own.tried(&post("/login", FORM, "username=ada&password=x"), false), None);
    }

    #[test]
    fn nobody_hides_the_account_behind_a_decoy() {
        let form = Form::default();
        let twice = form.tried(&post("/login?username=decoy", FORM, "username=mallory&password=x&username=ada"), false);
        assert_eq!(twice, Some(Tried::Accounts(vec!["mallory".into(), "ada".into()])));
        let many: String = (0..20).map(|n| format!("username=u{n}&")).collect();
        assert_eq!(form.tried(&post("/login", FORM, &(many + "password=x")), false), Some(Tried::Hidden));
        assert_eq!(form.tried(&post("/login", FORM, "pad=xxxx"), true), Some(Tried::Hidden), "the account stands behind what was read");
        let own: Form = "path=/session,user=kennung".parse().expect("fine");
        assert_eq!(own.tried(&post("/session", FORM, "other=ada"), false), Some(Tried::Hidden));
    }

    #[test]
    fn answers_tell_who_got_in_or_nothing() {
        use Outcome::{Failure, Success};
        let http = post("/login", FORM, "username=ada&password=x");
        let of = |status, location, content_type, cookies: &[&str]| {
            Form::default().outcome(&http, Answer { status, location, content_type, cookies })
        };
        assert_eq!(of(401, "", "", &[]), Some(Failure));
        assert_eq!(of(302, "/account", "", &[]), Some(Success));
        assert_eq!(of(302, "/login", "", &[]), Some(Failure));
        assert_eq!(of(303, "https://shop.example/login?error=1", "", &["sid=x"]), Some(Failure));
        assert_eq!(of(302, "/?login=failed", "", &[]), Some(Failure));
        assert_eq!(of(200, "", "text/html; charset=utf-8", &["csrftoken=abc"]), Some(Failure));
        assert_eq!(of(200, "", "application/json", &["session=abc; HttpOnly"]), Some(Success));
        assert_eq!(of(200, "", "application/json", &["session=; Max-Age=0"]), None);
        assert_eq!(of(200, "", "application/json", &[]), None);
        assert_eq!(of(502, "", "", &[]), None);
        let own: Form = "path=/login,success=200,cookie=sid".parse().expect("fine");
        let of = |status, cookies: &[&str]| own.outcome(&http, Answer { status, cookies, ..Answer::default() });
        assert_eq!(
            (of(200, &["sid=1"]), of(200, &[]), of(302, &["sid=1"]), of(503, &[])),
            (Some(Success), Some(Failure), Some(Failure), None)
        );
    }

    #[test]
    fn faults_say_what_to_write() {
        for (text, said) in [
            ("user=email", "there is no path"),
            ("path=login", "does not begin with /"),
            ("path=/login,success=999", "is no status"),
            ("path=/login,colour=red", "\"colour\" is unknown"),
            ("path=/login,user", "has no value"),
            ("path=", "is empty"),
        ] {
            let error = text.parse::<Form>().expect_err(text).to_string();
            assert!(error.contains(said) && error.contains("path=/login,user=email"), "{error}");
        }
    }
}
