//! What the address asks for, and the addresses of other views.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use strum::VariantArray;
use url::form_urlencoded;

use super::urgency::{Access, Owned};
use crate::clock;
use crate::model::{CredentialStatus, Expiry};

/// A list that is shown page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub(super) enum List {
    /// What the search is for: the accounts, or the buckets of one.
    Main,
    /// Credentials.
    Credentials,
    /// What fails.
    Errors,
    /// Sub-accounts.
    SubAccounts,
    /// Users.
    Users,
    /// The buckets of all accounts that a search found.
    Buckets,
}

impl List {
    /// The parameter that has the number of its page.
    const fn parameter(self) -> &'static str {
        match self {
            Self::Main => "page",
            Self::Credentials => "credentials",
            Self::Errors => "errors",
            Self::SubAccounts => "sub_accounts",
            Self::Users => "users",
            Self::Buckets => "buckets",
        }
    }

    /// The identity of its heading.
    pub(super) const fn anchor(self) -> &'static str {
        match self {
            Self::Main => "list",
            Self::Credentials => "credentials",
            Self::Errors => "errors",
            Self::SubAccounts => "sub-accounts",
            Self::Users => "users",
            Self::Buckets => "buckets",
        }
    }
}

/// Which credentials and accounts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Accounts of which something cannot be read.
    Failing,
    /// Credentials of this status, and their accounts.
    Status(CredentialStatus),
    /// Credentials that expire, and keys that are due for rotation, within so many days, and their accounts.
    Within(u32),
}

/// The value of `state` for what fails.
const FAILING: &str = "failing";

/// The shortest time between two loads of a page that reloads itself, seconds.
const REFRESH_AT_LEAST: u32 = 5;

impl Filter {
    fn of_state(name: &str) -> Option<Self> {
        let status = CredentialStatus::ALL.iter().copied().find(|status| status.name() == name);
        if name == FAILING { Some(Self::Failing) } else { status.map(Self::Status) }
    }

    fn within(text: &str) -> Option<Self> {
        text.strip_suffix('d')?.parse().ok().map(Self::Within)
    }

    /// What it shows, in words.
    pub(super) fn words(self) -> String {
        match self {
            Self::Failing => "Cannot be read".to_owned(),
            Self::Status(CredentialStatus::Rejected) => "Rejected".to_owned(),
            Self::Status(CredentialStatus::Expired) => "Expired".to_owned(),
            Self::Status(CredentialStatus::Expires) => "Will expire".to_owned(),
            Self::Status(CredentialStatus::NeverExpires) => "Never expires".to_owned(),
            Self::Status(CredentialStatus::Unknown) => "Expiry not known".to_owned(),
            Self::Within(1) => "Within a day".to_owned(),
            Self::Within(days) => format!("Within {days} days"),
        }
    }

    /// Whether a credential or key is one of those.
    pub(super) fn takes(self, owned: &Owned<'_>, now: Timestamp) -> bool {
        match (self, owned.access) {
            (Self::Status(status), Access::Credential(view)) => view.status == status,
            (Self::Within(days), Access::Credential(view)) => match (view.status, view.expiry) {
                (CredentialStatus::Expires, Expiry::At(end)) => is_within(end, days, now),
                _ => false,
            },
            (Self::Within(days), Access::Key(view)) => {
                view.rotation_due.is_some_and(|due| is_within(due, days, now))
            }
            (Self::Failing, _) | (Self::Status(_), Access::Key(_)) => false,
        }
    }
}

fn is_within(at: Timestamp, days: u32, now: Timestamp) -> bool {
    clock::until(now, at) < Duration::from_secs(86_400) * days
}

/// The parameters of the address. What is not understood counts as not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// The account that is looked at; `None` for all of them.
    pub(super) account: Option<String>,
    /// The part of a name to look for; empty for any.
    pub(super) search: String,
    /// Which of all are shown; `None` for all.
    pub(super) filter: Option<Filter>,
    /// The page reloads itself after so many seconds.
    pub(super) refresh: Option<u32>,
    /// The numbers of the pages that are not the first.
    pages: BTreeMap<List, usize>,
}

impl Query {
    /// All accounts, from the first page.
    pub(super) const fn overview() -> Self {
        Self { account: None, search: String::new(), filter: None, refresh: None, pages: BTreeMap::new() }
    }

    /// One account, from the first page.
    pub(super) fn of_account(&self, name: &str) -> Self {
        Self { account: Some(name.to_owned()), refresh: self.refresh, ..Self::overview() }
    }

    /// All accounts, from the first page.
    pub(super) fn all_accounts(&self) -> Self {
        Self { refresh: self.refresh, ..Self::overview() }
    }

    /// The same account or all of them, showing only what a filter takes.
    pub(super) fn with_filter(&self, filter: Option<Filter>) -> Self {
        Self { account: self.account.clone(), filter, ..self.all_accounts() }
    }

    /// The same view, reloading itself or not.
    pub(super) fn with_refresh(&self, refresh: Option<u32>) -> Self {
        Self { refresh, ..self.clone() }
    }

