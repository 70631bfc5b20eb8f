//! Charts, made on the server. Colours come from classes, positions are attributes: the content security policy forbids `style=`.

pub(crate) mod push;
pub(crate) mod shield;
pub(crate) mod timeline;
pub(crate) mod traffic;
