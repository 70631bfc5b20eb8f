//! The models of the content as `model list` and the console show them.

use console::ModelState;
use learn::{card, forecast, sign};

use crate::knowledge::Content;

/// Every model folder; one that was refused is listed unsigned, with the reason in place of what it does.
pub fn models(content: &Content) -> Vec<ModelState> {
    content.folders("models").into_iter().map(|name| state(content, name)).collect()
}

fn state(content: &Content, name: String) -> ModelState {
    let folder = content.model_folder(&name).ok();
    let card = folder.as_ref().and_then(|f| card::Card::from_bytes(f.get("card.json")?).ok());
    let verified = folder.as_ref().and_then(|f| sign::verify(f, &content.ring().ok()?).ok());
    let (key_id, digest) = verified.map(|v| (v.key_id, v.digest)).unwrap_or_default();
    let loaded = serves(content, &name, folder.as_ref());
    ModelState {
        version: card.as_ref().filter(|_| loaded.is_ok()).map(|c| c.version.clone()).unwrap_or_default(),
        signed: loaded.is_ok(),
        key_id,
        digest,
        card_markdown: card.map(|c| c.to_markdown()).unwrap_or_default(),
        thresholds: loaded.unwrap_or_else(|refused| refused),
        name,
    }
}

/// From where on a model says something, or why it was refused.
fn serves(content: &Content, name: &str, folder: Option<&sign::Folder>) -> Result<String, String> {
    if name == forecast::NAME {
        let (loaded, refused) = content.forecaster();
        return loaded.map(|_| "tells what comes next; decides nothing".to_owned()).ok_or_else(|| refused.unwrap_or_default());
    }
    let mut registry = learn::Registry::default();
    if let (Some(folder), Ok(ring)) = (folder, content.ring())
        && registry.load_heads(name, folder, &ring).map_err(|e| e.to_string())?
    {
        let heads = registry.heads(name).map(|h| h.heads.join(", ")).unwrap_or_default();
        return Ok(format!("a threshold for each of {heads}"));
    }
    let model = content.any_model(name).map_err(|e| e.to_string())?;
    let t = model.thresholds();
    Ok(match model {
        learn::Model::Text(_) => {
            format!("alone blocks at {:.3}, supports a rule from {:.3}, vetoes a weak rule below {:.3}", t.alone, t.alert, t.veto)
        }
        _ => format!("alerts at {:.3}, sure from {:.3}", t.alert, t.alone),
    })
}
