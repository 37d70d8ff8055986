//! How mail programs begin replies, quotations and signatures, in the words of `assets/rules/mail_programs.json`.

use super::rule_files::ProgramsFile;
use regex::{Regex, escape};

/// The words of mail programs, ready for use.
pub(super) struct Programs {
    /// The beginning of the subject of a reply or a forward.
    pub reply: Regex,
    /// The beginning of a quotation.
    pub quote: Regex,
    /// The beginning of a signature.
    pub signature: Regex,
}

impl Programs {
    pub fn new(file: &ProgramsFile) -> Result<Self, regex::Error> {
        let any = |words: &[String]| {
            let words: Vec<String> = words.iter().map(|word| escape(word)).collect();
            format!("(?:{})", words.join("|"))
        };
        let reply = format!(r"(?i)^\s*{}(?:\[\d+\])?\s*[:：]", any(&file.replies));
        let quote = format!(
            concat!(
                r"(?im)^[ \t]*(?:",
                // a ruled line
                r"-{{2,}}[ \t]*{original}[^\n]*|_{{10,}}[ \t]*$|-{{20,}}[ \t]*$",
                // marked lines
                r"|>[^\n]*|\|[^\n]*{wrote}[^\n]*",
                // "On Monday Ann wrote:", maybe on two lines
                r"|{openers}\b[^\n]{{0,160}}(?:\n[^\n]{{0,160}})?(?:{wrote}|{wrote_who}[^\n]{{0,80}})[ \t\u{{A0}}]?:?[ \t]*$",
                // "Ann <ann@example.com> wrote"
                r"|[^\n<]{{0,80}}<[^\n>@]{{1,80}}@[^\n>]{{1,80}}>[ \t]*{after_address}[^\n]{{0,60}}$",
                // a time, an address and a colon, in whatever language, maybe on two lines
                r"|[^\n]{{0,80}}\d[:.]\d\d[^\n]{{0,60}}\n?[^\n]{{0,80}}[<(][^\s<>()@]{{1,80}}@[^\s<>()]{{1,80}}[>)][^\n<>]{{0,60}}[:：][ \t\u{{200E}}\u{{200F}}\u{{202A}}-\u{{202E}}]*$",
                r"|[^\n<(]{{0,80}}[<(][^\s<>()@]{{1,80}}@[^\s<>()]{{1,80}}[>)][^\n<>]{{0,60}}\d[:.]\d\d[^\n<>]{{0,60}}[:：][ \t\u{{200E}}\u{{200F}}\u{{202A}}-\u{{202E}}]*$",
                // "2027-01-04 10:00 Ann:"
                r"|(?:20\d\d年|\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}})[^\n]{{0,100}}{after_date}[ \t]*$",
                // a header, shortened
                r"|\*{{0,2}}{from}\*{{0,2}}[ \t]?[:：][^\n]*\n(?:[^\n]*\n){{0,2}}?[ \t]*\*{{0,2}}{fields}\*{{0,2}}[ \t]?[:：]",
                r")"
            ),
            original = any(&file.original_message),
            wrote = any(&file.wrote),
            wrote_who = any(&file.wrote_who),
            openers = any(&file.openers),
            after_address = any(&file.after_address),
            after_date = any(&file.after_date),
            from = any(&file.from),
            fields = any(&file.fields),
        );
        let signature = format!(
            r"(?im)^[ \t]*(?:-- ?$|{}\b[^\n]{{0,60}}$|{}[^\n]{{0,60}}$)",
            any(&file.sent_with),
            any(&file.sent_with_unspaced),
        );
        Ok(Self {
            reply: Regex::new(&reply)?,
            quote: Regex::new(&quote)?,
            signature: Regex::new(&signature)?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::super::rules::Rules;
    use super::super::text::own;

    #[test]
    fn what_programs_quote_and_sign_with_is_not_what_a_person_wrote() {
        let programs = &Rules::embedded().programs;
        for quoted in [
            "On Mon, 4 Jan 2027 at 09:00, Shop <news@shop.example> wrote:\n> Hello",
            "Am 04.01.2027 um 09:00 schrieb Shop:\n> Hallo",
            "Le lun. 4 janv. 2027 à 09:00, Shop\n<news@shop.example> a écrit :\n> Bonjour",
            "-----Original Message-----\nFrom: Shop\nHello",
            "Von: Shop <news@shop.example>\nGesendet: Montag, 4. Januar 2027 09:00\nAn: Ann\n\nHallo",
            "2027年1月4日(月) 9:00 Shop <news@shop.example>:\n> こんにちは",
            "Ar 4 Ion 2027 am 09:00, ysgrifennodd Shop\n<news@shop.example>:\nHelo",
            "Oddi wrth: Shop <news@shop.example>\nAnfonwyd: 4 Ionawr 2027 09:00\nI: Ann\nPwnc: Helo\n\nHelo",
            "Sent from my iPhone\n\n> Hello",
            "Von meinem Telefon gesendet",
        ] {
            assert_eq!(
                own(&format!("I like it.\n\n{quoted}"), programs, false),
                "I like it.",
                "{quoted}"
            );
        }
        assert!(programs.reply.is_match("AW: Angebot") && programs.reply.is_match(" Re[2]: x"));
        assert!(
            !programs.reply.is_match("AW (autumn and winter) is here")
                && !programs.reply.is_match("Reply: x")
        );
    }
}
