//! What people and machines write, sentence by sentence, in mail made up for it.

use super::{line, notice};
use carillon_adapters::mailbox::notice::{AutoReply, Kind};

const TOKEN: &str = "00112233445566778899aabbccddeeff";

/// A reply of a person, above the quotation of a mail of ours with its footer.
pub fn reply(text: &str) -> String {
    format!(
        "From: Ann <ann@dest.example>\nTo: news@shop.example\nSubject: Re: New chairs\n\
         In-Reply-To: <{TOKEN}@shop.example>\nContent-Type: text/plain; charset=utf-8\n\n{text}\n\n\
         On Mon, 4 Jan 2027 at 09:00, Shop <news@shop.example> wrote:\n> New chairs\n> \n\
         > You get this mail because you asked for it. Unsubscribe: https://r.shop.example/u/{TOKEN}\n"
    )
}

fn automatic(sent: &str, subject: &str, text: &str) -> Kind {
    notice(format!(
        "From: ann@dest.example\nTo: news@shop.example\nSubject: {subject}\nAuto-Submitted: auto-replied\n\
         Date: {sent}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    ))
    .kind
}

#[test]
fn who_wants_no_more_mail_is_heard_in_any_language_polite_or_not() {
    let missed: Vec<&str> = [
        "Unsubscribe!",
        "Hello, I have moved house and have no use for these. Please take me off your list. All the best, Ann",
        "Would you kindly remove my address from your mailing list?",
        "I don't want any more of your emails, this is the fourth time I ask.",
        "If you don't take me off your list I will go to a lawyer.",
        "Leave me alone with your newsletters!!",
        "Bitte melden Sie mich vom Newsletter ab.",
        "Ich möchte Ihren Newsletter nicht mehr bekommen.",
        "Merci de bien vouloir me désinscrire.",
        "Ne m'envoyez plus rien, je ne veux plus recevoir vos publicités.",
        "Quiero darme de baja de su boletín, gracias.",
        "Per favore cancellatemi dalla vostra lista.",
        "Graag mijn adres van de mailinglijst verwijderen.",
        "Quero cancelar minha inscrição, por favor.",
        "Proszę usunąć mnie z listy mailingowej.",
        "Jag vill inte ha fler mejl från er.",
        "Jeg vil gerne afmelde mig nyhedsbrevet.",
        "Haluan pois postituslistalta, poistakaa osoitteeni.",
        "Odhlaste mě prosím z odběru.",
        "Lütfen aboneliğimi iptal edin.",
        "Пожалуйста, удалите меня из рассылки.",
        "Прошу відписати мене від розсилки.",
        "メールの配信を停止してください。",
        "请帮我退订，谢谢。",
        "수신거부 해주세요.",
        "من فضلك ألغوا اشتراكي",
        "תסירו אותי מרשימת התפוצה בבקשה",
    ]
    .into_iter()
    .filter(|text| !matches!(notice(reply(text)).kind, Kind::Unsubscribe { .. }))
    .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn who_cancels_asks_denies_or_speaks_of_somebody_else_is_left_for_a_person_to_read() {
    let taken: Vec<&str> = [
        "Please cancel my order and remove the second chair from the invoice.",
        "How do I unsubscribe from the printed catalogue?",
        "Please do not remove me from the list, I only changed my telephone.",
        "My husband would like to be removed from your list, I would not.",
        "If the chairs are not here by Friday I will unsubscribe.",
        "I don't get your emails any more, please check.",
        "Did you take me off your list?",
        "What a fine unsubscribe page you have. Who made it?",
        "The bus stop is right before the shop, so we will stop by on Monday.",
        "They would not stop emailing us, so we left them. We like you better.",
        "Ich habe Ihren Newsletter seit Juni nicht mehr bekommen, bitte prüfen.",
        "Wie melde ich mich vom Kochkurs wieder ab?",
        "Bitte melden Sie mich zum Seminar an.",
        "Je n'arrive pas à ouvrir le lien de désinscription de mon mari.",
        "Quiero cancelar mi pedido, por favor.",
        "No me llegan sus correos desde mayo.",
        "Vorrei disdire la prenotazione, cancellatemi dal corso di sabato.",
        "Ik krijg geen mails meer van jullie, klopt dat?",
        "Chcę zwrócić krzesło, proszę o usunięcie pozycji z faktury.",
        "Jag får inga mejl längre, kan ni lägga till mig igen?",
        "Отпишитесь, когда получите оплату.",
        "Не присылайте курьера до обеда.",
        "Відпишіть мені, будь ласка, коли лампа буде.",
        "領収書は不要です。",
        "我想取消订单。",
        "주문을 취소해 주세요.",
        "OK",
    ]
    .into_iter()
    .filter(|text| line(&notice(reply(text))) != "reply")
    .collect();
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn a_footer_of_ours_is_no_wish_however_a_program_quotes_it() {
    let footer = "You get this mail because you asked for it. Unsubscribe me from this list";
    let quotations = [
        format!(r#"<blockquote type="cite"><p>{footer}</p></blockquote>"#),
        format!(r#"<div class="gmail_quote"><p>{footer}</p></div>"#),
        format!(r#"<div id="divRplyFwdMsg"></div><p>{footer}</p>"#),
        format!(r#"<div name="quote" style="margin:10px"><p>{footer}</p></div>"#),
    ];
    for quoted in quotations {
        let raw = format!(
            "From: Ann <ann@dest.example>\nTo: news@shop.example\nSubject: Re: New chairs\n\
             In-Reply-To: <{TOKEN}@shop.example>\nContent-Type: text/html; charset=utf-8\n\n<p>Lovely.</p>{quoted}\n"
        );
        let found = notice(&raw);
        assert_eq!(
            (line(&found).as_str(), found.text.as_str()),
            ("reply", "Lovely."),
            "{quoted}"
        );
    }
    let below = notice(format!(
        "From: Ann <ann@dest.example>\nTo: news@shop.example\nSubject: Re: New chairs\n\
         Content-Type: text/html; charset=utf-8\n\n<blockquote>{footer}</blockquote><p>Two, please.</p>\n"
    ));
    assert_eq!(below.text, "Two, please.");
    let welsh = notice(format!(
        "From: Ann <ann@dest.example>\nTo: news@shop.example\nSubject: Re: New chairs\n\
         Content-Type: text/plain; charset=utf-8\n\nDiolch.\n\nOddi wrth: Shop <news@shop.example>\n\
         Anfonwyd: 4 Ionawr 2027\nAt: Ann\n\n{footer}\n"
    ));
    assert_eq!((line(&welsh).as_str(), welsh.text.as_str()), ("reply", "Diolch."));
}

#[test]
fn the_day_of_return_is_found_in_the_ways_people_write_it() {
    let cases = [
        ("I am away until the end of January.", Some("2027-01-31")),
        ("Maternity leave, back in May 2027.", Some("2027-05-01")),
        ("Ich bin ab KW 4 wieder im Büro.", Some("2027-01-25")),
        ("Out of office January 6-15.", Some("2027-01-15")),
        ("أنا في إجازة حتى ١٥ يناير ٢٠٢٧", Some("2027-01-15")),
        ("אני בחופשה עד 15 בינואר", Some("2027-01-15")),
        ("Tôi nghỉ phép đến ngày 15 tháng 1.", Some("2027-01-15")),
        (
            "I am out of the office. For emergencies, 24/7, ring 01.12.27.33.44.",
            None,
        ),
        ("Ich bin im Urlaub. Die Zentrale ist ab 8.10 Uhr besetzt.", None),
        ("Out of office. Please contact April until I return.", None),
        ("I am on leave since 2 December.", None),
    ];
    for (text, wanted) in cases {
        let Kind::AutoReply(AutoReply::OutOfOffice { returns_on, .. }) =
            automatic("Mon, 4 Jan 2027 10:00:00 +0000", "Automatic reply", text)
        else {
            panic!("not away: {text}");
        };
        assert_eq!(returns_on.map(|day| day.to_string()).as_deref(), wanted, "{text}");
    }
}

#[test]
fn a_day_in_our_own_subject_or_in_a_ticket_is_no_return() {
    let sent = "Mon, 4 Jan 2027 10:00:00 +0000";
    let ours = automatic(
        sent,
        "Automatic reply: Sale until 15 January",
        "I am out of the office this week.",
    );
    let theirs = automatic(sent, "Out of office until 15 January", "I am out of the office.");
    let ticket = automatic(sent, "Re: New chairs", "Ticket 12 was opened on 4 January 2027.");
    let day = |kind: &Kind| match kind {
        Kind::AutoReply(AutoReply::OutOfOffice { returns_on, .. }) => returns_on.map(|day| day.to_string()),
        other => Some(format!("{other:?}")),
    };
    assert_eq!(day(&ours), None);
    assert_eq!(day(&theirs).as_deref(), Some("2027-01-15"));
    assert_eq!(ticket, Kind::AutoReply(AutoReply::Other));
}

/// A notice of a mail system that names nobody in its text, with one more part.
fn notice_with(text: &str, part: &str) -> String {
    format!(
        "From: MAILER-DAEMON@dest.example\nTo: news@shop.example\nSubject: Undeliverable\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n{text}\n\n--b\n{part}\n--b--\n"
    )
}

const RETURNED: &str = "From: Shop <news@shop.example>\nTo: ann@dest.example\nSubject: New chairs\n\
    Date: Mon, 4 Jan 2027 09:00:00 +0000\nMessage-ID:\n <chairs.7@shop.example>\n";

#[test]
fn the_returned_message_is_found_in_whatever_part_and_form_it_comes() {
    let mut printable = String::new();
    for line in RETURNED.lines() {
        let encoded: Vec<String> = line.bytes().map(|byte| format!("={byte:02X}")).collect();
        printable.push_str(
            &encoded
                .chunks(20)
                .map(<[String]>::concat)
                .collect::<Vec<_>>()
                .join("=\n"),
        );
        printable.push('\n');
    }
    let parts = [
        format!("Content-Type: message/rfc822\n\n{RETURNED}\nHello\n"),
        format!("Content-Type: message/global\n\n{RETURNED}\nHello\n"),
        format!("Content-Type: message/global-headers\n\n{RETURNED}\n"),
        format!("Content-Type: text/rfc822-headers\n\n{RETURNED}\n"),
        format!(
            "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: quoted-printable\n\n{printable}\n"
        ),
        format!(
            "Content-Type: text/plain; charset=utf-8\n\n----- Message d'origine -----\n{RETURNED}\nHello\n"
        ),
    ];
    for part in parts {
        let found = notice(notice_with(
            "Your message could not be delivered: no such user.",
            &part,
        ));
        assert_eq!(line(&found), "bounce hard ann@dest.example", "{part}");
        assert_eq!(found.references, ["chairs.7@shop.example"], "{part}");
    }
}

#[test]
fn an_identifier_of_our_form_is_found_whatever_it_is_called_there() {
    let part = format!("Content-Type: text/html\n\n<p>Identificador: {TOKEN}@shop.example</p>\n");
    let found = notice(notice_with("<ann@dest.example>: no such user", &part));
    assert_eq!(found.references, [format!("{TOKEN}@shop.example")]);
}

#[test]
fn words_of_a_notice_right_before_the_returned_header_are_its_own() {
    let found = notice(format!(
        "From: MAILER-DAEMON@dest.example\nTo: news@shop.example\nSubject: Undeliverable\n\n\
         Rejected: ann@dest.example\nReason: no such user\n{RETURNED}\nHello\n"
    ));
    assert_eq!(line(&found), "bounce hard ann@dest.example");
}

#[test]
fn mail_built_to_be_slow_is_read_all_the_same() {
    let head = "From: Ann <ann@dest.example>\nTo: news@shop.example\nSubject: Re: x\nMIME-Version: 1.0\n";
    let plain = |text: String| format!("{head}Content-Type: text/plain; charset=utf-8\n\n{text}");
    let html = |text: String| format!("{head}Content-Type: text/html\n\n{text}");
    let hostile = [
        plain("unsubscribe please ".repeat(60_000)),
        plain("please remove me from my order list, ".repeat(30_000)),
        plain("a: b@c.example 2027\n".repeat(50_000)),
        plain("10:00 <a@b.example>: ".repeat(50_000)),
        plain("9:00 ".repeat(200_000)),
        plain("?".repeat(900_000)),
        plain("until 1. until 2. until ".repeat(40_000)),
        html("<blockquote>".repeat(80_000)),
        html("</blockquote>".repeat(80_000)),
        html("<div class=".repeat(80_000)),
        format!(
            "{head}Content-Type: multipart/mixed; boundary=b\n\n{}",
            "--b\nContent-Type: message/global-headers\n\nTo: a@b.example\n".repeat(10_000)
        ),
        format!(
            "{head}Content-Type: multipart/mixed; boundary=b\n\n{}",
            "--b\n\nx\n".repeat(10_000)
        ),
    ];
    for raw in hostile {
        assert!(super::bounded(&notice(&raw)), "{}", &raw[100..200]);
    }
}
