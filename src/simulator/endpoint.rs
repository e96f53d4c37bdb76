use hyper::Method;
use strum::VariantArray;

/// The path under which the vendor serves version 2 of the API.
pub(super) const ROOT: &str = "/v2";

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
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
    /// `POST /service-accounts`.
    CreateServiceAccount,
    /// `PUT /service-accounts/{id}`.
    UpdateServiceAccount,
    /// `PUT /service-accounts/{id}/enabled`.
    EnableServiceAccount,
    /// `DELETE /service-accounts/{id}/enabled`.
    DisableServiceAccount,
    /// `DELETE /service-accounts/{id}`.
    DeleteServiceAccount,
    /// `POST /permissions`.
    CreatePermission,
    /// `PUT /permissions/{id}`.
    UpdatePermission,
    /// `DELETE /permissions/{id}`.
    DeletePermission,
    /// `Action=RSListBillingData`.
    Billing,
    /// `Action=ListUsers`.
    ListUsers,
    /// `Action=ListAccessKeys`.
    ListAccessKeys,
    /// `Action=CreateAccessKey`.
    CreateAccessKey,
    /// `Action=UpdateAccessKey`.
    UpdateAccessKey,
    /// `Action=DeleteAccessKey`.
    DeleteAccessKey,
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
    /// Anything else: an unknown path, a path with a slash at its end, or a method that a path does not take.
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
            ("POST", "/service-accounts") => Self::CreateServiceAccount,
            ("POST", "/permissions") => Self::CreatePermission,
            (method, _) => return Self::of_one(method, path),
        };
        (endpoint, None)
    }

    /// Whether a request changes something at the vendor.
    pub(super) const fn is_change(self) -> bool {
        matches!(
            self,
            Self::CreateServiceAccount
                | Self::UpdateServiceAccount
                | Self::EnableServiceAccount
                | Self::DisableServiceAccount
                | Self::DeleteServiceAccount
                | Self::CreatePermission
                | Self::UpdatePermission
                | Self::DeletePermission
                | Self::CreateAccessKey
                | Self::UpdateAccessKey
                | Self::DeleteAccessKey
        )
    }

    /// The endpoint of an action of the IAM host.
    pub(super) fn of_action(action: Option<&str>) -> Self {
        match action {
            Some("RSListBillingData") => Self::Billing,
            Some("ListUsers") => Self::ListUsers,
            Some("ListAccessKeys") => Self::ListAccessKeys,
            Some("CreateAccessKey") => Self::CreateAccessKey,
            Some("UpdateAccessKey") => Self::UpdateAccessKey,
            Some("DeleteAccessKey") => Self::DeleteAccessKey,
            Some("RSGetUserInfo") => Self::UserInfo,
            Some("RSAvailableRegions") => Self::AvailableRegions,
            _ => Self::Other,
        }
    }

    fn of_one<'path>(method: &str, path: &'path str) -> (Self, Option<&'path str>) {
        let (list, rest) = match path.strip_prefix("/service-accounts/") {
            Some(rest) => ("service-accounts", rest),
            None => ("permissions", path.strip_prefix("/permissions/").unwrap_or_default()),
        };
        let (id, part) = rest.split_once('/').map_or((rest, None), |(id, part)| (id, Some(part)));
        let endpoint = match (method, list, part) {
            _ if id.is_empty() => Self::Other,
            ("GET", "service-accounts", None) => Self::ServiceAccount,
            ("PUT", "service-accounts", None) => Self::UpdateServiceAccount,
            ("DELETE", "service-accounts", None) => Self::DeleteServiceAccount,
            ("PUT", "service-accounts", Some("enabled")) => Self::EnableServiceAccount,
            ("DELETE", "service-accounts", Some("enabled")) => Self::DisableServiceAccount,
            ("GET", "permissions", None) => Self::Permission,
            ("PUT", "permissions", None) => Self::UpdatePermission,
            ("DELETE", "permissions", None) => Self::DeletePermission,
            _ => Self::Other,
        };
        (endpoint, (endpoint != Self::Other).then_some(id))
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
            (Method::POST, "/v2/permissions", Endpoint::CreatePermission, None),
            (Method::PUT, "/v2/permissions/p1", Endpoint::UpdatePermission, Some("p1")),
            (Method::DELETE, "/v2/permissions/p1", Endpoint::DeletePermission, Some("p1")),
            (Method::POST, "/v2/service-accounts", Endpoint::CreateServiceAccount, None),
            (Method::PUT, "/v2/service-accounts/a1", Endpoint::UpdateServiceAccount, Some("a1")),
            (Method::DELETE, "/v2/service-accounts/a1", Endpoint::DeleteServiceAccount, Some("a1")),
            (Method::PUT, "/v2/service-accounts/a1/enabled", Endpoint::EnableServiceAccount, Some("a1")),
            (Method::DELETE, "/v2/service-accounts/a1/enabled", Endpoint::DisableServiceAccount, Some("a1")),
            (Method::PUT, "/v2/permissions/p1/enabled", Endpoint::Other, None),
            (Method::PATCH, "/v2/permissions/p1", Endpoint::Other, None),
            (Method::DELETE, "/v2/permissions", Endpoint::Other, None),
            (Method::GET, "/v1/usage/current", Endpoint::Other, None),
        ] {
            assert_eq!(Endpoint::of(&method, path), (endpoint, id), "{method} {path}");
        }
    }
}
