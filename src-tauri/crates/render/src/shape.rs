//! HTML made once for all mails of one shape.
//!
//! Two mails of a template have one shape when Liquid took the same ways through its markup (`liquid::marks`). Such mails
//! differ in the bytes of their values only, so MJML is read and written once with a mark in each value's stead, and a
//! mail is that HTML with the values put in. A value that MJML or a check would look into (a width, a style, a title) is
//! no value here but part of the shape. The law: the bytes are those of the way without shapes, whatever the values; where
//! that is not certain the answer is none, and the mail goes that way.

use crate::html::{self, Piece, Pieces, Reader};
use crate::limits::OUTPUT_BYTES;
use crate::liquid::marks::{Marks, Slot, as_it_is};
use crate::liquid::markup::escape;
use crate::mjml;
use crate::recipe::{Pattern, Recipe, Values, Writer, mark, marks, resembles_mark};
use htmlparser::{ElementEnd, Token, Tokenizer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Shapes of one template that are kept; mails of any other go the long way.
const KEPT: usize = 256;
/// Bytes of them, about.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// Elements of MJML whose text goes into the HTML as it is.
const TEXTS: [&str; 8] = [
    "mj-accordion-text",
    "mj-button",
    "mj-navbar-link",
    "mj-preview",
    "mj-raw",
    "mj-social-element",
    "mj-table",
    "mj-text",
];
/// Attributes of MJML that go into the HTML as they are, by element.
const OF_MJML: [(&str, &[&str]); 2] = [
    ("mj-button", &["href", "name", "rel"]),
    ("mj-image", &["alt", "href", "name", "rel", "src", "title"]),
];
/// Attributes of HTML that no check looks into, but for the addresses among them.
const OF_HTML: [&str; 11] = [
    "alt",
    "aria-label",
    "class",
    "height",
    "href",
    "id",
    "name",
    "rel",
    "src",
    "title",
    "width",
];

/// A mail's HTML, and its text where that was asked for.
pub(crate) struct Made {
    pub(crate) html: String,
    pub(crate) text: Option<String>,
}

/// The shapes of one template.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By the shape that Liquid gave it. None: of no use.
    forms: BTreeMap<Vec<u32>, Option<Arc<Form>>>,
    /// By that and what else belongs to it.
    shapes: BTreeMap<Vec<u32>, Option<Arc<Shape>>>,
    bytes: usize,
}

impl Clone for Shapes {
    /// Without what was kept.
    fn clone(&self) -> Self {
        Shapes::default()
    }
}

/// What MJML makes of the places of the values.
#[derive(Debug, Default)]
struct Form {
    /// Slots that belong to the shape.
    fixed: BTreeSet<usize>,
    /// Texts that hold nothing but values and white space: mrml leaves some of them out.
    bare: Vec<Pattern>,
    /// The slots of each attribute, and its fixed bytes.
    attributes: Vec<(Vec<usize>, usize)>,
}

/// A mail but for its values.
#[derive(Debug)]
struct Shape {
    html: Pattern,
    /// Addresses to be checked for each mail.
    addresses: Vec<Pattern>,
    recipe: Recipe,
}

impl Shapes {
    /// A mail from what Liquid wrote. None: it has to go the long way. `texts` asks for the text.
    pub(crate) fn mail(&self, source: &str, marks: Marks, preheader: &str, texts: bool) -> Option<Made> {
        let Marks { slots, mut shape, .. } = marks;
        // With and without a preview are two shapes.
        shape.push(u32::from(!preheader.is_empty()));
        let form = self.form(&shape, source, &slots)?;
        let preview = escape(preheader);
        let mut values = Values {
            written: slots
                .iter()
                .filter_map(|slot| source.get(slot.place.clone()))
                .collect(),
        };
        if values.written.len() != slots.len() || !form.fits(&values) {
            return None;
        }
        let fixed = form.fixed(&values);
        for slot in &fixed {
            shape.push(*slot as u32);
            as_it_is(&mut shape, values.written.get(*slot)?);
        }
        values.written.push(&preview);
        let shape = self.shape(shape, || {
            let skeleton = skeleton(source, &slots, &fixed)?;
            let preview = match preheader {
                "" => String::new(),
                _ => mark(slots.len())?,
            };
            Shape::new(&skeleton, &preview, &slots)
        })?;
        shape.mail(&values, texts)
    }

