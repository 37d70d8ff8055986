//! The text of an HTML part, with what is quoted in it marked.

use mail_parser::decoders::html::html_to_text;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Stands alone on a line before what is quoted in HTML.
pub(super) const QUOTED: char = '\u{E000}';
/// Stands alone on a line behind it, where its end is known.
pub(super) const UNQUOTED: char = '\u{E001}';

/// What programs put around what they quote: Gmail, Yahoo, Outlook, GMX and web.de, Proton, Zoho, Thunderbird,
/// Yandex, Zimbra, and by the standard whoever quotes.
static OPENS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?i)<blockquote\b|<(?:div|hr|span|table)\b[^<>]{0,200}?(?:class|id|name|data-marker)\s*=\s*["']?"#,
        r#"[^<>"']{0,60}?(?:gmail_quote|yahoo_quoted|yahooquoted|ydp[a-z0-9]{0,12}yahoo_quoted|divrplyfwdmsg"#,
        r#"|appendonsend|stopspelling|moz-cite-prefix|protonmail_quote|zmail_extra|olk_src_body|quoted-?text"#,
        r#"|__quoted_text__|replyforwardmessage|reply-quote)"#
    ))
    .expect("the pattern is tested")
});
/// GMX and web.de: `<div name="quote">`.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)<div\b[^<>]{0,80}?name\s*=\s*["']quote["']"#).expect("the pattern is tested")
});
static CLOSES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)</blockquote\s*>").expect("the pattern is tested"));

/// Elements that stand on lines of their own, and cells, which stand apart.
static BLOCKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)</?(?:h[1-6]|li|ul|ol|dl|dt|dd|tr|table|pre|center|hr)\b")
        .expect("the pattern is tested")
});
static CELLS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)</t[dh]\s*>").expect("the pattern is tested"));

/// The text a reader sees, [`QUOTED`] before and [`UNQUOTED`] behind what the program marks as a quotation.
pub(super) fn text_of(html: &str) -> String {
    let before = format!("<br>{QUOTED}<br>$0");
    let html = unmarked(html);
    let marked = OPENS.replace_all(&html, before.as_str());
    let marked = match NAMED.is_match(&marked) {
        true => Cow::Owned(NAMED.replace_all(&marked, before.as_str()).into_owned()),
        false => marked,
    };
    let marked = CLOSES.replace_all(&marked, format!("$0<br>{UNQUOTED}<br>").as_str());
    let apart = BLOCKS.replace_all(&marked, "<br>$0");
    html_to_text(&CELLS.replace_all(&apart, "&#32;$0"))
}

/// The text without the marks.
pub(super) fn unmarked(text: &str) -> String {
    text.replace(is_mark, "")
}

/// Whether a letter is one of the marks. They are of the private use area: text that brings them along loses them.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, QUOTED | UNQUOTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_quote_in_html_is_marked_and_blocks_stand_apart() {
        for quoted in [
            r#"<blockquote type="cite">old</blockquote>"#,
            r#"<div class="gmail_quote gmail_quote_container">old</div>"#,
            r#"<div dir="ltr" id="divRplyFwdMsg">old</div>"#,
            r#"<div style="x" name="quote">old</div>"#,
        ] {
            let text = text_of(&format!("<p>new</p>{quoted}"));
            let (new, old) = text.split_once(QUOTED).unwrap_or_default();
            assert!(new.contains("new") && old.contains("old"), "{text:?}");
        }
        let table = text_of("<h2>Not sent</h2><table><tr><td>a@b.example</td><td>unknown</td></tr></table>");
        assert!(table.contains("\na@b.example unknown"), "{table:?}");
        assert!(!text_of(r#"<div class="quoted">new</div><p class="q">more</p>"#).contains(QUOTED));
    }
}
