//! A newsletter as the studio sends it: both unsubscribe headers, text and HTML, tracked links, a pixel.

use carillon_model::Moment;

/// The mail `number` to somebody. `bytes` of HTML are added as filling.
pub fn newsletter(to: &str, number: u32, at: Moment, bytes: usize) -> Vec<u8> {
    let token = format!("{number:04}{}", to.replace(['@', '.', '-'], "x"));
    let link = |n: u32| format!("http://127.0.0.1:8025/c/{token}/{n}");
    let products: String = (1..=5)
        .map(|n| {
            format!(
                "<td style=\"font-size:0px\"><a href=\"{}\">Roast no. {n}</a></td>\r\n",
                link(n)
            )
        })
        .collect();
    let filling =
        "<p style=\"margin:0;padding:12px 24px\">A line about coffee and how it is roasted.</p>\r\n"
            .repeat(bytes / 88);
    let html = format!(
        "<html><head><title>News</title><style>p {{ color: #333 }}</style></head><body>\r\n\
         <div style=\"display: none\"><a href=\"http://127.0.0.1:8025/c/{token}/trap\">nothing</a></div>\r\n\
         <table><tr>{products}</tr></table>\r\n{filling}\
         <p><a href=\"http://127.0.0.1:8025/c/{token}/form\">Take our survey</a></p>\r\n\
         <p>Kiosk Coffee, Berlin. <a href=\"http://127.0.0.1:8025/u/{token}\">Unsubscribe</a>\r\n\
         <a href=\"http://127.0.0.1:8025/p/{token}\">Preferences</a></p>\r\n\
         <img src=\"http://127.0.0.1:8025/o/{token}.gif\" width=\"1\" height=\"1\" alt=\"\"></body></html>\r\n"
    );
    let text = "Fresh this week: three new roasts.\r\nSee you in the shop.\r\n";
    format!(
        "Date: {}\r\nFrom: \"Kiosk Coffee\" <hello@kiosk.example>\r\nTo: {to}\r\n\
         Subject: Fresh this week, no. {number}\r\nMessage-ID: <{token}@kiosk.example>\r\n\
         List-Id: News <news.kiosk.example>\r\n\
         List-Unsubscribe: <http://127.0.0.1:8025/u/{token}>,\r\n <mailto:leave+{token}@kiosk.example?subject=unsubscribe>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n\
         --=_b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{text}\r\n\
         --=_b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n--=_b--\r\n",
        at.to_rfc2822(),
        quoted_printable::encode_to_str(html)
    )
    .into_bytes()
}
