//! What a reader sees of an HTML body, and what is there but not seen.
//!
//! Method:     html5ever's tokenizer and a bounded stack of open elements; each carries whether it is hidden and its colours. Inline style,
//!             attributes and class rules of `<style>` blocks with `display:none` count; scripts and layout do not run.
//! Hidden:     `display:none`, `visibility:hidden`, `opacity` below .1, font or box of no size, text in the colour of its background, text
//!             moved off the page, the `hidden` attribute, comments with words.
//! Not seen:   what a selector more complex than one class hides; text inside images.

use std::cell::RefCell;
use std::collections::HashSet;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

use super::link::{self, Link, Place};

mod style;

use style::Style;

/// Deepest nesting that is followed; deeper elements take the state of their ancestor.
const DEPTH_MAX: usize = 256;
/// Longest shown text of a link, in bytes.
const SHOWN_BYTES_MAX: usize = 512;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Html {
    pub visible: String,
    pub hidden: String,
    pub links: Vec<Link>,
    pub images: u32,
    /// Fields in which a reader types a password.
    pub password_fields: u32,
    pub forms: u32,
    pub scripts: u32,
    /// Elements that hide text by a trick (not by `display:none`, which ordinary templates use for previews).
    pub tricks: u32,
}

impl Html {
    /// Reads an HTML text. Linear in its length.
    pub fn read(text: &str) -> Html {
        let sink = Sink { state: RefCell::new(State::new(text)) };
        let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(text));
        // The sink never asks to stop, so one call reads everything.
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        tokenizer.sink.state.into_inner().out
    }
}

struct Sink {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    out: Html,
    open: Vec<Open>,
    /// Classes that a `<style>` block hides.
    hidden_classes: HashSet<String>,
    /// Inside `<script>` or `<style>`.
    raw: bool,
}

struct Open {
    name: String,
    hidden: bool,
    style: Style,
    /// Index of the link that is open here.
    link: Option<usize>,
}

impl State {
    fn new(text: &str) -> State {
        State { hidden_classes: style::hidden_classes(text), ..State::default() }
    }

    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        let attribute = |wanted: &str| tag.attrs.iter().find(|a| &*a.name.local == wanted).map(|a| a.value.as_ref());
        let parent = self.open.last();
        let parent_style = parent.map(|open| open.style).unwrap_or_default();
        let mut style = parent_style.child(attribute("style").unwrap_or(""), attribute("bgcolor"), attribute("color"), attribute("text"));
        style.size_attribute(name, attribute("size"));
        let by_class =
            || attribute("class").is_some_and(|classes| classes.split_ascii_whitespace().any(|class| self.hidden_classes.contains(class)));
        let parent_hidden = parent.is_some_and(|open| open.hidden);
        let trick = style.is_trick() && !parent_style.is_trick();
        let hidden = parent_hidden || style.none || style.is_trick() || attribute("hidden").is_some() || by_class();
        if trick && !parent_hidden {
            self.out.tricks += 1;
        }
        let mut link = parent.and_then(|open| open.link);
        if is_block(name) {
            self.newline();
        }
        match name {
            "a" | "area" => {
                link = None;
                if let Some(target) = attribute("href").filter(|target| !target.trim().is_empty()) {
                    link = self.link(target, Place::Anchor);
                }
            }
            "form" => {
                self.out.forms += 1;
                if let Some(target) = attribute("action") {
                    self.link(target, Place::Form);
                }
            }
            "input" if attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("password")) => self.out.password_fields += 1,
            "meta" if attribute("http-equiv").is_some_and(|value| value.eq_ignore_ascii_case("refresh")) => {
                if let Some((_, target)) = attribute("content").and_then(|content| content.split_once('=')) {
                    self.link(target.trim_matches(['\'', '"', ' ']), Place::Refresh);
                }
            }
            "img" => {
                self.out.images += 1;
                if let (Some(alt), false) = (attribute("alt"), hidden) {
                    self.text(alt);
                }
            }
            "script" => self.out.scripts += 1,
            _ => {}
        }
        if !is_void(name) && !tag.self_closing {
            self.close_implied(name);
            if self.open.len() < DEPTH_MAX {
                self.open.push(Open { name: name.to_owned(), hidden, style, link });
            }
        }
        match name {
            "script" => {
                self.raw = true;
                TokenSinkResult::RawData(RawKind::ScriptData)
            }
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                self.raw = true;
                TokenSinkResult::RawData(RawKind::Rawtext)
            }
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }

    /// `<p>` ends a `<p>`, `<td>` a `<td>`.
    fn close_implied(&mut self, name: &str) {
        if matches!(name, "p" | "li" | "td" | "th" | "tr" | "option") && self.open.last().is_some_and(|open| open.name == name) {
            self.open.pop();
        }
    }

    fn end(&mut self, name: &str) {
        self.raw = false;
        if is_block(name) {
            self.newline();
        }
        // An end tag without its start, or one too deep, closes nothing.
        if let Some(at) = self.open.iter().rposition(|open| open.name == name).filter(|at| self.open.len() - at <= 64) {
            self.open.truncate(at);
        }
    }

    fn link(&mut self, target: &str, place: Place) -> Option<usize> {
        let target = target.trim();
        let lower = target.get(..12).unwrap_or(target).to_ascii_lowercase();
        if target.starts_with('#')
            || ["mailto:", "tel:", "cid:"].iter().any(|scheme| lower.starts_with(scheme))
            || self.out.links.len() >= super::LINKS_MAX
        {
            return None;
        }
        self.out.links.push(Link { target: link::cut(target).to_owned(), shown: String::new(), place });
        Some(self.out.links.len() - 1)
    }

    fn text(&mut self, text: &str) {
        if self.raw {
            return;
        }
        let (hidden, link) = self.open.last().map_or((false, None), |open| (open.hidden, open.link));
        if hidden {
            push(&mut self.out.hidden, text);
            return;
        }
        push(&mut self.out.visible, text);
        if let Some(shown) = link.and_then(|at| self.out.links.get_mut(at)).map(|link| &mut link.shown)
            && shown.len() < SHOWN_BYTES_MAX
        {
            push(shown, super::floor(text, SHOWN_BYTES_MAX));
        }
    }

    fn newline(&mut self) {
        if !self.out.visible.is_empty() && !self.out.visible.ends_with('\n') {
            self.out.visible.push('\n');
        }
    }
}

/// Adds text with runs of white space as one space.
fn push(out: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_whitespace() {
            if !out.ends_with([' ', '\n']) && !out.is_empty() {
                out.push(' ');
            }
        } else if c != '\0' {
            out.push(c);
        }
    }
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return state.start(&tag),
            Token::TagToken(tag) => state.end(&tag.name),
            Token::CharacterTokens(text) => state.text(&text),
            Token::CommentToken(text) => {
                // Conditional comments of mail programs hold markup, not words.
                let words = text.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)).count();
                if words >= 12 && !text.contains('<') && !text.contains('{') {
                    push(&mut state.out.hidden, &text);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

fn is_void(name: &str) -> bool {
    matches!(name, "area" | "base" | "br" | "col" | "embed" | "hr" | "img" | "input" | "link" | "meta" | "source" | "track" | "wbr")
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "br"
            | "hr"
            | "tr"
            | "table"
            | "li"
            | "ul"
            | "ol"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "td"
            | "th"
            | "blockquote"
            | "pre"
            | "center"
            | "form"
            | "title"
    )
}
