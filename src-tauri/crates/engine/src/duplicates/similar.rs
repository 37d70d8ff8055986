//! How alike two short texts are, in bytes: one byte a character, as [`super::records`] keeps them.

use std::sync::LazyLock;

/// Longest text that is compared; the rest of a longer one is not looked at. One bit a character.
pub const LONGEST: usize = 64;

/// Which characters a text has, one bit each; different characters may share a bit.
fn mask(text: &[u8]) -> u64 {
    text.iter().fold(0, |mask, byte| mask | 1 << (byte % 64))
}

/// Jaro-Winkler similarity from which two texts are similar.
pub const SIMILAR: f32 = 0.83;

/// Characters an outline has room for.
const HEAD: usize = 15;

/// What tells of most pairs of texts, without their characters, that they are not similar. Of a short one it is all there
/// is to know.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Outline {
    mask: u64,
    /// The first characters, 0 where there are fewer.
    head: [u8; HEAD],
    length: u8,
}

impl Outline {
    /// Of a text of at most [`LONGEST`] characters.
    pub fn of(text: &[u8]) -> Outline {
        let mut head = [0; HEAD];
        head.iter_mut().zip(text).for_each(|(place, byte)| *place = *byte);
        Outline {
            mask: mask(text),
            head,
            length: text.len().min(LONGEST) as u8,
        }
    }

    /// Characters of the text.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.length)
    }

    /// The text, where there is room for it.
    #[inline]
    pub fn text(&self) -> Option<&[u8]> {
        self.head.get(..self.len())
    }

    /// Whether two texts may be [`SIMILAR`]: as many characters as they can have in common would be enough.
    #[inline]
    pub fn may_be_similar(&self, other: &Outline) -> bool {
        let in_common =
            |a: &Outline, b: &Outline| a.length.saturating_sub((a.mask & !b.mask).count_ones() as u8);
        let first = |of: &Outline| u32::from_le_bytes([of.head[0], of.head[1], of.head[2], of.head[3]]);
        let same = (first(self) ^ first(other)).trailing_zeros() as usize / 8;
        let same = same.min(self.len()).min(other.len());
        let needed = NEEDED[self.len()][other.len()][same];
        in_common(self, other).min(in_common(other, self)) >= needed
    }

    /// Whether [`one_slip`] may make one text out of the other: it adds a character and takes one away, at most.
    #[inline]
    pub fn may_be_one_slip(&self, other: &Outline) -> bool {
        self.length.abs_diff(other.length) <= 1
            && (self.mask & !other.mask).count_ones() <= 1
            && (other.mask & !self.mask).count_ones() <= 1
    }
}

/// Matching characters from which texts of two lengths can be similar, by how many of their first four are the same.
static NEEDED: LazyLock<Vec<[[u8; 5]; LONGEST + 1]>> = LazyLock::new(|| {
    let needed = |a: usize, b: usize, same: usize| {
        let enough = (1..=a.min(b)).find(|m| boosted(*m, *m, (a, b), same) >= SIMILAR);
        enough.map_or(u8::MAX, |m| m as u8)
    };
    (0..=LONGEST)
        .map(|a| std::array::from_fn(|b| std::array::from_fn(|same| needed(a, b, same))))
        .collect()
});

/// The Jaro-Winkler similarity of two texts that are [`SIMILAR`].
pub fn if_similar(a: &[u8], b: &[u8]) -> Option<f32> {
    let (a, b) = (&a[..a.len().min(LONGEST)], &b[..b.len().min(LONGEST)]);
    let needed = usize::from(NEEDED[a.len()][b.len()][same_first(a, b)]);
    jaro_winkler(a, b, a.len().checked_sub(needed)?).filter(|s| *s >= SIMILAR)
}

/// How many of the first four characters are the same.
fn same_first(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count()
}

/// Jaro's similarity with Winkler's bonus of 0.1 for each of up to four first characters above 0.7 (Winkler
/// 1990), 0 to 1, of two texts of at most [`LONGEST`] characters. `None` if more than `most` characters of the first match
/// none of the second.
fn jaro_winkler(a: &[u8], b: &[u8], most: usize) -> Option<f32> {
    if a.is_empty() || b.is_empty() {
        return Some(if a.len() == b.len() { 1.0 } else { 0.0 });
    }
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    // Where each character of the second text stands that is not taken yet, one bit a place.
    let mut places = [0_u64; 256];
    for (j, byte) in b.iter().enumerate() {
        places[usize::from(*byte)] |= 1 << j;
    }
    let (mut taken_a, mut taken_b, mut missing) = (0_u64, 0_u64, 0);
    for (i, byte) in a.iter().enumerate() {
        let places = &mut places[usize::from(*byte)];
        let near = *places & within(i, window);
        let first = near & near.wrapping_neg();
        missing += usize::from(near == 0);
        if missing > most {
            return None;
        }
        taken_a |= u64::from(near != 0) << i;
        taken_b |= first;
        *places ^= first;
    }
    let (mut left, mut right, mut moved) = (taken_a, taken_b, 0);
    while left != 0 {
        moved += usize::from(a[left.trailing_zeros() as usize] != b[right.trailing_zeros() as usize]);
        left &= left - 1;
        right &= right - 1;
    }
    let matches = taken_a.count_ones() as usize;
    let lengths = (a.len(), b.len());
    Some(boosted(matches, matches - moved / 2, lengths, same_first(a, b)))
}

