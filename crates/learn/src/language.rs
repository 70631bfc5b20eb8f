//! Which language a text is written in, and whether a model was trained on it.
//!
//! Method:     script first; for Latin script the most frequent function words of twelve languages, counted over the text; `whatlang` when
//!             they say too little. `whatlang` alone is sure of itself on short and mixed text, so it never overrules the words.

use whatlang::Script;

/// Words from which the function words decide.
const WORDS_MIN: usize = 8;
/// Share of function words in ordinary text is above a third; below this the words decide nothing.
const SHARE_MIN: f32 = 0.10;
/// Longest stretch of text that is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 8 * 1024;

/// ISO 639-1 code, `und` when it cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language(pub &'static str);

const FUNCTION_WORDS: [(&str, &str); 12] = [
    ("en", "the of and to in is you that it for on are with as your this be have from or by we will at if an our not has was please can"),
    (
        "de",
        "der die und das ist in zu den mit von sie für auf ein eine nicht es im dem ihr ihre ich wir bei sich werden auch an oder haben bitte",
    ),
    ("fr", "le la les de des et un une du en est vous votre pour dans que qui pas sur au avec ce par nous il ne sont ou plus être"),
    ("es", "el la los las de que y en un una es por con para su se no del lo al como más sus le esta este o usted ha su"),
    ("pt", "o a os as de que e do da em um uma para com não se por na no seu sua mais dos ao você foi como ou está são"),
    ("it", "il la di che e un una per con non si del della le i da in sono al lo come più gli ha nel suo questo vi anche è"),
    ("nl", "de het een en van ik te dat die in je is niet op aan met voor zijn er maar om ook als uw dit bij kunt wij naar u"),
    ("pl", "i w na nie z do się że to jest o jak po co za od ale tak przez dla lub przed są już prosimy aby oraz czy być twoje"),
    ("sv", "och att det i en jag är som på för med av inte den du har till om ett din så kan vi men de eller vid från ditt"),
    ("da", "og i at det er en til på som med for den af ikke de har du vi din kan om et din eller fra så dit ved men jeg"),
    (
        "tr",
        "ve bir bu için ile olarak da de çok daha olan gibi sonra kadar ne en var ama size hesabınız veya siz lütfen ancak her mi tarafından",
    ),
    (
        "id",
        "yang dan di ini untuk dengan anda dari pada akan tidak ke dalam adalah telah kami atau itu juga dapat oleh akun silakan sudah bisa saya ada",
    ),
];

/// The language of `text`.
pub fn of(text: &str) -> Language {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    // Letters decide the script; addresses and numbers are Latin in every language.
    let (mut latin, mut other) = (0_u32, 0_u32);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        if (c as u32) < 0x250 || (0x1E00..0x1F00).contains(&(c as u32)) { latin += 1 } else { other += 1 }
    }
    if other > latin / 3 && other > 4 {
        return Language(match whatlang::detect_script(text) {
            Some(Script::Cyrillic) => "ru",
            Some(Script::Mandarin) => "zh",
            Some(Script::Hiragana | Script::Katakana) => "ja",
            Some(Script::Hangul) => "ko",
            Some(Script::Arabic) => "ar",
            Some(Script::Greek) => "el",
            Some(Script::Hebrew) => "he",
            Some(Script::Thai) => "th",
            _ => "und",
        });
    }
    let mut counts = [0_f32; FUNCTION_WORDS.len()];
    let mut words = 0_usize;
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        words += 1;
        let lower = word.to_lowercase();
        let hits: Vec<usize> =
            FUNCTION_WORDS.iter().enumerate().filter(|(_, (_, list))| list.split(' ').any(|one| one == lower)).map(|(at, _)| at).collect();
        // A word of many languages says little about each.
        hits.iter().for_each(|&at| counts[at] += 1.0 / hits.len() as f32);
    }
    let (best, count) = counts.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0));
    if words >= WORDS_MIN && count / words as f32 >= SHARE_MIN {
        return Language(FUNCTION_WORDS[best].0);
    }
    let Some(info) = whatlang::detect(text).filter(|info| info.is_reliable() || words >= 2 * WORDS_MIN) else { return Language("und") };
    Language(match info.lang().code() {
        "eng" => "en",
        "deu" => "de",
        "fra" => "fr",
        "spa" => "es",
        "por" => "pt",
        "ita" => "it",
        "nld" => "nl",
        _ => "und",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages() {
        for (text, code) in [
            ("Please find the minutes of the meeting attached to this message.", "en"),
            ("Bitte finden Sie das Protokoll der Sitzung im Anhang dieser Nachricht.", "de"),
            ("Veuillez trouver ci-joint le compte rendu de la réunion de lundi.", "fr"),
            ("Adjunto el acta de la reunión del lunes para su revisión.", "es"),
            ("Por favor, veja em anexo a ata da reunião de segunda-feira e não se esqueça do prazo.", "pt"),
            ("In allegato il verbale della riunione di lunedì per la sua revisione.", "it"),
            ("In de bijlage vindt u het verslag van de vergadering van maandag.", "nl"),
            ("Пожалуйста, найдите протокол встречи во вложении.", "ru"),
            ("会議の議事録を添付しますのでご確認ください。", "ja"),
        ] {
            assert_eq!(of(text).0, code, "{text}");
        }
        assert_eq!(of("").0, "und");
        assert_eq!(of("4711 0815").0, "und");
    }
}
