//! Filling in the form of a page as a person in a browser does: what is hidden from people stays as it came.

use super::act::{About, Method};
use super::mail::is_hidden;
use super::settings::Language;
use html5gum::{StartTag, Token, Tokenizer};
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
}

#[derive(Default)]
struct Form {
    action: String,
    post: bool,
    fields: Vec<Field>,
}

#[derive(Default)]
struct Field {
    name: String,
    kind: String,
    value: String,
    /// Whether a person sees it.
    shown: bool,
    checked: bool,
    /// Of a button: what stands on it.
    words: String,
}

/// The request that sends the form, and `None` where the page has no form that posts to its own origin.
pub(super) fn filled(
    page_url: &str,
    page: &[u8],
    filling: Filling,
    who: &About,
) -> Option<(Method, String, Vec<u8>)> {
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
        Filling::Button(words) => button(form, words, false).is_some(),
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
        let value = match filling {
            Filling::Everything if field.shown => answer(field, who),
            _ => as_it_is(field),
        };
        if let Some(value) = value {
            radios.extend((field.kind == "radio").then_some(field.name.as_str()));
            body.append_pair(&field.name, &value);
        }
    }
    let words = match filling {
        Filling::Everything => &[],
        Filling::Button(words) => words,
    };
    if let Some(button) = button(form, words, true).filter(|button| !button.name.is_empty()) {
        body.append_pair(&button.name, &button.value);
    }
    Some((Method::Post, to.into(), body.finish().into_bytes()))
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
        "checkbox" | "radio" | "select" | "hidden" => field.value.clone(),
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
            // The first option that says something, unless another is chosen already.
            let chosen = value(b"value").filter(|value| !value.is_empty());
            if let (Some(select), Some(chosen)) = (form.fields.last_mut(), chosen)
                && select.kind == "select"
                && (select.value.is_empty() || value(b"selected").is_some())
            {
                select.value = chosen;
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
        kind,
    });
}
