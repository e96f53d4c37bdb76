//! What the address asks for, and the addresses of other views.

use url::form_urlencoded;

/// A list that is shown page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// What the search is for: the accounts, or the buckets of one.
    Main,
    /// Credentials.
    Credentials,
    /// What fails.
    Faults,
    /// Sub-accounts.
    SubAccounts,
    /// Users.
    Users,
}

impl List {
    const ALL: [Self; 5] = [Self::Main, Self::Credentials, Self::Faults, Self::SubAccounts, Self::Users];

    /// The parameter that has the number of its page.
    const fn parameter(self) -> &'static str {
        match self {
            Self::Main => "page",
            Self::Credentials => "credentials",
            Self::Faults => "faults",
            Self::SubAccounts => "sub_accounts",
            Self::Users => "users",
        }
    }

    /// The identity of its heading.
    pub(super) const fn anchor(self) -> &'static str {
        match self {
            Self::Main => "list",
            Self::Credentials => "credentials",
            Self::Faults => "faults",
            Self::SubAccounts => "sub-accounts",
            Self::Users => "users",
        }
    }
}

/// The parameters of the address. What is not understood counts as not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// The account that is looked at; `None` for all of them.
    pub(super) account: Option<String>,
    /// The part of a name to look for; empty for any.
    pub(super) search: String,
    pages: [usize; List::ALL.len()],
}

impl Query {
    /// All accounts, from the first page.
    pub(super) const fn overview() -> Self {
        Self { account: None, search: String::new(), pages: [1; List::ALL.len()] }
    }

    /// One account, from the first page.
    pub(super) fn of_account(name: &str) -> Self {
        Self { account: Some(name.to_owned()), ..Self::overview() }
    }

    /// Reads what follows the `?` of an address.
    pub(super) fn parse(query: &str) -> Self {
        let mut parsed = Self::overview();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "account" => parsed.account = Some(value.into_owned()).filter(|name| !name.is_empty()),
                "search" => value.trim().clone_into(&mut parsed.search),
                key => {
                    if let Some(list) = List::ALL.into_iter().find(|list| list.parameter() == key) {
                        parsed.pages[list as usize] = value.parse().unwrap_or(1).max(1);
                    }
                }
            }
        }
        parsed
    }

    /// The number of the page of a list, from 1.
    pub(super) const fn page(&self, list: List) -> usize {
        self.pages[list as usize]
    }

    /// The same view with another page of a list.
    pub(super) fn with_page(&self, list: List, page: usize) -> Self {
        let mut other = self.clone();
        other.pages[list as usize] = page;
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
            query.append_pair("search", &self.search);
        }
        for list in List::ALL {
            if self.page(list) > 1 {
                query.append_pair(list.parameter(), &self.page(list).to_string());
            }
        }
        match query.finish().as_str() {
            "" => "./".to_owned(),
            query => format!("./?{query}"),
        }
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
        assert_eq!(Query::parse("account=&page=-1&page=two&other=3&&="), Query::overview());
        let query = Query::parse("account=a+b%26c&search=+Backup+&page=3&sub_accounts=0");
        assert_eq!(query.account.as_deref(), Some("a b&c"));
        assert_eq!(query.search, "Backup");
        assert_eq!(query.page(List::Main), 3);
        assert_eq!(query.page(List::SubAccounts), 1);
    }

    #[test]
    fn addresses_are_relative_and_name_only_what_differs() {
        assert_eq!(Query::overview().href(), "./");
        assert_eq!(Query::of_account("a&b \"<").href(), "./?account=a%26b+%22%3C");
        assert_eq!(Query::overview().with_page(List::Faults, 2).href(), "./?faults=2");
    }

    #[test]
    fn a_search_ignores_case() {
        let query = Query::parse("search=BackUp");
        assert!(query.finds("my-backups"));
        assert!(!query.finds("back"));
        assert!(!query.finds(""));
        assert!(Query::overview().finds(""));
    }

    proptest! {
        #[test]
        fn an_address_says_what_was_asked_for(account in ".{1,20}", search in ".{0,20}", pages in prop::array::uniform5(1usize..)) {
            let query = Query { account: Some(account), search: search.trim().to_owned(), pages };
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
