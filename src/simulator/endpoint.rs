use hyper::Method;

/// The path under which the vendor serves version 2 of the API.
pub(super) const ROOT: &str = "/v2";

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /auth/token`.
    Login,
    /// `GET /auth/token`.
    Session,
    /// `GET /usage/current`.
    CurrentUsage,
    /// `GET /usage/monthly`.
    MonthlyUsage,
    /// `GET /service-accounts`.
    ServiceAccounts,
    /// `GET /service-accounts/{id}`.
    ServiceAccount,
    /// `GET /permissions`.
    Permissions,
    /// `GET /permissions/{id}`.
    Permission,
    /// `Action=RSListBillingData`.
    Billing,
    /// `Action=ListUsers`.
    ListUsers,
    /// `Action=ListAccessKeys`.
    ListAccessKeys,
    /// `Action=RSGetUserInfo`.
    UserInfo,
    /// `Action=RSAvailableRegions`.
    AvailableRegions,
    /// `GET /?rs-bucket-stats=`.
    BucketStats,
    /// `GET /`.
    ListBuckets,
    /// `GET /<bucket>?rs-info=`.
    BucketInfo,
    /// Anything else: an unknown path, a path with a slash at its end, or a method that changes something.
    Other,
}

impl Endpoint {
    /// The endpoint of a request, and the id in its path where it has one.
    pub(super) fn of<'path>(method: &Method, path: &'path str) -> (Self, Option<&'path str>) {
        let Some(path) = path.strip_prefix(ROOT) else {
            return (Self::Other, None);
        };
        let endpoint = match (method.as_str(), path) {
            ("POST", "/auth/token") => Self::Login,
            ("GET", "/auth/token") => Self::Session,
            ("GET", "/usage/current") => Self::CurrentUsage,
            ("GET", "/usage/monthly") => Self::MonthlyUsage,
            ("GET", "/service-accounts") => Self::ServiceAccounts,
            ("GET", "/permissions") => Self::Permissions,
            ("GET", _) => return Self::of_one(path),
            _ => Self::Other,
        };
        (endpoint, None)
    }

    /// The endpoint of an action of the IAM host.
    pub(super) fn of_action(action: Option<&str>) -> Self {
        match action {
            Some("RSListBillingData") => Self::Billing,
            Some("ListUsers") => Self::ListUsers,
            Some("ListAccessKeys") => Self::ListAccessKeys,
            Some("RSGetUserInfo") => Self::UserInfo,
            Some("RSAvailableRegions") => Self::AvailableRegions,
            _ => Self::Other,
        }
    }

    fn of_one(path: &str) -> (Self, Option<&str>) {
        let id = |start| path.strip_prefix(start).filter(|id| !id.is_empty() && !id.contains('/'));
        if let Some(id) = id("/service-accounts/") {
            (Self::ServiceAccount, Some(id))
        } else if let Some(id) = id("/permissions/") {
            (Self::Permission, Some(id))
        } else {
            (Self::Other, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        for (method, path, endpoint, id) in [
            (Method::POST, "/v2/auth/token", Endpoint::Login, None),
            (Method::GET, "/v2/auth/token", Endpoint::Session, None),
            (Method::GET, "/v2/usage/current", Endpoint::CurrentUsage, None),
            (Method::GET, "/v2/usage/monthly", Endpoint::MonthlyUsage, None),
            (Method::GET, "/v2/service-accounts", Endpoint::ServiceAccounts, None),
            (Method::GET, "/v2/service-accounts/a1", Endpoint::ServiceAccount, Some("a1")),
            (Method::GET, "/v2/permissions/p1", Endpoint::Permission, Some("p1")),
            (Method::GET, "/v2/permissions/", Endpoint::Other, None),
            (Method::GET, "/v2/permissions/p1/x", Endpoint::Other, None),
            (Method::DELETE, "/v2/permissions/p1", Endpoint::Other, None),
            (Method::GET, "/v1/usage/current", Endpoint::Other, None),
        ] {
            assert_eq!(Endpoint::of(&method, path), (endpoint, id), "{method} {path}");
        }
    }
}
