//! One push as a bar: to the right when it speaks for an attack, to the left and hatched when it speaks against.

use maud::{Markup, html};

const WIDTH: f32 = 96.0;
/// Where zero is.
const ZERO: f32 = 16.0;

pub(crate) fn bar(push: f32) -> Markup {
    let length = |room: f32| (push.abs().min(1.0) * room).round().max(1.0) as u32;
    let right = length(WIDTH - ZERO);
    let left = length(ZERO * 5.0).min(ZERO as u32);
    html! {
        svg.bar viewBox="0 0 96 12" width="96" height="12" aria-hidden="true" focusable="false" {
            @if push < 0.0 { rect.against x=(ZERO as u32 - left) y="2" width=(left) height="8" {} } @else { rect.for x=(ZERO as u32) y="2" width=(right) height="8" rx="1" {} }
            path.axis d="M15.5 0v12" {}
        }
    }
}
