//! What is wrong in the data of a contact, and what is meant.
//!
//! A [`Cleanser`] is made for the fields of a workspace and asked contact by contact; each answer is a list of
//! [`Proposal`]s, and nothing is changed. Two promises hold for every rule, and the property tests hold them:
//! - a contact that took all proposals gets none;
//! - a rule that is not sure says nothing: a number without a country, a name in mixed letters, a word that two countries
//!   share. What a proposal drops is only how something was written.

mod countries;
mod domains;
mod emails;
mod names;
mod phones;
mod post_codes;
mod spaces;
mod verdicts;

#[cfg(test)]
mod tests;

pub use countries::Country;
pub use domains::Domains;
pub use verdicts::Verdict;

use carillon_model::cleansing::{CleansingReason, CleansingRule, CleansingStep};

/// What a field is to a cleansing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    GivenName,
    Surname,
    Email,
    Phone,
    Country,
    PostCode,
    /// Any other text: only its spaces are looked at.
    Text,
}

/// A set of rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules(u8);

impl Rules {
    /// All rules there are.
    pub const ALL: Rules = Rules(u8::MAX);

    /// Whether a rule is among them.
    pub fn has(self, rule: CleansingRule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }

    /// Whether the two have a rule in common.
    pub fn meets(self, other: Rules) -> bool {
        self.0 & other.0 != 0
    }

    /// These, and one more.
    #[must_use]
    pub fn with(self, rule: CleansingRule) -> Rules {
        Rules(self.0 | 1 << rule as u8)
    }
}

impl FromIterator<CleansingRule> for Rules {
    fn from_iter<I: IntoIterator<Item = CleansingRule>>(rules: I) -> Rules {
        rules.into_iter().fold(Rules::default(), Rules::with)
    }
}

/// Another value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The place of the field.
    pub field: usize,
    /// What it is; `None` where there is nothing yet.
    pub old: Option<String>,
    pub new: String,
    /// Which rules led from the one to the other, in their order: at least one.
    pub steps: Vec<CleansingStep>,
}

impl Proposal {
    /// Whether a rule had a part in it.
    pub fn by(&self, rule: CleansingRule) -> bool {
        self.steps.iter().any(|step| step.rule == rule)
    }
}

/// Reads contacts of one workspace.
pub struct Cleanser<'a> {
    kinds: Vec<Kind>,
    /// Given name and surname, where there is one field of each.
    name: Option<(usize, usize)>,
    country: Option<usize>,
    rules: Rules,
    home: Option<Country>,
    domains: &'a Domains,
}

/// A field while it is looked at.
struct Cell<'v> {
    old: Option<&'v str>,
    /// What it is by now.
    now: String,
    steps: Vec<CleansingStep>,
    /// What is there can be what the field is for, as far as its rule can tell.
    sound: bool,
}

impl Cell<'_> {
    fn take(&mut self, rule: CleansingRule, reason: CleansingReason, about: Option<String>, new: String) {
        self.now = new;
        self.steps.push(CleansingStep { rule, reason, about });
    }

    fn differs(&self) -> bool {
        !self.steps.is_empty() && self.old != Some(self.now.as_str())
    }
}

fn only(kinds: &[Kind], kind: Kind) -> Option<usize> {
    let mut all = kinds.iter().enumerate().filter(|(_, each)| **each == kind);
    let found = all.next().map(|(at, _)| at);
    found.filter(|_| all.next().is_none())
}