    fn form(&self, shape: &[u32], source: &str, slots: &[Slot]) -> Option<Arc<Form>> {
        // Nothing that is kept can be half written: it is put in whole.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(form) = kept.forms.get(shape) {
            return form.clone();
        }
        if kept.is_full() {
            return None;
        }
        let form = Form::new(source, slots).map(Arc::new);
        kept.bytes += size_of_val(shape) + slots.len() * size_of::<Pattern>();
        kept.forms.insert(shape.to_vec(), form.clone());
        form
    }

    fn shape(&self, key: Vec<u32>, make: impl FnOnce() -> Option<Shape>) -> Option<Arc<Shape>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shape) = kept.shapes.get(&key) {
            return shape.clone();
        }
        if kept.is_full() {
            return None;
        }
        let shape = make().map(Arc::new);
        // Its text, and the words of the recipe, which are fewer.
        kept.bytes +=
            key.len() * size_of::<u32>() + shape.as_ref().map_or(0, |shape| shape.html.weight() * 2);
        kept.shapes.insert(key, shape.clone());
        shape
    }
}

impl Kept {
    fn is_full(&self) -> bool {
        self.forms.len().max(self.shapes.len()) >= KEPT || self.bytes >= KEPT_BYTES
    }
}

/// The source with marks for its values, but for the fixed ones; none where it could be taken for one.
fn skeleton(source: &str, slots: &[Slot], fixed: &BTreeSet<usize>) -> Option<String> {
    let mut out = String::with_capacity(source.len());
    let mut from = 0;
    for (at, slot) in slots.iter().enumerate() {
        if fixed.contains(&at) {
            continue;
        }
        let before = source.get(from..slot.place.start)?;
        if resembles_mark(before) {
            return None;
        }
        out.push_str(before);
        out.push_str(&mark(at)?);
        from = slot.place.end;
    }
    let rest = source.get(from..)?;
    out.push_str(rest);
    (!resembles_mark(rest)).then_some(out)
}

impl Form {
    /// Reads where the values stand. None where the long way has something to say.
    fn new(source: &str, slots: &[Slot]) -> Option<Form> {
        let skeleton = skeleton(source, slots, &BTreeSet::new())?;
        let mut form = Form::default();
        let mut open: Vec<&str> = Vec::new();
        let mut current = "";
        let mut seen = 0;
        for token in Tokenizer::from(skeleton.trim()) {
            match token.ok()? {
                Token::ElementStart { prefix, local, .. } => {
                    // With a prefix it is none of MJML, whatever its name is.
                    current = if prefix.is_empty() { local.as_str() } else { "" };
                }
                Token::ElementEnd {
                    end: ElementEnd::Open,
                    ..
                } if !mjml::VOID.contains(&current) => {
                    open.push(current);
                }
                Token::ElementEnd {
                    end: ElementEnd::Close(..),
                    ..
                } => {
                    open.pop()?;
                }
                Token::Attribute {
                    local,
                    value: Some(value),
                    ..
                } => {
                    let value = Pattern::cut(value.as_str(), true);
                    seen += value.holes();
                    form.attribute(value, slots, current, local.as_str(), &open)?;
                }
                Token::Text { text } => {
                    let text = Pattern::cut(text.as_str(), false);
                    seen += text.holes();
                    form.text(text, slots, &open)?;
                }
                _ => {}
            }
        }
        // A mark in a comment or a name is not looked for: then there are fewer than slots.
        (seen == slots.len()).then_some(form)
    }

    fn attribute(
        &mut self,
        value: Pattern,
        slots: &[Slot],
        element: &str,
        name: &str,
        open: &[&str],
    ) -> Option<()> {
        if value.holes() == 0 {
            return Some(());
        }
        if !value.holds(slots) {
            return None;
        }
        let taken = match element.starts_with("mj") {
            true => OF_MJML
                .iter()
                .any(|(of, names)| *of == element && names.contains(&name)),
            false => OF_HTML.contains(&name),
        };
        if taken && open.contains(&"mj-body") {
            self.attributes.push((value.slots(), value.fixed().len()));
        } else {
            self.fixed.extend(value.slots());
        }
        Some(())
    }

