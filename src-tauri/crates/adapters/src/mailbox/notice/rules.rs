//! The dated rules, compiled into one matcher.

pub use super::hits::Hits;
pub(super) use super::rule_files::Sign;

use super::Class;
use super::dates::DateWords;
use super::doubt::Doubts;
use super::hits::{List, Place, Sentences, begins, ends, takes_prefixes};
use super::mime::cut;
use super::programs::Programs;
use super::rule_files::{AutoFile, BounceFile, LeavingFile, ProgramsFile, When, WordsFile};
use super::wish::Wishes;
use crate::glob::matches;
use aho_corasick::AhoCorasick;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What is searched of one text, in bytes.
const MOST_SEARCHED: usize = 64 << 10;

/// Why a set of rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadRules {
    /// The file is not of the form that the embedded ones have.
    #[error("The mail rules cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// The words cannot be compiled.
    #[error("The mail rules have too many words: {0}")]
    Words(#[from] aho_corasick::BuildError),
    /// Words cannot be compiled into a pattern.
    #[error("The mail rules have words that cannot be used: {0}")]
    Patterns(#[from] regex::Error),
    /// A rule names a group of words that is not there.
    #[error("The mail rules name a group of words that is not there: {0}")]
    Group(String),
}

struct ClassRule {
    id: String,
    class: Class,
    when: When,
    whole: bool,
    of_sender: bool,
    bare: bool,
    text: Option<List>,
    together: Vec<Vec<List>>,
    unless: Option<List>,
    not: Option<List>,
    codes: Vec<String>,
    basic: Vec<String>,
}

struct SignRule {
    sign: Sign,
    text: List,
    together: Vec<Vec<List>>,
    not: List,
}

/// Where a rule of this set comes from, for people and for tests.
#[derive(Clone, Debug)]
pub struct Origin {
    pub id: String,
    /// `YYYY-MM-DD`.
    pub since: String,
    pub source: String,
}

/// The rules by which mail is read, ready for use.
pub struct Rules {
    /// The newest date of the files, `YYYY-MM-DD`.
    pub dated: String,
    /// Every rule and list with its date and source.
    pub origins: Vec<Origin>,
    matcher: AhoCorasick,
    /// The lists each word of the matcher is in, and whether it must end where the word ends.
    owners: Vec<(Vec<List>, bool)>,
    lists: usize,
    bare: HashSet<String>,
    classes: Vec<ClassRule>,
    signs: Vec<SignRule>,
    headers: Vec<(String, String)>,
    pub(super) dates: DateWords,
    pub(super) programs: Programs,
    pub(super) before_others: Vec<String>,
    pub(super) before_recipient: Vec<String>,
    system_names: Vec<String>,
    pub(super) away_shape: Vec<String>,
    pub(super) challenge_acts: Vec<String>,
    pub(super) challenge_subject: Vec<String>,
    pub(super) challenge_about: Vec<String>,
    pub(super) wishes: Wishes,
    pub(super) doubts: Doubts,
}

static EMBEDDED: LazyLock<Rules> = LazyLock::new(|| {
    Rules::parse(
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../assets/rules/bounce_rules.json"
        )),
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../assets/rules/auto_reply_rules.json"
        )),
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../assets/rules/unsubscribe_words.json"
        )),
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../assets/rules/leaving_words.json"
        )),
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../assets/rules/mail_programs.json"
        )),
    )
    .expect("the embedded rules are read by a test")
});

/// Collects words and the lists they are in.
#[derive(Default)]
struct Words {
    ids: HashMap<String, usize>,
    texts: Vec<String>,
    owners: Vec<Vec<List>>,
    lists: usize,
}

impl Words {
    fn list(&mut self, words: &[String]) -> List {
        let list = List(self.lists);
        self.lists += 1;
        for word in words {
            let id = *self.ids.entry(word.clone()).or_insert_with(|| {
                self.texts.push(word.clone());
                self.owners.push(Vec::new());
                self.texts.len() - 1
            });
            self.owners[id].push(list);
        }
        list
    }
}