impl<'a> Cleanser<'a> {
    /// For fields of these kinds, with these rules. `home`: where contacts live that have no country; `None`: nobody knows,
    /// and what depends on a country is left alone.
    pub fn new(kinds: &[Kind], rules: Rules, home: Option<Country>, domains: &'a Domains) -> Cleanser<'a> {
        Cleanser {
            kinds: kinds.to_vec(),
            name: only(kinds, Kind::GivenName).zip(only(kinds, Kind::Surname)),
            country: only(kinds, Kind::Country),
            rules,
            home,
            domains,
        }
    }

    /// What is proposed for a contact, in the order of its fields. `values` stand in the order of the kinds; what is
    /// missing there has no value.
    pub fn proposals(&self, values: &[Option<&str>]) -> Vec<Proposal> {
        let changed = |(field, cell): (usize, Cell<'_>)| {
            let differs = cell.differs();
            differs.then(|| Proposal {
                field,
                old: cell.old.map(str::to_owned),
                new: cell.now,
                steps: cell.steps,
            })
        };
        let cells = self.read(values);
        cells.into_iter().enumerate().filter_map(changed).collect()
    }

    /// Asks the rules about each field.
    fn read<'v>(&self, values: &[Option<&'v str>]) -> Vec<Cell<'v>> {
        let mut cells: Vec<Cell<'v>> = self
            .kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| self.begin(*kind, values.get(at).copied().flatten()))
            .collect();
        self.order_name(&mut cells);
        let country = self.country(&mut cells);
        for (cell, kind) in cells.iter_mut().zip(&self.kinds) {
            if cell.now.is_empty() {
                continue;
            }
            match kind {
                Kind::GivenName | Kind::Surname => self.case_name(cell, *kind, country.0),
                Kind::Email => self.email(cell),
                Kind::Phone => self.phone(cell, country),
                Kind::PostCode => self.post_code(cell, country),
                Kind::Country | Kind::Text => {}
            }
        }
        cells
    }

    /// A value without needless spaces; addresses have a rule of their own for them.
    fn begin<'v>(&self, kind: Kind, old: Option<&'v str>) -> Cell<'v> {
        let mut cell = Cell {
            old,
            now: old.unwrap_or_default().to_owned(),
            steps: Vec::new(),
            sound: true,
        };
        if kind == Kind::Email {
            return cell;
        }
        if let Some((tidy, reason)) = spaces::tidied(&cell.now) {
            match self.rules.has(CleansingRule::Spaces) {
                true => cell.take(CleansingRule::Spaces, reason, None, tidy),
                false => cell.now = tidy,
            }
        }
        cell
    }

    fn order_name(&self, cells: &mut [Cell<'_>]) {
        let Some((given, surname)) = self.name.filter(|_| self.rules.has(CleansingRule::NameOrder)) else {
            return;
        };
        let found = names::ordered(&cells[given].now, &cells[surname].now);
        let Some((first, last)) = found else {
            return;
        };
        for (at, new) in [(given, first), (surname, last)] {
            if cells[at].now != new {
                cells[at].take(CleansingRule::NameOrder, CleansingReason::CommaInName, None, new);
            }
        }
    }

    fn case_name(&self, cell: &mut Cell<'_>, kind: Kind, country: Option<Country>) {
        if !self.rules.has(CleansingRule::NameCase) {
            return;
        }
        let turkish = country.is_some_and(|country| matches!(country.as_str(), "TR" | "AZ"));
        if let Some((new, reason)) = names::cased(&cell.now, kind == Kind::Surname, turkish) {
            cell.take(CleansingRule::NameCase, reason, None, new);
        }
    }

    fn email(&self, cell: &mut Cell<'_>) {
        let formed = emails::formed(&cell.now);
        let readable = match formed {
            Some((new, reason)) if self.rules.has(CleansingRule::EmailForm) => {
                cell.take(CleansingRule::EmailForm, reason, None, new);
                true
            }
            Some(_) => false,
            None => true,
        };
        if !readable || !self.rules.has(CleansingRule::EmailDomain) {
            return;
        }
        if let Some((new, reason, domain)) = self.domains.meant(&cell.now) {
            cell.take(CleansingRule::EmailDomain, reason, Some(domain), new);
        }
    }

    /// The contact's country, and whether it is the one for contacts that have none. A value that names no country is not
    /// none: then nobody knows.
    fn country(&self, cells: &mut [Cell<'_>]) -> (Option<Country>, bool) {
        let Some(cell) = self
            .country
            .map(|at| &mut cells[at])
            .filter(|cell| !cell.now.trim().is_empty())
        else {
            return (self.home, true);
        };
        let Some((country, reason)) = countries::read(&cell.now) else {
            cell.sound = false;
            return (None, false);
        };
        if cell.now != country.as_str() && self.rules.has(CleansingRule::Country) {
            let part = (reason == CleansingReason::CountryPart).then(|| cell.now.clone());
            cell.take(CleansingRule::Country, reason, part, country.as_str().to_owned());
        }
        (Some(country), false)
    }

    fn phone(&self, cell: &mut Cell<'_>, (country, chosen): (Option<Country>, bool)) {
        if !self.rules.has(CleansingRule::Phone) {
            return;
        }
        let Some((new, international)) = phones::e164(&cell.now, country) else {
            cell.sound = false;
            return;
        };
        let reason = match (international, chosen) {
            (true, _) => CleansingReason::International,
            (false, true) => CleansingReason::CountryChosen,
            (false, false) => CleansingReason::CountryOfContact,
        };
        let about = country
            .filter(|_| !international)
            .map(|country| country.as_str().to_owned());
        if new != cell.now {
            cell.take(CleansingRule::Phone, reason, about, new);
        }
    }

    fn post_code(&self, cell: &mut Cell<'_>, (country, _): (Option<Country>, bool)) {
        let Some(country) = country.filter(|_| self.rules.has(CleansingRule::PostCode)) else {
            return;
        };
        match post_codes::written(&cell.now, country) {
            Some((new, reason)) => {
                let about = Some(country.as_str().to_owned());
                cell.take(CleansingRule::PostCode, reason, about, new);
            }
            None => cell.sound = post_codes::may_be(&cell.now, country),
        }
    }
}
