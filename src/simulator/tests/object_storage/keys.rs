//! Access keys are made, switched and deleted.

use super::*;

#[tokio::test]
async fn a_key_lives_through_its_states() {
    let place = Place::new().await;
    let _ = place.archive.clone().user(User::new("veeam", at(MONTH_AGO)).key("AKOLD", at(MONTH_AGO)));
    let (status, answer) = place.xml(&Request::iam("CreateAccessKey&UserName=veeam")).await;
    assert_eq!(status, 200);
    let (id, secret) = (texts(&answer, "AccessKeyId").concat(), texts(&answer, "SecretAccessKey").concat());
    assert_eq!((texts(&answer, "UserName").concat().as_str(), secret.len()), ("veeam", 40));
    let [veeam] = &place.archive.users()[..] else { panic!() };
    assert_eq!(veeam.keys(), [("AKOLD", true, None), (id.as_str(), true, Some(secret.as_str()))]);
    assert!(!format!("{veeam:?}").contains(&secret));

    let third = place.error(&Request::iam("CreateAccessKey&UserName=veeam")).await;
    assert_eq!((third.0, third.1.as_str()), (409, "LimitExceeded"));
    let switch = |status: &str| {
        Request::iam(&format!("UpdateAccessKey&UserName=veeam&AccessKeyId=AKOLD&Status={status}"))
    };
    assert_eq!(place.xml(&switch("Inactive")).await.0, 200);
    let (_, listed) = place.xml(&Request::iam("ListAccessKeys&UserName=veeam")).await;
    assert_eq!(texts(&listed, "Status"), ["Inactive", "Active"]);
    assert!(!listed.contains(&secret));
    assert_eq!(place.error(&switch("Off")).await.0, 400);
    assert_eq!(place.xml(&Request::iam("DeleteAccessKey&UserName=veeam&AccessKeyId=AKOLD")).await.0, 200);
    assert_eq!(place.archive.users()[0].keys().len(), 1);
    for request in [
        "DeleteAccessKey&UserName=veeam&AccessKeyId=AKOLD",
        "UpdateAccessKey&UserName=veeam&AccessKeyId=AKOLD&Status=Active",
        "CreateAccessKey&UserName=nobody",
    ] {
        let rejected = place.error(&Request::iam(request)).await;
        assert_eq!((rejected.0, rejected.1.as_str()), (404, "NoSuchEntity"), "{request}");
    }
    assert_eq!(place.simulator.violations().len(), 8);
}
