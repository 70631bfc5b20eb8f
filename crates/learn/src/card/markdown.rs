//! The card for people.

use std::fmt::Write as _;

use super::Card;
use crate::measure::Share;

fn percent(share: &Share) -> String {
    format!("{:.2} % ({:.2}..{:.2}, n {})", share.share * 100.0, share.low * 100.0, share.high * 100.0, share.of)
}

/// Table cells may not end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

pub(super) fn render(card: &Card) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = write_card(&mut out, card);
    out
}

fn write_card(out: &mut String, card: &Card) -> std::fmt::Result {
    writeln!(out, "# {} {}\n\n{}\n\n{}\n", card.name, card.version, card.purpose, card.method)?;
    writeln!(out, "Ships: {}. Rows: {}. Seed: {}. Base rate of scores: {}.\n", card.ships, card.rows, card.seed, card.base_rate)?;
    writeln!(out, "    {}\n    {}\n", card.command_train, card.command_eval)?;
    writeln!(out, "## Training data\n\n| source | origin | licence | attacks | benign | sha-256 |\n| --- | --- | --- | --- | --- | --- |")?;
    for s in &card.sources {
        let short = s.sha256.get(..16).unwrap_or(&s.sha256);
        writeln!(out, "| {} | {} | {} | {} | {} | {short}.. |", cell(&s.name), cell(&s.origin), cell(&s.licence), s.attacks, s.benign)?;
    }
    writeln!(out, "\nLeft out of training:\n")?;
    for d in &card.dropped {
        writeln!(out, "- {} rows: {}", d.rows, d.rule)?;
    }
    writeln!(out, "\n{}\n\n## Figures (share, 95 % Wilson interval, count)\n", card.split)?;
    if let (Some(auc), Some(trivial)) = (card.auc, card.trivial_auc) {
        writeln!(out, "- area under the curve, groups held back: {auc:.4}; the rule \"{}\": {trivial:.4}", card.trivial)?;
    }
    for f in card.beside.iter().chain(&card.figures) {
        writeln!(out, "- {}: {}", f.what, percent(&f.share))?;
    }
    writeln!(out, "\n## Each source left out of training\n")?;
    writeln!(
        out,
        "| source | attacks | benign | hits at 0.1 % | at 0.5 % | at 1 % | AUC | {} at 0.5 % |",
        if card.trivial.is_empty() { "count of signs" } else { "the rule" }
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
    for l in &card.left_out {
        writeln!(
            out,
            "| {} | {} | {} {} | {:.3} | {:.3} | {:.3} | {:.4} | {:.3} |",
            cell(&l.source),
            l.attacks,
            l.benign,
            l.benign_from,
            l.tpr_at_fpr_01.share,
            l.tpr_at_fpr_05.share,
            l.tpr_at_fpr_1.share,
            l.auc,
            l.trivial_at_fpr_05.share
        )?;
    }
    let t = card.thresholds;
    let [alone, alert] = card.budget.unwrap_or([0.0005, 0.005]);
    writeln!(
        out,
        "\n## Thresholds\n\nalone {:.5} ({} % false positives), alert {:.5} ({} %), veto {:.5} (0.1 % of attacks score lower).",
        t.alone,
        alone * 100.0,
        t.alert,
        alert * 100.0,
        t.veto
    )?;
    writeln!(out, "Expected calibration error {:.4}.\n\n## Blind spots\n", card.calibration.error)?;
    card.blind_spots.iter().try_for_each(|line| writeln!(out, "- {line}"))?;
    writeln!(out, "\n## Attacks tried\n")?;
    card.attacks_tried.iter().try_for_each(|line| writeln!(out, "- {line}"))
}