impl Rules {
    /// The rules this build carries.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Rules from the texts of the five files.
    pub fn parse(
        bounces: &str,
        auto_replies: &str,
        unsubscribe: &str,
        leaving: &str,
        programs: &str,
    ) -> Result<Self, BadRules> {
        let bounces: BounceFile = serde_json::from_str(bounces)?;
        let auto: AutoFile = serde_json::from_str(auto_replies)?;
        let unsubscribe: WordsFile = serde_json::from_str(unsubscribe)?;
        let leaving: LeavingFile = serde_json::from_str(leaving)?;
        let programs: ProgramsFile = serde_json::from_str(programs)?;
        let origins = origins(&bounces, &auto, &unsubscribe, &leaving, &programs);
        let mut words = Words::default();
        let some = |list: &Vec<String>, words: &mut Words| (!list.is_empty()).then(|| words.list(list));
        let groups: HashMap<&str, List> = (bounces.groups.iter())
            .chain(&auto.groups)
            .chain(&unsubscribe.groups)
            .map(|group| (group.id.as_str(), words.list(&group.text)))
            .collect();
        let classes = bounces
            .rules
            .into_iter()
            .map(|rule| {
                Ok(ClassRule {
                    text: some(&rule.text, &mut words),
                    together: together(&rule.together, &groups)?,
                    unless: some(&rule.unless, &mut words),
                    not: some(&rule.not, &mut words),
                    id: rule.id,
                    class: rule.class,
                    when: rule.when,
                    whole: rule.whole,
                    of_sender: rule.of_sender,
                    bare: rule.bare,
                    codes: rule.codes,
                    basic: rule.basic,
                })
            })
            .collect::<Result<_, BadRules>>()?;
        let signs = bounces.signs.into_iter().chain(auto.signs);
        let signs = signs
            .map(|rule| {
                Ok(SignRule {
                    sign: rule.sign,
                    text: words.list(&rule.text),
                    together: together(&rule.together, &groups)?,
                    not: words.list(&rule.not),
                })
            })
            .collect::<Result<_, BadRules>>()?;
        let wishes = Wishes::new(
            &unsubscribe,
            |list| words.list(list),
            |names| together(names, &groups),
        )?;
        let mut dates = [
            bounces.dated,
            auto.dated,
            unsubscribe.dated.clone(),
            leaving.dated.clone(),
            programs.dated.clone(),
        ];
        dates.sort();
        let [.., dated] = dates;
        Ok(Self {
            dated,
            origins,
            matcher: AhoCorasick::new(&words.texts)?,
            owners: words
                .owners
                .into_iter()
                .zip(&words.texts)
                .map(|(lists, word)| (lists, word.chars().count() <= 4))
                .collect(),
            lists: words.lists,
            bare: bounces.bare.into_iter().collect(),
            classes,
            signs,
            headers: auto.headers.into_iter().map(|h| (h.header, h.value)).collect(),
            dates: DateWords::new(
                &auto.months,
                &auto.weekdays,
                auto.from,
                auto.back,
                auto.until,
                &auto.end_of,
                &auto.week,
            )?,
            programs: Programs::new(&programs)?,
            before_others: bounces.before_others,
            before_recipient: bounces.before_recipient,
            system_names: bounces.system_names,
            away_shape: auto.away_shape,
            challenge_acts: auto.challenge_acts,
            challenge_subject: auto.challenge_subject,
            challenge_about: auto.challenge_about,
            wishes,
            doubts: Doubts::new(&leaving)?,
        })
    }

    /// Which lists have a word in this text ([`super::text::plain`]), each with the places of the first ones.
    pub fn look(&self, text: &str) -> Hits {
        let mut hits = Hits::none(self.lists);
        let text = cut(text, MOST_SEARCHED);
        let sentences = Sentences::of(text);
        for hit in self.matcher.find_overlapping_iter(text) {
            let (lists, whole) = &self.owners[hit.pattern().as_usize()];
            let attached = hit.end() - hit.start() >= 8 && takes_prefixes(text, hit.start());
            if !(attached || begins(text, hit.start())) || (*whole && !ends(text, hit.end())) {
                continue;
            }
            let place = Place {
                start: hit.start(),
                end: hit.end(),
                sentence: sentences.number(hit.start()),
            };
            for list in lists {
                hits.add(*list, place);
            }
        }
        hits
    }

    /// The place of the first word of this sign, unless a word says it is not.
    pub(super) fn sign(&self, hits: &Hits, sign: Sign) -> Option<(usize, usize)> {
        self.signs
            .iter()
            .filter(|rule| rule.sign == sign && hits.place(rule.not).is_none())
            .filter_map(|rule| {
                let found = rule
                    .together
                    .iter()
                    .filter(|lists| hits.are_together(lists, None));
                let places = found.filter_map(|lists| lists.first()).chain([&rule.text]);
                places.filter_map(|list| hits.place(*list)).min()
            })
            .min()
    }

    /// Whether a text has any of these words, wherever.
    pub(super) fn says(&self, words: &[String], text: &str) -> bool {
        words.iter().any(|word| text.contains(word.as_str()))
    }

    /// Whether an address is a mail system's and not a person's.
    pub(super) fn is_system(&self, address: &str) -> bool {
        let local = address.split('@').next().unwrap_or("").to_ascii_lowercase();
        self.system_names.iter().any(|name| match name.strip_suffix('*') {
            Some(beginning) => local.starts_with(beginning),
            None => local == *name,
        })
    }

