//! Filling in the form of a page as a person in a browser does: what is hidden from people stays as it came.

use super::act::{About, Method};
use super::mail::is_hidden;
use super::settings::Language;
use chrono::TimeDelta;
use html5gum::{StartTag, Token, Tokenizer};
use sha2::{Digest, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;

/// How much of a page is read, in bytes.
const LONGEST_PAGE: usize = 1 << 20;
/// How many forms of a page, and fields of a form, are seen.
const MOST: usize = 200;

/// What somebody came to the page for.
#[derive(Clone, Copy)]
pub(super) enum Filling {
    /// Each field gets a value, and the form is sent.
    Everything,
    /// Fields stay as they are; the button with one of these words is pressed, else the first.
    Button(&'static [&'static str]),
    /// As `Button`, and what says *nothing any more* is ticked.
    Leave(&'static [&'static str]),
}

impl Filling {
    fn words(self) -> &'static [&'static str] {
        match self {
            Filling::Everything => &[],
            Filling::Button(words) | Filling::Leave(words) => words,
        }
    }
}

/// Most zero bits of a proof of work that is looked for: about a million hashes.
const MOST_BITS: u32 = 20;

#[derive(Default)]
struct Form {
    action: String,
    post: bool,
    /// What the page's script does before it sends a form: it looks for a number with which the SHA-256 of stamp, colon
    /// and number begins with so many zero bits.
    work: Option<(String, u32)>,
    fields: Vec<Field>,
}

#[derive(Default)]
struct Field {
    name: String,
    kind: String,
    /// As a browser sends it if nobody touches it.
    value: String,
    /// Of a list to choose from: the first that says something.
    choice: String,
    /// Whether a person sees it.
    shown: bool,
    checked: bool,
    /// Of a button: what stands on it.
    words: String,
}

/// A form that was filled in.
pub(super) struct Filled {
    pub method: Method,
    pub url: String,
    pub body: Vec<u8>,
    /// How long a person takes for it.
    pub takes: TimeDelta,
}

/// The form as it is sent, and `None` where the page has no form that posts to its own origin.
pub(super) fn filled(page_url: &str, page: &[u8], filling: Filling, who: &About) -> Option<Filled> {
    let base = Url::parse(page_url).ok()?;
    let page = String::from_utf8_lossy(&page[..page.len().min(LONGEST_PAGE)]);
    let forms = forms(&page);
    let posting = || {
        forms.iter().filter_map(|form| {
            let to = base.join(&form.action).ok()?;
            (form.post && to.origin() == base.origin()).then_some((form, to))
        })
    };
    let wanted = |form: &Form| match filling {
        Filling::Everything => form
            .fields
            .iter()
            .any(|field| field.shown && !is_button(&field.kind)),
        _ => button(form, filling.words(), false).is_some(),
    };
    let (form, to) = posting()
        .find(|(form, _)| wanted(form))
        .or_else(|| posting().next())?;
    let mut body = Serializer::new(String::new());
    let mut radios: Vec<&str> = Vec::new();
    for field in form.fields.iter().filter(|field| !field.name.is_empty()) {
        if is_button(&field.kind) || (field.kind == "radio" && radios.contains(&field.name.as_str())) {
            continue;
        }
        let value = match (filling, &form.work) {
            (_, Some((stamp, bits))) if field.name == "_work" => Some(worked(stamp, *bits)),
            (Filling::Everything, _) if field.shown => answer(field, who),
            (Filling::Leave(_), _) if leaves_everything(field) => Some(field.value.clone()),
            _ => as_it_is(field),
        };
        if let Some(value) = value {
            radios.extend((field.kind == "radio").then_some(field.name.as_str()));
            body.append_pair(&field.name, &value);
        }
    }
    if let Some(button) = button(form, filling.words(), true).filter(|button| !button.name.is_empty()) {
        body.append_pair(&button.name, &button.value);
    }
    let seen = form.fields.iter().filter(|field| field.shown).count() as i64;
    Some(Filled {
        method: Method::Post,
        url: to.into(),
        body: body.finish().into_bytes(),
        takes: TimeDelta::seconds(6 + 4 * seen),
    })
}

/// The number that proves the work, or nothing where too much is asked.
fn worked(stamp: &str, bits: u32) -> String {
    let zeros = |nonce: &u32| {
        let hash = Sha256::digest(format!("{stamp}:{nonce}"));
        let head = hash.first_chunk().map_or(0, |head| u32::from_be_bytes(*head));
        head.leading_zeros() >= bits
    };
    let found = (0..u32::MAX).take_while(|_| bits <= MOST_BITS).find(zeros);
    found.map_or_else(String::new, |nonce| nonce.to_string())
}

fn leaves_everything(field: &Field) -> bool {
    let name = field.name.to_lowercase();
    let says = ["all_off", "unsubscribe_all", "unsubscribe", "opt_out"];
    field.kind == "checkbox" && field.shown && says.contains(&name.as_str())
}

fn is_button(kind: &str) -> bool {
    matches!(kind, "submit" | "button" | "image" | "reset")
}

fn button<'a>(form: &'a Form, words: &[&str], or_first: bool) -> Option<&'a Field> {
    let mut buttons = form
        .fields
        .iter()
        .filter(|field| field.kind == "submit" && field.shown);
    let says = |field: &&Field| {
        let text = format!("{} {} {}", field.words, field.name, field.value).to_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    let found = buttons.clone().find(says);
    found.or_else(|| buttons.next().filter(|_| or_first))
}

