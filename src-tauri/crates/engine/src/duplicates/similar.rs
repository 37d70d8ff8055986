//! How alike two short texts are, in bytes: one byte a character, as [`super::records`] keeps them.

/// Longest text that is compared; the rest of a longer one is not looked at. One bit a character.
pub const LONGEST: usize = 64;

/// Which characters a text has, one bit each; different characters may share a bit.
pub fn mask(text: &[u8]) -> u64 {
    text.iter().fold(0, |mask, byte| mask | 1 << (byte % 64))
}

/// The most [`jaro_winkler`] can be, from the characters alone.
fn most(a: &[u8], b: &[u8], only_a: u64, only_b: u64) -> f32 {
    let in_common = |text: &[u8], only: u64| text.len().saturating_sub(only.count_ones() as usize);
    let matches = in_common(a, only_a).min(in_common(b, only_b));
    boosted(matches, matches, a, b)
}

/// Whether the Jaro-Winkler similarity is at least `least`, and if so, what it is. `masks` are those of the texts: most
/// texts differ so much that their characters tell.
pub fn at_least(a: &[u8], b: &[u8], masks: (u64, u64), least: f32) -> Option<f32> {
    if most(a, b, masks.0 & !masks.1, masks.1 & !masks.0) < least {
        return None;
    }
    Some(jaro_winkler(a, b)).filter(|s| *s >= least)
}

/// Jaro's similarity with Winkler's bonus of 0.1 for each of up to four first characters above 0.7 (Winkler
/// 1990), 0 to 1.
pub fn jaro_winkler(a: &[u8], b: &[u8]) -> f32 {
    let (a, b) = (&a[..a.len().min(LONGEST)], &b[..b.len().min(LONGEST)]);
    if a.is_empty() || b.is_empty() {
        return if a.len() == b.len() { 1.0 } else { 0.0 };
    }
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    let (mut taken_a, mut taken_b) = (0_u64, 0_u64);
    for (i, byte) in a.iter().enumerate() {
        let from = i.saturating_sub(window);
        for (j, other) in b.iter().enumerate().take(i + window + 1).skip(from) {
            if byte == other && taken_b & (1 << j) == 0 {
                taken_a |= 1 << i;
                taken_b |= 1 << j;
                break;
            }
        }
    }
    let (mut left, mut right, mut moved) = (taken_a, taken_b, 0);
    while left != 0 {
        moved += usize::from(a[left.trailing_zeros() as usize] != b[right.trailing_zeros() as usize]);
        left &= left - 1;
        right &= right - 1;
    }
    let matches = taken_a.count_ones() as usize;
    boosted(matches, matches - moved / 2, a, b)
}

/// The similarity from the characters that match and those of them in order.
fn boosted(matches: usize, in_order: usize, a: &[u8], b: &[u8]) -> f32 {
    if matches == 0 {
        return 0.0;
    }
    let m = matches as f32;
    let jaro = (m / a.len() as f32 + m / b.len() as f32 + in_order as f32 / m) / 3.0;
    if jaro <= 0.7 {
        return jaro;
    }
    let first = a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count();
    jaro + first as f32 * 0.1 * (1.0 - jaro)
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

    proptest! {
        #[test]
        fn similarity_is_the_librarys(a in "[a-d]{0,12}", b in "[a-d]{0,12}") {
            let wanted = strsim::jaro_winkler(&a, &b) as f32;
            prop_assert!((jaro_winkler(a.as_bytes(), b.as_bytes()) - wanted).abs() < 1e-5);
        }

        #[test]
        fn what_the_characters_rule_out_is_not_similar(a in "[a-h]{1,12}", b in "[a-h]{1,12}", least in 0.5_f32..1.0) {
            let (x, y) = (a.as_bytes(), b.as_bytes());
            let found = at_least(x, y, (mask(x), mask(y)), least);
            prop_assert_eq!(found.is_some(), jaro_winkler(x, y) >= least);
        }
    }
}