    /// Whether a header says that a machine answers.
    pub(super) fn is_auto_header(&self, name: &str, value: &str) -> bool {
        let value = value.trim().to_lowercase();
        self.headers
            .iter()
            .any(|(header, pattern)| header == name && matches(pattern, &value) && value != "no")
    }

    /// Whether a reason ([`super::text::plain`]) is made of codes, addresses, hosts and words that say nothing.
    pub(super) fn is_bare(&self, reason: &str) -> bool {
        reason
            .split(|c: char| {
                c.is_whitespace() || matches!(c, ':' | ',' | ';' | '(' | ')' | '[' | ']' | '/' | '"')
            })
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .filter(|word| !word.contains(|c: char| c.is_ascii_digit() || matches!(c, '@' | '.')))
            .all(|word| word.len() < 3 || self.bare.contains(word))
    }

    /// The class of a failure and the rule that says so.
    pub(super) fn decide(&self, evidence: &Evidence<'_>) -> Verdict<'_> {
        for rule in &self.classes {
            let time = match rule.when {
                When::Any => true,
                When::Permanent => evidence.permanent,
                When::Temporary => !evidence.permanent,
            };
            if !time
                || (rule.bare && !evidence.bare)
                || rule.not.is_some_and(|not| evidence.reason.place(not).is_some())
            {
                continue;
            }
            let says = |hits: &Hits| {
                rule.text.is_some_and(|text| hits.place(text).is_some())
                    || (rule.together.iter()).any(|lists| hits.are_together(lists, rule.unless))
            };
            let worded = says(evidence.reason) || (rule.whole && evidence.whole.is_some_and(says));
            let coded = evidence
                .codes
                .iter()
                .any(|code| rule.codes.iter().any(|pattern| matches(pattern, code)));
            let basic = evidence
                .basic
                .is_some_and(|code| rule.basic.iter().any(|p| matches(p, &code.to_string())));
            if worded || coded || basic {
                return Verdict {
                    class: rule.class,
                    rule: &rule.id,
                    of_sender: rule.of_sender,
                    worded,
                    generic: !worded && !coded,
                };
            }
        }
        Verdict {
            class: Class::Soft,
            rule: "",
            of_sender: false,
            worded: false,
            generic: true,
        }
    }
}

fn origins(
    bounces: &BounceFile,
    auto: &AutoFile,
    unsubscribe: &WordsFile,
    leaving: &LeavingFile,
    programs: &ProgramsFile,
) -> Vec<Origin> {
    let origin = |id: &String, since: &String, source: &String| Origin {
        id: id.clone(),
        since: since.clone(),
        source: source.clone(),
    };
    let signs = bounces.signs.iter().chain(&auto.signs);
    let programs = Origin {
        id: "mail-programs".to_owned(),
        since: programs.dated.clone(),
        source: programs.source.clone(),
    };
    (bounces.rules.iter().map(|r| origin(&r.id, &r.since, &r.source)))
        .chain(
            (bounces
                .groups
                .iter()
                .chain(&auto.groups)
                .chain(&unsubscribe.groups))
            .map(|g| origin(&g.id, &g.since, &g.source)),
        )
        .chain(signs.map(|r| origin(&r.id, &r.since, &r.source)))
        .chain(auto.headers.iter().map(|r| origin(&r.id, &r.since, &r.source)))
        .chain(
            unsubscribe
                .words
                .iter()
                .map(|r| origin(&r.id, &r.since, &r.source)),
        )
        .chain((leaving.languages.iter()).map(|r| origin(&format!("leaving-{}", r.id), &r.since, &r.source)))
        .chain([programs])
        .collect()
}

/// The lists of the groups that belong together.
fn together(names: &[Vec<String>], groups: &HashMap<&str, List>) -> Result<Vec<Vec<List>>, BadRules> {
    let list = |name: &String| {
        let list = groups.get(name.as_str()).copied();
        list.ok_or_else(|| BadRules::Group(name.clone()))
    };
    (names.iter())
        .map(|names| names.iter().map(list).collect())
        .collect()
}

/// What is known of a failure.
pub(super) struct Evidence<'a> {
    /// Enhanced codes, the most telling first.
    pub codes: &'a [String],
    pub basic: Option<u16>,
    pub permanent: bool,
    /// The reason has no words that say anything ([`Rules::is_bare`]).
    pub bare: bool,
    pub reason: &'a Hits,
    /// The rest of the notice.
    pub whole: Option<&'a Hits>,
}