    /// Reads what follows the `?` of an address.
    pub(super) fn parse(query: &str) -> Self {
        let mut parsed = Self::overview();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "account" => parsed.account = Some(value.into_owned()).filter(|name| !name.is_empty()),
                "q" => value.trim().clone_into(&mut parsed.search),
                "state" => parsed.filter = Filter::of_state(&value),
                "within" => parsed.filter = Filter::within(&value),
                "refresh" => {
                    parsed.refresh = value.parse().ok().map(|seconds: u32| seconds.max(REFRESH_AT_LEAST));
                }
                key => {
                    if let Some(list) = List::VARIANTS.iter().find(|list| list.parameter() == key) {
                        parsed.set_page(*list, value.parse().unwrap_or(1));
                    }
                }
            }
        }
        parsed
    }

    /// The number of the page of a list, from 1.
    pub(super) fn page(&self, list: List) -> usize {
        self.pages.get(&list).copied().unwrap_or(1)
    }

    fn set_page(&mut self, list: List, page: usize) {
        if page > 1 {
            self.pages.insert(list, page);
        } else {
            self.pages.remove(&list);
        }
    }

    /// The same view with another page of a list.
    pub(super) fn with_page(&self, list: List, page: usize) -> Self {
        let mut other = self.clone();
        other.set_page(list, page);
        other
    }

    /// The same view without a search, from its first page.
    pub(super) fn without_search(&self) -> Self {
        Self { search: String::new(), ..self.with_page(List::Main, 1) }
    }

    /// The address, relative to the page's own, so that it holds behind a proxy that puts a path in front.
    pub(super) fn href(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(account) = &self.account {
            query.append_pair("account", account);
        }
        if !self.search.is_empty() {
            query.append_pair("q", &self.search);
        }
        match self.filter {
            Some(Filter::Failing) => drop(query.append_pair("state", FAILING)),
            Some(Filter::Status(status)) => drop(query.append_pair("state", status.name())),
            Some(Filter::Within(days)) => drop(query.append_pair("within", &format!("{days}d"))),
            None => {}
        }
        if let Some(seconds) = self.refresh {
            query.append_pair("refresh", &seconds.to_string());
        }
        for (list, page) in &self.pages {
            query.append_pair(list.parameter(), &page.to_string());
        }
        match query.finish().as_str() {
            "" => "./".to_owned(),
            query => format!("./?{query}"),
        }
    }

    /// Whether a credential or key is one of those that are looked for.
    pub(super) fn wants(&self, owned: &Owned<'_>, now: Timestamp) -> bool {
        self.filter.is_none_or(|filter| filter.takes(owned, now)) && self.finds(owned.name())
    }

    /// Whether a name is one that is looked for. Upper and lower case of Latin letters are the same.
    pub(super) fn finds(&self, name: &str) -> bool {
        let wanted = self.search.as_bytes();
        wanted.is_empty()
            || name.as_bytes().windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_understood_counts_as_not_given() {
        assert_eq!(Query::parse(""), Query::overview());
        assert_eq!(
            Query::parse("account=&page=-1&page=two&other=3&state=odd&within=7&refresh=x&&="),
            Query::overview()
        );
        let query = Query::parse("account=a+b%26c&q=+Backup+&page=3&sub_accounts=0&within=7d&refresh=1");
        assert_eq!(query.account.as_deref(), Some("a b&c"));
        assert_eq!(query.search, "Backup");
        assert_eq!((query.filter, query.refresh), (Some(Filter::Within(7)), Some(REFRESH_AT_LEAST)));
        assert_eq!(query.page(List::Main), 3);
        assert_eq!(query.page(List::SubAccounts), 1);
    }

    #[test]
    fn addresses_are_relative_and_name_only_what_differs() {
        assert_eq!(Query::overview().href(), "./");
        assert_eq!(Query::overview().of_account("a&b \"<").href(), "./?account=a%26b+%22%3C");
        assert_eq!(Query::overview().with_page(List::Errors, 2).href(), "./?errors=2");
    }

    #[test]
    fn a_search_ignores_case() {
        let query = Query::parse("q=BackUp");
        assert!(query.finds("my-backups"));
        assert!(!query.finds("back"));
        assert!(!query.finds(""));
        assert!(Query::overview().finds(""));
    }

    fn filters() -> impl Strategy<Value = Option<Filter>> {
        let status = prop::sample::select(CredentialStatus::ALL.to_vec()).prop_map(Filter::Status);
        prop::option::of(prop_oneof![Just(Filter::Failing), status, any::<u32>().prop_map(Filter::Within)])
    }

    fn pages() -> impl Strategy<Value = BTreeMap<List, usize>> {
        let list = prop::sample::select(List::VARIANTS.to_vec());
        prop::collection::btree_map(list, 2usize.., 0..=List::VARIANTS.len())
    }

    proptest! {
        #[test]
        fn an_address_says_what_was_asked_for(account in ".{1,20}", search in ".{0,20}", filter in filters(), refresh in prop::option::of(5u32..), pages in pages()) {
            let query = Query { account: Some(account), search: search.trim().to_owned(), filter, refresh, pages };
            let href = query.href();
            prop_assert_eq!(Query::parse(href.trim_start_matches("./?")), query);
        }

        #[test]
        fn any_text_is_read(text in any::<String>(), name in any::<String>()) {
            let query = Query::parse(&text);
            prop_assert!(query.page(List::Main) >= 1);
            let _ = query.finds(&name);
        }
    }
}