    fn text(&mut self, text: Pattern, slots: &[Slot], open: &[&str]) -> Option<()> {
        if text.holes() == 0 {
            return Some(());
        }
        if !text.holds(slots) {
            return None;
        }
        let within = open.iter().rev().find(|name| name.starts_with("mj"));
        let taken = within.is_some_and(|name| TEXTS.contains(name))
            && (open.contains(&"mj-body") || within == Some(&"mj-preview"));
        if !taken {
            self.fixed.extend(text.slots());
        } else if text.fixed().trim().is_empty() {
            self.bare.push(text);
        }
        Some(())
    }

    /// Whether each attribute is as long as it may be.
    fn fits(&self, values: &Values<'_>) -> bool {
        self.attributes
            .iter()
            .all(|(slots, fixed)| values.fit(slots, *fixed))
    }

    /// The slots that belong to the shape of this mail.
    fn fixed(&self, values: &Values<'_>) -> BTreeSet<usize> {
        let mut fixed = self.fixed.clone();
        for text in &self.bare {
            let slots = text.slots();
            if !slots.iter().all(|slot| values.is_blank(*slot)) {
                continue;
            }
            let mut whole = String::new();
            text.fill(values, &mut whole);
            // mrml leaves out a text that begins with a line break and has nothing but white space.
            if whole.is_empty() || whole.starts_with('\n') {
                fixed.extend(slots);
            }
        }
        fixed
    }
}

impl Shape {
    /// Makes the HTML of a source with marks, and finds them again in it.
    fn new(skeleton: &str, preview: &str, slots: &[Slot]) -> Option<Shape> {
        let made = mjml::to_html(skeleton, preview).ok()?;
        let marks = marks(&made);
        let mut seen = 0;
        let mut html = Pattern::default();
        let mut addresses = Vec::new();
        let (mut reader, mut writer) = (Reader::default(), Writer::default());
        let mut pieces = Pieces::new(&made);
        let mut done = 0;
        while let Some(piece) = pieces.next() {
            if let Piece::Tag(tag) = &piece {
                html::check(tag).ok()?;
            }
            let end = made.len() - pieces.rest.len();
            let source = made.get(done..end)?;
            if marks.get(seen).is_some_and(|at| *at < end) {
                seen += holes(&piece, slots, &mut addresses)?;
                html.extend(&Pattern::cut(source, matches!(piece, Piece::Tag(_))));
            } else {
                html.push(source);
            }
            reader.piece(&piece, &mut writer);
            done = end;
        }
        html.push(made.get(done..)?);
        // One in a comment was not seen: nobody knows how far a comment with a value in it goes.
        (seen == marks.len()).then(|| Shape {
            html,
            addresses,
            recipe: writer.finish(),
        })
    }

    fn mail(&self, values: &Values<'_>, texts: bool) -> Option<Made> {
        if self.recipe.solid.iter().any(|slot| values.is_blank(*slot)) {
            return None;
        }
        for address in &self.addresses {
            let mut whole = String::new();
            address.fill(values, &mut whole);
            if !html::is_safe_address(&whole) {
                return None;
            }
        }
        let mut html = String::with_capacity(self.html.fixed().len() + values.bytes() * 2);
        self.html.fill(values, &mut html);
        if html.len() > OUTPUT_BYTES {
            return None;
        }
        Some(Made {
            html,
            text: texts.then(|| self.recipe.text(values)),
        })
    }
}