fn as_it_is(field: &Field) -> Option<String> {
    let ticked = !matches!(field.kind.as_str(), "checkbox" | "radio") || field.checked;
    ticked.then(|| field.value.clone())
}

/// What a person writes into a field they see.
fn answer(field: &Field, who: &About) -> Option<String> {
    let name = field.name.to_lowercase();
    let called = super::person::name_of(&who.to);
    let (first, last) = called.split_once(' ').unwrap_or((&called, ""));
    Some(match field.kind.as_str() {
        "file" | "password" => return None,
        "select" => field.choice.clone(),
        "checkbox" | "radio" | "hidden" => field.value.clone(),
        "email" => who.to.clone(),
        "number" | "range" => "3".to_owned(),
        "date" => "1990-05-17".to_owned(),
        "tel" => "+442079460123".to_owned(),
        _ if name.contains("mail") => who.to.clone(),
        _ if name.contains("last") || name.contains("surname") || name.contains("nachname") => {
            last.to_owned()
        }
        _ if name.contains("first") || name.contains("vorname") => first.to_owned(),
        _ if name.contains("name") || name.contains("nom") => called.clone(),
        _ => match who.language {
            Language::English => "I would like to hear more",
            Language::German => "Ich würde gern mehr erfahren",
            Language::French => "J’aimerais en savoir plus",
        }
        .to_owned(),
    })
}

fn forms(page: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut inside = false;
    let mut hiding: Option<(Vec<u8>, u32)> = None;
    let mut in_button = false;
    for Ok(token) in Tokenizer::new(page) {
        match token {
            Token::StartTag(tag) => {
                let value = |name: &[u8]| {
                    tag.attributes
                        .get(name)
                        .map(|value| String::from_utf8_lossy(value).into_owned())
                };
                let void = matches!(
                    tag.name.as_slice(),
                    b"input" | b"img" | b"br" | b"hr" | b"meta" | b"link"
                );
                if let Some((name, depth)) = &mut hiding {
                    *depth += u32::from(name.as_slice() == tag.name.as_slice());
                } else if !void && is_out_of_sight(&value) {
                    hiding = Some((tag.name.to_vec(), 1));
                }
                if tag.name.as_slice() == b"form" && forms.len() < MOST {
                    inside = true;
                    forms.push(Form {
                        action: value(b"action").unwrap_or_default(),
                        post: value(b"method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
                        work: value(b"data-stamp")
                            .zip(value(b"data-bits").and_then(|bits| bits.parse().ok())),
                        fields: Vec::new(),
                    });
                } else if let (true, Some(form)) = (inside, forms.last_mut())
                    && form.fields.len() < MOST
                {
                    in_button =
                        tag.name.as_slice() == b"button" || (in_button && tag.name.as_slice() != b"input");
                    field(&tag, hiding.is_some() || is_out_of_sight(&value), form, &value);
                }
            }
            Token::EndTag(tag) => {
                inside &= tag.name.as_slice() != b"form";
                in_button &= tag.name.as_slice() != b"button";
                if let Some((name, depth)) = &mut hiding
                    && name.as_slice() == tag.name.as_slice()
                {
                    *depth -= 1;
                    if *depth == 0 {
                        hiding = None;
                    }
                }
            }
            Token::String(text) if in_button => {
                if let Some(button) = forms.last_mut().and_then(|form| form.fields.last_mut())
                    && button.words.len() < 200
                {
                    button.words.push_str(&String::from_utf8_lossy(&text));
                }
            }
            _ => {}
        }
    }
    forms
}

fn is_out_of_sight(value: &impl Fn(&[u8]) -> Option<String>) -> bool {
    let is = |name: &[u8], wanted: &str| value(name).is_some_and(|value| value.trim() == wanted);
    is_hidden(value) || is(b"aria-hidden", "true") || is(b"tabindex", "-1")
}

fn field(tag: &StartTag<()>, hidden: bool, form: &mut Form, value: &impl Fn(&[u8]) -> Option<String>) {
    let kind = match tag.name.as_slice() {
        b"input" => value(b"type")
            .unwrap_or_else(|| "text".to_owned())
            .to_ascii_lowercase(),
        b"button" => value(b"type")
            .unwrap_or_else(|| "submit".to_owned())
            .to_ascii_lowercase(),
        b"textarea" => "textarea".to_owned(),
        b"select" => "select".to_owned(),
        b"option" => {
            if let Some(select) = form.fields.last_mut().filter(|field| field.kind == "select") {
                let option = value(b"value").unwrap_or_default();
                if value(b"selected").is_some() || !select.checked {
                    select.value.clone_from(&option);
                    // A browser takes the first, unless another is selected.
                    select.checked = true;
                }
                if select.choice.is_empty() {
                    select.choice = option;
                }
            }
            return;
        }
        _ => return,
    };
    let ticks = matches!(kind.as_str(), "checkbox" | "radio");
    form.fields.push(Field {
        name: value(b"name").unwrap_or_default(),
        value: value(b"value").unwrap_or_else(|| if ticks { "on" } else { "" }.to_owned()),
        shown: !hidden && kind != "hidden",
        checked: value(b"checked").is_some(),
        words: String::new(),
        choice: String::new(),
        kind,
    });
}
