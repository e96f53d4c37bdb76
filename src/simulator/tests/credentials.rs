use std::time::Duration;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_login_gives_a_session_whose_life_is_a_text() {
    let stage = Stage::new().await;
    let answer = stage.client().log_in("acme", "AKEXAMPLE", "first").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["expirationSec"], json!("86400"));
    let client = stage.log_in().await;
    stage.clock.advance(HOUR);
    assert_eq!(client.get("/auth/token").await.json(), json!({"expirationSec": "82800"}));
}

#[tokio::test]
async fn the_life_of_a_session_can_be_a_number_and_of_any_length() {
    let stage = Stage::new().await;
    stage.simulator.configure(|settings| {
        settings.expiration_as_number = true;
        settings.token_lifetime = Duration::from_secs(864_000);
    });
    let answer = stage.client().log_in("acme", "AKEXAMPLE", "first").await;
    assert_eq!(answer.json()["expirationSec"], json!(864_000));
}

#[tokio::test]
async fn a_wrong_login_is_rejected_with_the_code_that_ends_in_a_space() {
    let stage = Stage::new().await;
    for (account, access_key, secret) in
        [("acme", "AKEXAMPLE", "wrong"), ("acme", "AKWRONG", "first"), ("nobody", "AKEXAMPLE", "first")]
    {
        let answer = stage.client().log_in(account, access_key, secret).await;
        assert_eq!(answer.error(), (403, "AuthenticationFailed ".to_owned()));
    }
    for malformed in ["", "{", r#"{"accountId":"acme"}"#] {
        let bytes = stage.client().ask("POST", "/auth/token", malformed).await.unwrap();
        assert_eq!(HttpResponse::parse(&bytes).error(), (400, "InvalidArgument".to_owned()));
    }
}

#[tokio::test]
async fn a_dead_token_is_a_400_with_a_code_of_choice() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    stage.clock.advance(23 * HOUR);
    assert_eq!(client.get("/usage/current").await.status, 200);
    stage.clock.advance(HOUR);
    for (code, text) in [
        (DeadTokenCode::ExpiredToken, "ExpiredToken"),
        (DeadTokenCode::TokenExpired, "TokenExpired"),
        (DeadTokenCode::InvalidToken, "InvalidToken"),
    ] {
        stage.simulator.configure(|settings| settings.dead_token_code = code);
        for client in [&client, &stage.client(), &stage.client().with_token("never given")] {
            let answer = client.get("/usage/current").await;
            assert_eq!(answer.error(), (400, text.to_owned()));
        }
    }
}

#[tokio::test]
async fn what_happens_to_the_pair_happens_to_its_sessions() {
    let stage = Stage::new().await;
    let dead = (400, "ExpiredToken".to_owned());
    let rejected = (403, "AuthenticationFailed ".to_owned());

    let client = stage.log_in().await;
    let second = stage.acme.regenerate();
    assert_ne!(second, "first");
    assert_eq!(client.get("/auth/token").await.error(), dead);
    let answer = stage.client().log_in("acme", "AKEXAMPLE", "first").await;
    assert_eq!(answer.error(), rejected);

    let client = stage.log_in().await;
    stage.acme.revoke_sessions();
    assert_eq!(client.get("/auth/token").await.error(), dead);
    let client = stage.log_in().await;
    stage.simulator.revoke_all_sessions();
    assert_eq!(client.get("/auth/token").await.error(), dead);

    let client = stage.log_in().await;
    stage.acme.expire_credentials_at(at("2026-11-24T13:00:00Z"));
    assert_eq!(client.get("/auth/token").await.status, 200);
    stage.clock.advance(HOUR);
    assert_eq!(client.get("/auth/token").await.error(), dead);
    let answer = stage.client().log_in("acme", "AKEXAMPLE", &second).await;
    assert_eq!(answer.error(), rejected);

    stage.acme.regenerate_as("AKTHIRD", "third");
    let client = stage.log_in().await;
    stage.acme.delete_credentials();
    assert_eq!(client.get("/auth/token").await.error(), dead);
    let answer = stage.client().log_in("acme", "AKTHIRD", "third").await;
    assert_eq!(answer.error(), rejected);

    stage.acme.regenerate();
    let client = stage.log_in().await;
    stage.acme.expire_credentials();
    assert_eq!(client.get("/auth/token").await.error(), dead);
}

#[tokio::test]
async fn a_session_is_of_its_account_alone() {
    let stage = Stage::new().await;
    let _other = stage.simulator.account("other").bucket("theirs", 1.0);
    let client = stage.log_in().await;
    assert_eq!(client.get("/usage/current").await.json()["usageByBucket"]["buckets"], json!([]));
    stage.simulator.account("other").revoke_sessions();
    assert_eq!(client.get("/auth/token").await.status, 200);
}