/// The holes of a piece of HTML. None where a check would look into a value, where a text became an attribute or the other
/// way, or where a value could become an entity by what stands before it. Addresses that are to be checked are added.
fn holes(piece: &Piece<'_>, slots: &[Slot], addresses: &mut Vec<Pattern>) -> Option<usize> {
    let tag = match piece {
        Piece::Text(text) => {
            let pattern = Pattern::cut(text, false);
            return (pattern.holds(slots) && !pattern.leaves_entity_open()).then(|| pattern.holes());
        }
        Piece::Tag(tag) => tag,
    };
    let mut found = 0;
    for (name, value) in &tag.attributes {
        let pattern = Pattern::cut(value, true);
        if pattern.holes() == 0 {
            continue;
        }
        if !OF_HTML.contains(&&**name) || !pattern.holds(slots) || pattern.leaves_entity_open() {
            return None;
        }
        found += pattern.holes();
        if html::is_address(name) && !html::begins_safely(pattern.before()) {
            addresses.push(pattern);
        }
    }
    Some(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::context::{Context, Sender};
    use crate::liquid::{self, Gaps, Scope};
    use carillon_model::Moment;
    use carillon_model::contact::Value;

    fn person(name: &str) -> Context {
        Context {
            contact: BTreeMap::from([("a".to_owned(), Value::Text(name.to_owned()))]),
            tags: BTreeSet::from(["one".to_owned(), name.to_owned()]),
            event: None,
            unsubscribe_url: Some("https://example.com/u?a=1&b=2".to_owned()),
            preferences_url: None,
            confirm_url: None,
            zone: "UTC".to_owned(),
            locale: "en".to_owned(),
            now: Moment::UNIX_EPOCH,
        }
    }

    /// How many of these people's mails were made by a shape, and how many shapes there are.
    fn made<'n>(inner: &str, names: impl IntoIterator<Item = &'n str>) -> (usize, usize) {
        let body = format!(
            "<mjml><mj-body><mj-section><mj-column>{inner}</mj-column></mj-section></mj-body></mjml>"
        );
        let part = liquid::parse(&body).unwrap();
        let (shapes, sender) = (Shapes::default(), Sender::default());
        let made = names.into_iter().filter(|name| {
            let who = person(name);
            let scope = Scope::new(&who, &sender);
            let (source, marks) = liquid::render_marked(&part, &scope, &mut Gaps::default()).unwrap();
            shapes.mail(&source, marks, name, true).is_some()
        });
        let made = made.count();
        let kept = shapes.kept.lock().unwrap();
        (made, kept.shapes.len())
    }

    #[test]
    fn what_templates_mostly_do_gives_one_shape() {
        for inner in [
            "<mj-text>{{ a }}</mj-text>",
            "<mj-text>{% if a == \"Ada\" %}Dear {{ a }}, you{% else %}You{% endif %}</mj-text>",
            "<mj-text>{% for tag in tags %}{{ tag }}, {% endfor %}</mj-text>",
            "<mj-text><a href=\"https://a.test/?of={{ a }}\" title='{{ a }}'>{{ a }}</a></mj-text>",
            "<mj-text><a href=\"{% if a == 'Ada' %}https://a.test{% else %}https://b.test{% endif %}\">x</a></mj-text>",
            "<mj-text>{{ unsubscribe_line }}</mj-text>",
            "<mj-text>{% capture g %}Dear <b>{{ a }}</b>{% endcapture %}{{ g }}</mj-text>",
            "<mj-button href=\"https://a.test/{{ a }}\">{{ a }}</mj-button>",
            "<mj-image src=\"https://a.test/{{ a }}.png\" alt=\"{{ a }}\" />",
        ] {
            assert_eq!(made(inner, ["Ada", "Bo <b>", "Zoë"]), (3, 1), "{inner}");
        }
    }

    #[test]
    fn what_mjml_looks_into_belongs_to_the_shape() {
        for inner in [
            "{% if a == \"Ada\" %}<mj-text>x</mj-text>{% endif %}",
            "<mj-text color=\"{{ a }}\">x</mj-text>",
            "<mj-text><p style=\"color:{{ a }}\">x</p></mj-text>",
            "{% if a == \"Ada\" %}<mj-divider />{% else %}<mj-spacer />{% endif %}",
        ] {
            assert_eq!(made(inner, ["Ada", "Bo", "Ada"]), (3, 2), "{inner}");
        }
    }

    #[test]
    fn no_more_shapes_are_kept_than_there_is_room_for() {
        let names: Vec<String> = (0..KEPT + 50).map(|n| format!("red{n}")).collect();
        let names = || names.iter().map(String::as_str);
        let short = "<mj-text color=\"{{ a }}\">x</mj-text>";
        assert_eq!(made(short, names()), (KEPT, KEPT));
        let long = format!("<mj-text color=\"{{{{ a }}}}\">{}</mj-text>", "x".repeat(200_000));
        let (_, kept) = made(&long, names().take(60));
        assert!((15..30).contains(&kept), "{kept} of 400 kB");
    }
}
