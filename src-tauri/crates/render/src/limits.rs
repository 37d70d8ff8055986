//! The bounds of one render. A template that breaks one gets a plain sentence, never a crash.

/// Bytes of subject, preheader, body and text together.
pub const SOURCE_BYTES: usize = 512 * 1024;
/// Liquid blocks inside one another.
pub const LIQUID_DEPTH: usize = 32;
/// Bytes of one tag or output, between its brackets.
pub const TAG_BYTES: usize = 8 * 1024;
/// Indexes inside one another, as in `a[b[c]]`.
pub const INDEX_DEPTH: usize = 4;
/// Elements of MJML and HTML inside one another. mrml reads and writes them by recursion.
pub const MJML_DEPTH: usize = 64;
/// Elements of MJML and HTML in one body, after Liquid.
pub const MJML_ELEMENTS: usize = 5_000;
/// Images of one body's carousels: mrml writes style rules by their square.
pub const CAROUSEL_IMAGES: usize = 40;
/// Bytes of one attribute of MJML or HTML.
pub const ATTRIBUTE_BYTES: usize = 16 * 1024;
/// Bytes of all attributes in `mj-attributes`, times the elements that may each repeat them.
pub const INHERITED_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of one value.
pub const VALUE_BYTES: usize = 64 * 1024;
/// Items of one list, and passes of one loop.
pub const LIST_ITEMS: usize = 10_000;
/// Bytes of one rendered part.
pub const OUTPUT_BYTES: usize = 2 * 1024 * 1024;
/// Steps of one part: each tag, output, filter, comparison and pass of a loop is one, plus one for each 256
/// bytes it handles.
pub const STEPS: u64 = 200_000;
/// Bytes that all filters, captures and assignments of one part may make together.
pub const MADE_BYTES: u64 = 16 * 1024 * 1024;
/// Names that `assign` and `capture` may set.
pub const NAMES: usize = 1_000;
/// Characters of a rendered subject.
pub const SUBJECT_CHARS: usize = 255;
/// Links of one part that are rewritten or listed; later ones stay as they are.
pub const LINKS: usize = 2_000;
/// Bytes of an address that stands in for a link; a longer one does not, and the link stays as it is.
pub const LINK_BYTES: usize = 2_000;
