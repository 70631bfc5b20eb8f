//! The sources from outside, over files made for each test.

#[path = "it/folder.rs"]
mod folder;
#[path = "it/follow.rs"]
mod follow;
#[path = "it/whole.rs"]
mod whole;
