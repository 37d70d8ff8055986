//! How fast templates become mails, on one core.
//!
//! `cargo run --release -p carillon-render --example render_bench -- FOLDER [MESSAGES]` prints one JSON object a line for
//! templates of 1, 10 and 100 sections: milliseconds from the source to the first finished mail, and messages a second,
//! without and with what sending adds (each link led over a counter, the picture and the trap). `checked` says that each
//! mail names its person and that every link was led. Into FOLDER it writes what others need for the same work, `N` being
//! the sections: `N.mjml` (the source), `N.html` and `N.txt` (made from it, with its Liquid still in it), `people.json`, and
//! `N.json` (what the first people get).

use carillon_model::Moment;
use carillon_model::contact::Value;
use carillon_render::links::{self, Link, Marks};
use carillon_render::{Context, Prepared, Rendered, Sender, TemplateParts};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;

const SECTIONS: [usize; 3] = [1, 10, 100];
/// Messages to different people, where nobody says how many.
const MESSAGES: usize = 2_000;
/// Shortest time a rate is measured over.
const LONG_ENOUGH: Duration = Duration::from_secs(1);
/// Compilations whose median counts.
const COMPILED: usize = 51;
/// People whose mails are written down for others to compare.
const COMPARED: usize = 100;
const UNSUBSCRIBE: &str = "https://leave.example.com/u/";
const LEAVE: &str = "{{ unsubscribe_url }}";
const NEWS: &str = "We roast on Tuesdays and send on Wednesdays, so that what you get is two days old. This week there is a \
                    new one from Huila, sweet and round, and the last bags of the one from Yirgacheffe.";

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("FOLDER is missing.")?;
    let messages = args.next().map_or(Ok(MESSAGES), |n| n.parse())?.max(1);
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let people: Vec<Context> = (0..messages).map(person).collect();
    let told: Vec<_> = people.iter().map(as_json).collect();
    std::fs::write(folder.join("people.json"), serde_json::to_vec(&told)?)?;
    for sections in SECTIONS {
        one_size(folder, sections, &people)?;
    }
    Ok(())
}

fn one_size(folder: &Path, sections: usize, people: &[Context]) -> Outcome<()> {
    let body = template(sections);
    let parts = parts(&body);
    let prepared = Prepared::new(&parts)?;
    for_others(folder, sections, &body, &prepared, people)?;
    let print = |name: &str, ours: f64, unit: &str, checked: bool| {
        let bench = format!("render.{name}_{sections}");
        println!(
            "{}",
            json!({ "bench": bench, "ours": ours, "unit": unit, "checked": checked })
        );
    };
    let first = people.first().ok_or("There is nobody.")?;
    let mut times = Vec::with_capacity(COMPILED);
    for _ in 0..COMPILED {
        let started = Instant::now();
        black_box(Prepared::new(black_box(&parts))?.render(first, &sender())?);
        times.push(started.elapsed());
    }
    times.sort();
    let right = of_everybody(people, &prepared)?;
    print("compile", times[COMPILED / 2].as_secs_f64() * 1e3, "ms", right);
    let plain = rate(people, |n, who| {
        black_box(prepared.render(who, &sender()).map_err(|e| (n, e))).is_ok()
    });
    print("messages", plain, "messages/s", right);
    // In the HTML and in the text: the sections' own links, each twice, but not the way to leave.
    let mut all_led = true;
    let tracked = rate(people, |n, who| {
        let led = prepared.render(who, &sender()).map(|mail| tracked(mail, n, who));
        all_led &= led.is_ok_and(|(mail, led)| {
            black_box(mail);
            led == 2 * sections
        });
        all_led
    });
    print("tracked", tracked, "messages/s", right && all_led);
    let mail = prepared.render(first, &sender())?;
    print(
        "bytes",
        (mail.html.len() + mail.text.len()) as f64,
        "bytes",
        right,
    );
    Ok(())
}

/// Messages a second: everybody in turn, again and again until it was long enough; `NaN` where one failed.
fn rate(people: &[Context], mut one: impl FnMut(usize, &Context) -> bool) -> f64 {
    let started = Instant::now();
    for (n, who) in people.iter().cycle().enumerate() {
        if !one(n, who) {
            return f64::NAN;
        }
        let took = started.elapsed();
        if took >= LONG_ENOUGH {
            return (n + 1) as f64 / took.as_secs_f64();
        }
    }
    f64::NAN
}

/// Whether each mail of the first people has what is its own, in both halves, and lacks nothing.
fn of_everybody(people: &[Context], prepared: &Prepared) -> Outcome<bool> {
    let mut right = true;
    for who in people.iter().take(COMPARED) {
        let mail = prepared.render(who, &sender())?;
        let Some(Value::Text(customer)) = who.contact.get("customer") else {
            return Err("Somebody has no number.".into());
        };
        let own = format!("?of={customer}");
        right &= mail.html.contains(&own) && mail.text.contains(&own) && mail.missing.is_empty();
    }
    Ok(right)
}

