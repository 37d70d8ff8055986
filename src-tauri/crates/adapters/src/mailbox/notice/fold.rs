//! Text without what people leave away or add in haste: marks on letters, apostrophes, letters said many times.

/// Marks at which a clause ends, each a word of its own in what [`folded`] gives.
const MARKS: [char; 12] = [',', ';', ':', '(', ')', '、', '，', '،', '；', '：', '–', '—'];

/// Lower-case words without marks on their letters, one space before, between and after them; a comma for each mark
/// that ends a clause. Scripts without spaces stay as they are.
pub(super) fn folded(text: &str) -> String {
    let text = text.to_lowercase().replace("n't", "nt").replace("n’t", "nt");
    let mut out = String::with_capacity(text.len() + 16);
    out.push(' ');
    let mut run = (' ', 0_u32);
    for c in text.chars() {
        run = if c == run.0 { (c, run.1 + 1) } else { (c, 1) };
        if c.is_alphanumeric() {
            // "stooop" is "stop", and "aa" may be a word
            if run.1 >= 3 && c.is_alphabetic() && c < '\u{2E80}' {
                if run.1 == 3 {
                    out.pop();
                }
                continue;
            }
            bare(c, &mut out);
        } else if MARKS.contains(&c) {
            space(&mut out);
            out.push_str(", ");
        } else if is_picture(c) {
            space(&mut out);
            out.push(c);
            out.push(' ');
        } else if !matches!(c, '\u{300}'..='\u{36F}' | '\u{FE0F}' | '\u{200D}' | '\u{AD}') {
            space(&mut out);
        }
    }
    space(&mut out);
    joined(&out)
}

fn space(out: &mut String) {
    if !out.ends_with(' ') {
        out.push(' ');
    }
}

/// Small pictures people answer with.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{1F300}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}')
}

/// Letters written apart, "s t o p", are a word.
fn joined(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let single = |word: &&str| word.len() == 1 && word.starts_with(|c: char| c.is_ascii_alphabetic());
    let mut out = String::from(" ");
    let mut at = 0;
    while at < words.len() {
        let letters = words[at..].iter().take_while(|word| single(word)).count();
        let taken = letters.max(1);
        let together = letters >= 4;
        for word in &words[at..at + taken] {
            out.push_str(word);
            if !together {
                out.push(' ');
            }
        }
        space(&mut out);
        at += taken;
    }
    out
}

/// The letter, or two, without its mark.
fn bare(c: char, out: &mut String) {
    let plain = match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => 'i',
        'ł' | 'ľ' | 'ĺ' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' => 'o',
        'ŕ' | 'ř' => 'r',
        'ś' | 'š' | 'ș' | 'ş' => 's',
        'ť' | 'ț' | 'ţ' => 't',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'ё' => 'е',
        '\u{FF10}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        'ß' => return out.push_str("ss"),
        'æ' => return out.push_str("ae"),
        'œ' => return out.push_str("oe"),
        c => c,
    };
    out.push(plain);
}

/// Whether a word begins like another, one letter missing, added, changed or exchanged with its neighbour. The first
/// letter must be right: people seldom miss that one.
pub(super) fn begins_nearly(word: &[char], stem: &[char]) -> bool {
    if word.first() != stem.first() {
        return false;
    }
    let same = word.iter().zip(stem).take_while(|(a, b)| a == b).count();
    if same == stem.len() {
        return true;
    }
    let (rest, wanted) = (&word[same..], &stem[same..]);
    let starts =
        |rest: &[char], wanted: &[char]| rest.len() >= wanted.len() && rest[..wanted.len()] == *wanted;
    let exchanged = rest.len() > 1
        && wanted.len() > 1
        && rest[0] == wanted[1]
        && rest[1] == wanted[0]
        && starts(&rest[2..], &wanted[2..]);
    let changed = !rest.is_empty() && starts(&rest[1..], &wanted[1..]);
    let added = !rest.is_empty() && starts(&rest[1..], wanted);
    let missing = starts(rest, &wanted[1..]);
    exchanged || changed || added || missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_haste_changes_makes_no_difference() {
        assert_eq!(folded("Désabonnez-moi!"), " desabonnez moi ");
        assert_eq!(folded("Don't, STOOOOP"), " dont , stop ");
        assert_eq!(folded("s t o p it"), " stop it ");
        assert_eq!(folded("Größe 👎"), " grosse 👎 ");
        assert_eq!(folded("ещё ｓｔｏｐ"), " еще stop ");
        assert_eq!(folded("I'm in a queue"), " i m in a queue ");
    }

    #[test]
    fn one_slip_of_the_finger_is_forgiven_and_no_second_one() {
        let near = |word: &str, stem: &str| {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            begins_nearly(&chars(word), &chars(stem))
        };
        for word in [
            "unsubscribe",
            "unsuscribe",
            "unsbuscribe",
            "unssubscribe",
            "unsabscribed",
        ] {
            assert!(near(word, "unsubscrib"), "{word}");
        }
        assert!(!near("unsuscrbe", "unsubscrib") && !near("subscribe", "unsubscrib"));
        assert!(!near("", "unsubscrib") && !near("u", "unsubscrib"));
    }
}