/// The places no more than `window` from `i`, one bit each; the window is less than half of [`LONGEST`].
fn within(i: usize, window: usize) -> u64 {
    let all = (1_u64 << (2 * window + 1)) - 1;
    if i < window {
        all >> (window - i)
    } else {
        all << (i - window)
    }
}

/// The similarity from the characters that match, those of them in order, the lengths, and how many of the first four are
/// the same.
fn boosted(matches: usize, in_order: usize, (a, b): (usize, usize), same: usize) -> f32 {
    if matches == 0 {
        return 0.0;
    }
    let m = matches as f32;
    let jaro = (m / a as f32 + m / b as f32 + in_order as f32 / m) / 3.0;
    if jaro <= 0.7 {
        return jaro;
    }
    jaro + same as f32 * 0.1 * (1.0 - jaro)
}

/// Whether one character written wrong, left out, put in, or exchanged with its neighbour makes one out of the other.
pub fn one_slip(a: &[u8], b: &[u8]) -> bool {
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    match (&a[..a.len() - end], &b[..b.len() - end]) {
        ([], []) | ([_], [] | [_]) | ([], [_]) => true,
        ([w, x], [y, z]) => w == z && x == y,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_slip_is_one_of_four() {
        for (a, b) in [
            ("meier", "meier"),
            ("meier", "meyer"),
            ("meier", "meir"),
            ("meier", "emier"),
        ] {
            assert!(
                one_slip(a.as_bytes(), b.as_bytes()) && one_slip(b.as_bytes(), a.as_bytes()),
                "{a} {b}"
            );
        }
        for (a, b) in [("meier", "mayr"), ("12", "34"), ("abc", "cba"), ("meier", "mei")] {
            assert!(!one_slip(a.as_bytes(), b.as_bytes()), "{a} {b}");
        }
    }

    #[test]
    fn an_outline_rules_out_what_has_too_little_in_common() {
        let rules_out =
            |a: &str, b: &str| !Outline::of(a.as_bytes()).may_be_similar(&Outline::of(b.as_bytes()));
        assert!(rules_out("schneider", "kaya") && rules_out("a", "") && rules_out("anna", "bert"));
        assert!(!rules_out("schneider", "schnieder") && !rules_out("maier", "maierhofer"));
    }

    fn similarity(a: &str, b: &str) -> f32 {
        jaro_winkler(a.as_bytes(), b.as_bytes(), LONGEST).expect("that many may be missing")
    }

    proptest! {
        #[test]
        fn similarity_is_the_librarys(a in "[a-d]{0,12}|[a-p]{30,64}", b in "[a-d]{0,12}|[a-p]{30,64}") {
            // At the threshold of the bonus itself, a rounding decides.
            prop_assume!((strsim::jaro(&a, &b) - 0.7).abs() > 1e-6);
            let wanted = strsim::jaro_winkler(&a, &b) as f32;
            prop_assert!((similarity(&a, &b) - wanted).abs() < 1e-5);
        }

        #[test]
        fn what_an_outline_rules_out_is_not_similar(a in "[a-c]{1,8}|[a-h]{1,18}", b in "[a-c]{1,8}|[a-h]{1,18}") {
            let similar = Some(similarity(&a, &b)).filter(|s| *s >= SIMILAR);
            let (a, b) = (a.as_bytes(), b.as_bytes());
            let [of_a, of_b] = [a, b].map(Outline::of);
            prop_assert!(similar.is_none() || of_a.may_be_similar(&of_b));
            prop_assert_eq!(if_similar(a, b), similar);
            prop_assert_eq!(of_a.text(), (a.len() <= HEAD).then_some(a));
        }

        #[test]
        fn what_an_outline_rules_out_is_no_slip(
            a in "[a-h]{1,18}", other in "[a-z]", at in 0_usize..18, cut in 0_usize..2, put in 0_usize..2,
        ) {
            let mut b = a.clone();
            let at = at.min(a.len());
            b.replace_range(at..(at + cut).min(a.len()), &other[..put]);
            let (a, b) = (a.as_bytes(), b.as_bytes());
            prop_assert!(one_slip(a, b));
            prop_assert!(Outline::of(a).may_be_one_slip(&Outline::of(b)));
        }
    }
}