/// What the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict<'a> {
    pub class: Class,
    pub rule: &'a str,
    /// Every message of this sender meets the same.
    pub of_sender: bool,
    /// By words, not by codes.
    pub worded: bool,
    /// By a basic code or by nothing.
    pub generic: bool,
}

impl Verdict<'_> {
    /// The words speak of the recipient's mailbox and of nothing else.
    pub fn rule_is_of_mailbox(&self) -> bool {
        matches!(
            self.rule,
            "no-such-user" | "mailbox-closed" | "mailbox-full" | "no-such-domain"
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::super::text::plain;
    use super::*;

    #[test]
    fn every_rule_is_dated_sourced_and_named_once_and_matches_as_it_is_written() {
        let rules = Rules::embedded();
        assert!(rules.origins.len() > 60);
        let mut names = std::collections::HashSet::new();
        for origin in &rules.origins {
            assert_eq!(origin.since.len(), 10, "{}", origin.id);
            assert!(!origin.source.is_empty(), "{}", origin.id);
            assert!(names.insert(&origin.id), "{} twice", origin.id);
        }
        let dated = rules.origins.iter().map(|o| &o.since).max().unwrap();
        assert_eq!(&rules.dated, dated);
    }

    #[test]
    fn words_of_the_rules_are_written_as_texts_are_compared() {
        for file in ["bounce_rules", "auto_reply_rules", "unsubscribe_words"] {
            let path = format!("{}/../../../assets/rules/{file}.json", env!("CARGO_MANIFEST_DIR"));
            let value: serde_json::Value =
                serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            let mut open = vec![(String::new(), &value)];
            while let Some((key, value)) = open.pop() {
                match value {
                    serde_json::Value::Object(map) => open.extend(map.iter().map(|(k, v)| (k.clone(), v))),
                    serde_json::Value::Array(list) => open.extend(list.iter().map(|v| (key.clone(), v))),
                    serde_json::Value::String(word)
                        if [
                            "text",
                            "not",
                            "exact",
                            "within",
                            "bare",
                            "never",
                            "polite",
                            "fillers",
                            "asking",
                            "negation",
                            "supposition",
                            "threat",
                            "things",
                            "others",
                            "missing",
                            "before_recipient",
                            "before_others",
                        ]
                        .contains(&key.as_str()) =>
                    {
                        assert_eq!(plain(word), word.trim(), "{file}");
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_short_word_must_stand_alone_and_a_long_one_must_begin_where_it_begins() {
        let rules = Rules::embedded();
        let found = |text: &str| rules.sign(&rules.look(text), Sign::Sender).is_some();
        assert!(found("mail delivery system"));
        assert!(!found("gmail delivery system"));
        assert!(found("x400 gateway"));
        assert!(!found("x4001 gateway"));
    }

    #[test]
    fn words_of_two_groups_count_in_one_sentence_and_near_to_each_other_only() {
        let rules = Rules::embedded();
        let rule = |said: &str| {
            let reason = rules.look(&plain(said));
            let evidence = Evidence {
                codes: &[],
                basic: Some(554),
                permanent: true,
                bare: rules.is_bare(&plain(said)),
                reason: &reason,
                whole: None,
            };
            rules.decide(&evidence).rule.to_owned()
        };
        assert_eq!(
            rule("We looked, and that addressee is unknown to us"),
            "no-such-user"
        );
        assert_eq!(
            rule("Ask the addressee. The moon is unknown to us"),
            "basic-permanent"
        );
        let far = "very ".repeat(30);
        assert_eq!(
            rule(&format!("The addressee of this {far} old book is unknown")),
            "basic-permanent"
        );
        assert_eq!(rule("The sender's addressee is unknown"), "sender-refused");
    }

    #[test]
    fn a_group_that_is_not_there_is_told_by_its_name() {
        let bounces = include_str!("../../../../../../assets/rules/bounce_rules.json");
        let [auto, leave, leaving, programs] = [
            include_str!("../../../../../../assets/rules/auto_reply_rules.json"),
            include_str!("../../../../../../assets/rules/unsubscribe_words.json"),
            include_str!("../../../../../../assets/rules/leaving_words.json"),
            include_str!("../../../../../../assets/rules/mail_programs.json"),
        ];
        let wrong = bounces.replace(r#"["recipient", "absent"]"#, r#"["recipient", "absnt"]"#);
        let error = Rules::parse(&wrong, auto, leave, leaving, programs)
            .err()
            .unwrap()
            .to_string();
        assert!(error.ends_with("absnt"), "{error}");
    }

    #[test]
    fn rules_of_another_form_are_refused_in_words() {
        let error = Rules::parse("{}", "{}", "{}", "{}", "{}")
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("mail rules"), "{error}");
    }
}
