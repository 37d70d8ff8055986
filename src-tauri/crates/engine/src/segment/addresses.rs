//! E-mail addresses: their domain, and whose they are.

use super::text::fold;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// `assets/rules/free_mail.json`, read.
#[derive(Deserialize, Default)]
struct FreeMail {
    domains: BTreeSet<String>,
}

/// `assets/rules/role_accounts.json`, read.
#[derive(Deserialize, Default)]
struct RoleAccounts {
    names: BTreeSet<String>,
}

static FREE_MAIL: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let read: FreeMail =
        serde_json::from_str(include_str!("../../../../../assets/rules/free_mail.json")).unwrap_or_default();
    read.domains
});

static ROLE_ACCOUNTS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let read: RoleAccounts =
        serde_json::from_str(include_str!("../../../../../assets/rules/role_accounts.json"))
            .unwrap_or_default();
    read.names.iter().map(|name| fold(name).into_owned()).collect()
});

/// What stands behind the last `@`, if there is one.
pub(super) fn domain(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(_, domain)| domain)
}

/// Whether anybody gets a mailbox at the domain of the folded address.
pub(super) fn is_free_mail(address: &str) -> bool {
    domain(address).is_some_and(is_free_domain)
}

/// Whether anybody gets a mailbox at the folded domain.
pub(crate) fn is_free_domain(domain: &str) -> bool {
    FREE_MAIL.contains(domain)
}

/// Whether the folded address is that of a function; what follows a `+` does not count.
pub(super) fn is_role_account(address: &str) -> bool {
    let name = address.rsplit_once('@').map(|(name, _)| name);
    name.is_some_and(|name| ROLE_ACCOUNTS.contains(name.split('+').next().unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_read_and_tell_addresses_apart() {
        assert!(FREE_MAIL.len() > 300 && ROLE_ACCOUNTS.len() > 100);
        assert!(
            FREE_MAIL
                .iter()
                .all(|domain| fold(domain) == *domain && domain.contains('.'))
        );
        assert!(
            is_free_mail("a@gmail.com") && !is_free_mail("a@gmail.com.example") && !is_free_mail("gmail.com")
        );
        assert!(is_role_account("info@a.example") && is_role_account("info+x@a.example"));
        assert!(!is_role_account("ina@a.example") && !is_role_account("info"));
    }
}
