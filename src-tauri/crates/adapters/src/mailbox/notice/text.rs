//! Text made comparable, and what a person wrote apart from what they quote.

use super::mime::cut;
use crate::failure::clean;
use regex::Regex;
use std::sync::LazyLock;

/// Text for matching: lower case, no markup of replies, runs of white space one space, plain apostrophes.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        let c = match c {
            '\u{2018}' | '\u{2019}' | '\u{B4}' | '`' | '\u{FF07}' => '\'',
            '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{AB}' | '\u{BB}' => '"',
            '\u{2010}' | '\u{2011}' => '-',
            '\u{FF1A}' => ':',
            '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{202A}'..='\u{202E}' => {
                continue;
            }
            c => c,
        };
        if c.is_whitespace() || c.is_control() {
            gap = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

static CODES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)(?:^|[\s>])[245]\d\d[ -](?:#?[245]\.\d{1,3}\.\d{1,3}[ :;,-]+)?")
        .expect("the pattern is tested")
});

/// [`plain`], without the codes that stand before each line of a long reply and cut its sentences.
pub(super) fn plain_reply(text: &str) -> String {
    plain(&CODES.replace_all(text, " "))
}

/// At most `most` characters.
pub(super) fn bounded(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

/// The beginning of a quotation, in the words of mail programs.
static QUOTE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?im)^[ \t]*(?:",
        r"-{2,}[ \t]*(?:original[ -](?:message|mail|appointment)|ursprüngliche nachricht|original ?nachricht|weitergeleitete nachricht|message (?:d['’]origine|original|transféré)|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|wiadomość oryginalna|исходное сообщение|пересылаемое сообщение|ursprungligt meddelande|oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|původní (?:zpráva|e-mail)|eredeti üzenet|mesaj original|orijinal mesaj|原始邮件|原始郵件|original message|forwarded message|元のメッセージ|원본 메시지)[^\n]*",
        r"|_{10,}[ \t]*$",
        r"|-{20,}[ \t]*$",
        r"|>[^\n]*",
        r"|\|[^\n]*wrote[^\n]*",
        r"|(?:on|le|am|el|il|em|op|den|dne|w dniu|dnia|на|в|a|på)\b[^\n]{0,160}(?:\n[^\n]{0,160})?(?:wrote|writes|a écrit|ecrit|schrieb[^\n]{0,80}|escribió|escribio|ha scritto|escreveu|schreef[^\n]{0,80}|skrev[^\n]{0,80}|napsal(?:\(a\))?|napisał(?:\(a\)|a)?|пишет|написал(?:\(а\)|а)?|írta|a scris|kirjoitti|yazdı)[ \t\u{A0}]?:?[ \t]*$",
        r"|(?:[^\n<]{0,80}<[^\n>@]{1,80}@[^\n>]{1,80}>)[ \t]*(?:wrote|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|napisał(?:\(a\)|a)?|написал|пишет|于|在|於|님이)[^\n]{0,60}$",
        r"|(?:20\d\d年|\d{4}[-/]\d{1,2}[-/]\d{1,2})[^\n]{0,100}(?:写道|寫道|のメッセージ|：|:|作成)[ \t]*$",
        r"|\*{0,2}(?:from|von|de|da|van|od|от|från|fra|lähettäjä|发件人|發件人|寄件者|差出人|보낸 ?사람|kimden|feladó|de la)\*{0,2}[ \t]?[:：][^\n]*\n(?:[^\n]*\n){0,2}?[ \t]*\*{0,2}(?:sent|gesendet|envoyé|enviado|enviado el|inviato|data|verzonden|wysłano|отправлено|дата|skickat|sendt|lähetetty|date|datum|发送时间|日期|送信日時|보낸 ?날짜|tarih|odesláno|elküldve|to|an|à|para|a|aan|do|кому|till|til|收件人|宛先|받는 ?사람|subject|betreff|objet|asunto|oggetto|assunto|onderwerp|temat|тема|ämne|emne|aihe|主题|件名)\*{0,2}[ \t]?[:：]",
        r")"
    ))
    .expect("the pattern is tested")
});

static SIGNATURE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?im)^[ \t]*(?:-- ?$",
        r"|(?:sent|get) (?:from|by|using|with|outlook)\b[^\n]{0,60}$",
        r"|(?:von meinem|gesendet (?:von|mit|aus)|diese nachricht wurde von meinem|envoyé (?:de|depuis|à partir)|enviado (?:desde|do|de|via|a partir)|inviato (?:da|dal)|verstuurd (?:vanaf|met|via)|verzonden (?:vanaf|met)|wysłane z|отправлено (?:с|из)|skickat från|sendt fra|hämta outlook|lähetetty|odesláno z|iphoneから送信|发自我的|從我的|나의 iphone에서|iphone'umdan)\b?[^\n]{0,60}$)"
    ))
    .expect("the pattern is tested")
});

/// What the sender wrote: the text before the first quotation that is not the beginning of all.
pub(super) fn own(body: &str) -> String {
    let body = cut(body, 64 << 10);
    let mut kept = match QUOTE.find(body) {
        Some(hit) if !body[..hit.start()].trim().is_empty() => body[..hit.start()].to_owned(),
        // written below or between what is quoted
        Some(_) => body
            .lines()
            .filter(|line| !line.trim_start().starts_with('>') && !QUOTE.is_match(line))
            .collect::<Vec<_>>()
            .join("\n"),
        None => body.to_owned(),
    };
    if let Some(hit) = SIGNATURE.find(&kept) {
        if !kept[..hit.start()].trim().is_empty() {
            kept.truncate(hit.start());
        } else {
            kept.replace_range(hit.range(), "");
        }
    }
    let lines: Vec<String> = kept.lines().map(clean).collect();
    let mut out = String::new();
    for line in lines {
        if line.is_empty() && (out.is_empty() || out.ends_with("\n\n")) {
            continue;
        }
        out.push_str(&line);
        out.push('\n');
    }
    out.trim_end().to_owned()
}