/// What sending does to a mail: each link is led over an address of its own. With how many were.
fn tracked(mut mail: Rendered, n: usize, who: &Context) -> (Rendered, usize) {
    let mut led = 0;
    let kept = who.unsubscribe_url.as_deref().unwrap_or_default();
    let pixel = format!("https://go.example.com/o/{n:024}");
    let trap = format!("https://go.example.com/t/{n:024}");
    let marks = Marks {
        pixel: Some(&pixel),
        trap: Some(&trap),
    };
    let lead = |link: &Link| {
        led += 1;
        Some(format!(
            "https://go.example.com/c/{n:020}{:04}{:?}",
            link.position, link.part
        ))
    };
    links::led(&mut mail, &[kept], lead, marks);
    (mail, led)
}

/// Writes what a peer needs, and what it is compared with.
fn for_others(
    folder: &Path,
    sections: usize,
    body: &str,
    prepared: &Prepared,
    people: &[Context],
) -> Outcome<()> {
    let put = |ending: &str, text: &str| std::fs::write(folder.join(format!("{sections}.{ending}")), text);
    put("mjml", body)?;
    let first = people.first().ok_or("There is nobody.")?;
    // Without a scheme the way to leave would be no link, and not stand in the text.
    let body = body.replace(LEAVE, UNSUBSCRIBE);
    let as_it_is = Prepared::new(&parts(&format!("{{% raw %}}{body}{{% endraw %}}")))?;
    let made = as_it_is.render(first, &sender())?;
    put("html", &made.html.replace(UNSUBSCRIBE, LEAVE))?;
    put("txt", &made.text.replace(UNSUBSCRIBE, LEAVE))?;
    let mut mails = Vec::new();
    for who in people.iter().take(COMPARED) {
        let mail = prepared.render(who, &sender())?;
        mails.push(json!({ "html": mail.html, "text": mail.text }));
    }
    put("json", &serde_json::to_string(&mails)?)?;
    Ok(())
}

fn parts(body: &str) -> TemplateParts {
    TemplateParts {
        subject: "News of the week".to_owned(),
        body: body.to_owned(),
        ..TemplateParts::default()
    }
}

fn sender() -> Sender {
    Sender {
        organisation: "Hill & Sons".to_owned(),
        postal_address: "1 Example Street, 00000 Exampleville".to_owned(),
        name: "Hill & Sons".to_owned(),
        email: "news@example.com".to_owned(),
    }
}

/// A newsletter with so many sections: headline, words, and a button that leads to the person's own page.
fn template(sections: usize) -> String {
    let mut body = String::new();
    for n in 1..=sections {
        body.push_str(&format!(
            "<mj-section><mj-column><mj-text font-size=\"20px\">News {n} for {{{{ first_name | default: \"you\" }}}}</mj-text>\n\
             <mj-text>{{% if city %}}Now in {{{{ city }}}}.{{% else %}}Now near you.{{% endif %}} {NEWS}</mj-text>\n\
             <mj-button href=\"https://shop.example.com/{n}?of={{{{ customer }}}}\">Look at no. {n}</mj-button>\n\
             </mj-column></mj-section>\n"
        ));
    }
    format!(
        "<mjml><mj-head><mj-preview>New this week</mj-preview></mj-head><mj-body>\n{body}<mj-section><mj-column>\
         <mj-text>{{{{ postal_address }}}} <a href=\"{LEAVE}\">No more of these</a></mj-text>\
         </mj-column></mj-section></mj-body></mjml>\n"
    )
}

/// Somebody; some have no town, some a name that cannot stand in HTML as it is.
fn person(n: usize) -> Context {
    let mut contact = BTreeMap::from([
        ("email".to_owned(), Value::Text(format!("person{n}@example.com"))),
        ("customer".to_owned(), Value::Text(format!("c{n:07}"))),
    ]);
    let name = match n % 10 {
        0 => None,
        1 => Some(format!("Ann \"{n}\" & <Co>")),
        2 => Some(format!("Zoë O'Person {n}")),
        _ => Some(format!("Person {n}")),
    };
    contact.extend(name.map(|name| ("first_name".to_owned(), Value::Text(name))));
    let towns = ["Rome", "São Paulo", "Berlin"];
    let town = towns.get(n % 4).map(|town| (*town).to_owned());
    contact.extend(town.map(|town| ("city".to_owned(), Value::Text(town))));
    Context {
        contact,
        tags: BTreeSet::new(),
        event: None,
        unsubscribe_url: Some(format!("{UNSUBSCRIBE}{n:024}")),
        preferences_url: None,
        confirm_url: None,
        zone: "Europe/Berlin".to_owned(),
        locale: "en".to_owned(),
        now: Moment::UNIX_EPOCH,
    }
}

/// The same person for a program that knows no types.
fn as_json(who: &Context) -> serde_json::Value {
    let fields = who.contact.iter().filter_map(|(key, value)| match value {
        Value::Text(text) => Some((key.clone(), json!(text))),
        _ => None,
    });
    let mut all: serde_json::Map<_, _> = fields.collect();
    all.insert("postal_address".to_owned(), json!(sender().postal_address));
    all.insert("unsubscribe_url".to_owned(), json!(who.unsubscribe_url));
    all.into()
}
