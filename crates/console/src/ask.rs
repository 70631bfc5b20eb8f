//! What a person does becomes an order; its answer becomes a notice on the next page.

use std::sync::Arc;
use std::time::Duration;

use event::order::{Answer, Fault, What};
use tokio::sync::oneshot;

use crate::router::App;
use crate::session::Notice;

const ANSWER_TIME: Duration = Duration::from_secs(10);

/// The role that a one-time link logs in as.
const BY: &str = "console:operator";

/// `None`: nobody takes orders, or no answer came in time.
pub(crate) async fn ask(app: &App, what: What) -> Option<Answer> {
    let (give, take) = oneshot::channel();
    let asked = async {
        app.links.orders.send((what, BY.into(), give)).await.ok()?;
        take.await.ok()
    };
    tokio::time::timeout(ANSWER_TIME, asked).await.ok().flatten()
}

/// The same without waiting: a log that cannot be written keeps nobody out who has to look why.
pub(crate) fn tell(app: &Arc<App>, what: What) {
    let app = Arc::clone(app);
    tokio::spawn(async move { ask(&app, what).await });
}

pub(crate) fn notice(answer: Option<&Answer>) -> Notice {
    let Some(answer) = answer else {
        return Notice {
            good: false,
            text: "No answer within 10 s".into(),
            detail: "The order may or may not have been carried out: look at Response before asking again.".into(),
        };
    };
    let said = |fallback: &str| if answer.text.is_empty() { fallback.to_owned() } else { answer.text.clone() };
    match &answer.fault {
        None => {
            let mut detail = match answer.of {
                0 => String::new(),
                of => format!("{} of {of} enforcement points, {}", answer.done, took(answer.took_us)),
            };
            if let Some(receipt) = &answer.receipt {
                let dot = if detail.is_empty() { "" } else { " · " };
                detail.push_str(&format!("{dot}receipt {receipt}"));
            }
            Notice { good: true, text: said("Done"), detail }
        }
        Some(Fault::Refused(why)) => Notice { good: false, text: said("Refused"), detail: why.clone() },
        Some(Fault::Unknown(what)) => Notice { good: false, text: said("Not found"), detail: what.clone() },
        Some(Fault::Failed(why)) => Notice { good: false, text: said("Failed"), detail: why.clone() },
    }
}

fn took(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}
