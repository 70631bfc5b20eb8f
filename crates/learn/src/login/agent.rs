//! Agent strings as people read them: family, version, system, class. A small table; what it does not know stays text.
//!
//! Reads at most 512 bytes of a string. Cost: a dozen searches.

/// What an agent string says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// `Chrome`, `Firefox`, `curl`, ..; `other` when the table does not know it.
    pub family: &'static str,
    /// Major version; 0 when there is none.
    pub major: u16,
    /// `Windows`, `Android`, ..; `other` when it does not say.
    pub system: &'static str,
    /// What kind of machine.
    pub class: Class,
    /// Of the string without digits, for programs that the table does not know.
    text: u32,
}

/// What kind of machine an agent string claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A computer with a browser.
    Desktop,
    /// A telephone or tablet.
    Mobile,
    /// A program without a person before it.
    Tool,
    /// It does not say.
    Unknown,
}

const BYTES_MAX: usize = 512;

/// Marks in the order in which they decide: a browser built on another one names itself before it.
const FAMILIES: &[(&str, &str)] = &[
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPiOS/", "Opera"),
    ("Opera/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex"),
    ("UCBrowser/", "UC Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("MiuiBrowser/", "Miui Browser"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("Whale/", "Whale"),
    ("Instagram ", "Instagram"),
    ("FBAV/", "Facebook"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome headless"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "wget"),
    ("python-requests/", "python-requests"),
    ("aiohttp/", "aiohttp"),
    ("Python-urllib/", "Python-urllib"),
    ("Go-http-client/", "Go-http-client"),
    ("okhttp/", "okhttp"),
    ("Apache-HttpClient/", "Apache-HttpClient"),
    ("axios/", "axios"),
    ("node-fetch/", "node-fetch"),
    ("PostmanRuntime/", "Postman"),
    ("aws-cli/", "aws-cli"),
    ("Boto3/", "Boto3"),
    ("Java/", "Java"),
    ("Dalvik/", "Dalvik"),
    ("CFNetwork/", "CFNetwork"),
];

const TOOLS_FROM: &str = "curl/";

/// The first that stands in the string is its system: telephones name the system that they derive from as well.
const SYSTEMS: &[(&str, &str, Class)] = &[
    ("Windows Phone", "Windows Phone", Class::Mobile),
    ("iPhone", "iOS", Class::Mobile),
    ("iPad", "iPadOS", Class::Mobile),
    ("iPod", "iOS", Class::Mobile),
    ("Android", "Android", Class::Mobile),
    ("CrOS", "Chrome OS", Class::Desktop),
    ("Windows", "Windows", Class::Desktop),
    ("Macintosh", "macOS", Class::Desktop),
    ("Mac OS X", "macOS", Class::Desktop),
    ("Darwin", "macOS", Class::Desktop),
    ("Linux", "Linux", Class::Desktop),
    ("X11", "Linux", Class::Desktop),
];

impl Agent {
    /// Reads an agent string; `None` when it is empty.
    pub fn parse(text: &str) -> Option<Agent> {
        let bytes = text.trim().as_bytes();
        let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
        if bytes.is_empty() {
            return None;
        }
        let find = |mark: &str| memchr::memmem::find(bytes, mark.as_bytes());
        let found = FAMILIES.iter().enumerate().find_map(|(n, (mark, name))| Some((n, *name, find(mark)? + mark.len())));
        let tools_from = FAMILIES.iter().position(|(mark, _)| *mark == TOOLS_FROM).unwrap_or(FAMILIES.len());
        let (system, class) = SYSTEMS.iter().find(|(mark, ..)| find(mark).is_some()).map_or(("other", Class::Unknown), |s| (s.1, s.2));
        let (family, major, tool) = match found {
            Some((n, "Safari", at)) if find("Android").is_some() => ("Android browser", number(&bytes[at..]), n >= tools_from),
            Some((n, "Chrome", at)) if find("; wv)").is_some() => ("Chrome view", number(&bytes[at..]), n >= tools_from),
            Some((n, name, at)) => (name, number(&bytes[at..]), n >= tools_from),
            None => ("other", 0, false),
        };
        let letters: Vec<u8> = bytes.iter().copied().filter(|b| !b.is_ascii_digit()).collect();
        let text = if family == "other" { super::key(&letters) } else { 0 };
        Some(Agent { family, major, system, class: if tool { Class::Tool } else { class }, text })
    }

    /// Key of family and system, without versions.
    pub fn browser_key(&self) -> u32 {
        super::key(format!("{}\n{}\n{}", self.family, self.system, self.text).as_bytes())
    }

    /// Key of the system.
    pub fn system_key(&self) -> u32 {
        super::key(self.system.as_bytes())
    }

    /// `Chrome on Windows`
    pub fn words(&self) -> String {
        match (self.family, self.system) {
            ("other", "other") => "an unknown program".to_owned(),
            ("other", system) => format!("an unknown program on {system}"),
            (family, "other") => family.to_owned(),
            (family, system) => format!("{family} on {system}"),
        }
    }
}

fn number(bytes: &[u8]) -> u16 {
    bytes
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .take(4)
        .fold(0, |n: u16, digit| n.saturating_mul(10).saturating_add(u16::from(digit - b'0')))
}
