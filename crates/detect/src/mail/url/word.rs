//! Words of addresses: what sign-in pages, parcels and mailboxes are called, in several languages; endings that cost next to nothing.

use std::collections::HashSet;
use std::sync::OnceLock;

/// Words of pages that ask for something: sign-in, account, payment, delivery, mailbox, wallet. Own list.
const SERVICE: &str = "login logon signin signon sign-in secure secured security account accounts myaccount verify verified verification \
    verifying update updates updating upgrade support confirm confirmation billing webmail mail-box mailbox auth authenticate \
    authentication authorize unlock unlocked recover recovery restore reset payment payments refund refunds password passwords passcode wallet \
    wallets webscr otp mfa onetime validate validation suspended suspension limited restricted alert alerts notice notification unusual \
    banking ebanking e-banking netbanking onlinebanking onlinebank ibank airdrop claim rectify sync dapp dapps connectwallet walletconnect \
    giveaway bonus reward rewards voucher giftcard gift-card quota storage-full helpdesk itsupport servicedesk remittance invoice \
    voicemail faxmessage e-fax shareddocument sharedfile securemessage docs-view delivery redelivery parcel package shipment shipping \
    tracking customs tollpay toll unpaid fine taxrefund tax-refund rebate stimulus \
    anmelden anmeldung einloggen sicherheit konto kundenkonto kunden bestaetigung bestaetigen verifizierung verifizieren freischalten \
    aktualisieren aktualisierung rechnung zahlung paket sendung rueckerstattung tan pushtan \
    compte connexion identifiant identification verifier verificationclient securite espaceclient espace-client moncompte remboursement \
    livraison colis facture paiement amende antai vitale assure reglement \
    cuenta acceso seguridad seguro verificacion verificar cliente clientes ingresar iniciar sesion clave bloqueo desbloqueo reembolso envio paquete \
    multa pago pagos factura banca enlinea en-linea sucursal \
    accesso conto verifica aggiorna aggiornamento sicurezza cliente-area areaclienti pacco spedizione rimborso pagamento \
    conta acessar atualizar atualizacao seguranca cadastro recadastramento resgate pontos rastreio boleto pix \
    inloggen rekening mijn betaling pakket bezorging beveiliging bevestigen \
    logowanie konto-klienta platnosc przesylka dostawa weryfikacja \
    giris hesap odeme dogrula kargo \
    masuk verifikasi akun hadiah klaim \
    kaiin meisai ninsho seikyu otodoke";
/// Words of services that are ordinary in a host but tell something where anybody takes a name.
const WEAK: &str = "mail email inbox server portal client customer online service services access app home admin user desk center \
    card bank pay money cash crypto token nft coin swap stake finance loan document doc docs file files share view secure-doc message id \
    web net help info official store shop promo free win currently att bt telecom internet broadband mobile kunde aide ayuda web-mail live";
/// Endings that cost next to nothing or are given away; a small hint.
const CHEAP: &str = "top xyz icu buzz cfd sbs club live online site cyou rest tk ml ga cf gq shop vip bond click lol monster quest fun \
    space website store work pw cc ws cn su ru.com za.com sa.com today world life best win bid loan men date review stream download racing \
    party science trade webcam faith cricket accountant uno beauty hair skin makeup boats autos homes yachts motorcycles mom pics lat \
    autos help link ink one fit run wang ren asia mobi kim digital support services center zip mov dev.cc gdn host press qpon cam surf \
    ltd company asia bar cloud pro";

pub(super) struct Words {
    pub(super) service: HashSet<&'static str>,
    pub(super) weak: HashSet<&'static str>,
    pub(super) cheap: HashSet<&'static str>,
}

pub(super) fn tables() -> &'static Words {
    static TABLES: OnceLock<Words> = OnceLock::new();
    TABLES.get_or_init(|| {
        let set = |text: &'static str| text.split_whitespace().collect::<HashSet<_>>();
        Words { service: set(SERVICE), weak: set(WEAK), cheap: set(CHEAP) }
    })
}

/// Runs of letters and digits.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

/// Service words of a label: whole words, and at either end of a longer word (`loginpage`, `mysecurity`), at most one a word.
pub(super) fn services(label: &str) -> usize {
    let table = &tables().service;
    let has = |word: &str| table.contains(word);
    split(label)
        .filter(|word| {
            has(word)
                || (word.len() >= 9
                    && word.is_ascii()
                    && (6..=12.min(word.len() - 2)).any(|long| has(&word[..long]) || has(&word[word.len() - long..])))
                || has(word.trim_end_matches(|c: char| c.is_ascii_digit()))
        })
        .count()
}

/// Words that count only where anybody takes a name.
pub(super) fn weak(label: &str) -> usize {
    let table = &tables().weak;
    split(label).filter(|word| table.contains(word.trim_end_matches(|c: char| c.is_ascii_digit()))).count()
}

/// Long runs of consonants, letters and digits in turns, hexadecimal, many digits.
pub(super) fn is_random(label: &str) -> bool {
    split(label).any(|word| {
        if word.len() < 6 || word.starts_with("xn") {
            return false;
        }
        let (mut run, mut longest, mut turns, mut digits, mut last) = (0, 0, 0, 0, None);
        for byte in word.bytes() {
            run = if byte.is_ascii_alphabetic() && !b"aeiouy".contains(&byte) { run + 1 } else { 0 };
            longest = longest.max(run);
            digits += usize::from(byte.is_ascii_digit());
            turns += usize::from(last.is_some_and(|last: bool| last != byte.is_ascii_digit()));
            last = Some(byte.is_ascii_digit());
        }
        longest >= 5 || turns >= 3 && word.len() >= 7 || digits >= 5 && digits < word.len()
    })
}

/// Short names that nobody says aloud: no vowel in four letters or more, or letters and digits mixed.
pub(super) fn is_unspoken(label: &str) -> bool {
    let letters = label.bytes().filter(u8::is_ascii_alphabetic).count();
    let vowels = label.bytes().filter(|b| b"aeiouy".contains(b)).count();
    let mixed = label.bytes().zip(label.bytes().skip(1)).filter(|(a, b)| a.is_ascii_digit() != b.is_ascii_digit()).count() >= 2;
    let mut run = 0;
    let consonants = label.bytes().any(|b| {
        run = if b.is_ascii_alphabetic() && !b"aeiouy".contains(&b) { run + 1 } else { 0 };
        run >= 4
    });
    letters >= 4 && (vowels * 6 < letters || consonants) || mixed && label.len() >= 4
}
