use super::*;
use crate::metrics::testing::{answer, object_storage, state};
use crate::model::{Failure, LoginResult, Reason};
use crate::store::{AccountState, Source};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
}

/// An account of which so much is known.
fn account(change: impl FnOnce(&mut AccountState)) -> Vec<Arc<AccountState>> {
    vec![state(object_storage("acme"), change)]
}

fn update(round: &mut Round, active: Vec<Alert>, states: &[Arc<AccountState>], now: Timestamp) -> Vec<Post> {
    round.update(active, &Sources::of(states), now);
    round.posts(now).collect()
}

/// With an account that answers.
fn post(round: &mut Round, active: Vec<Alert>, now: Timestamp) -> Vec<Post> {
    update(round, active, &answering(), now)
}

fn answering() -> Vec<Arc<AccountState>> {
    account(|acme| acme.count_login(LoginResult::Accepted, at(0)))
}

fn alert(hold_minutes: u64) -> Alert {
    let states = account(|_| ());
    Alert {
        labels: vec![("account", "acme".to_owned()), ("alertname", "LyveCloudCredentialExpired".to_owned())],
        summary: "summary".to_owned(),
        description: "description".to_owned(),
        hold: Duration::from_secs(hold_minutes * 60),
        subject: Some(Subject::of(&states[0], Source::Logins)),
    }
}

fn times(post: &Post) -> (String, String) {
    let times = post.times.as_ref().unwrap();
    (times.starts_at.clone(), times.ends_at.clone())
}

fn from_to(start: i64, end: i64) -> (String, String) {
    (at(start).to_string(), at(end).to_string())
}

/// The process ends, and the next one takes up what this one has left.
fn restart(round: &mut Round, now: Timestamp) {
    let left = round.changes(now).expect("something to leave");
    let left = serde_json::to_string(&left.into_iter().map(|(_, alert)| alert).collect::<Vec<_>>()).unwrap();
    let read: Vec<KnownAlert> = serde_json::from_str(&left).unwrap();
    let identity = Arc::clone(&account(|_| ())[0].spec.identity);
    *round = Round::recall(read.into_iter().map(|alert| (Arc::clone(&identity), alert)).collect());
}

#[test]
fn an_active_alert_is_sent_each_round_with_its_first_instant() {
    let mut round = Round::default();
    let first = post(&mut round, vec![alert(0)], at(0));
    let second = post(&mut round, vec![alert(0)], at(1));
    assert_eq!(times(&first[0]), from_to(0, 120));
    assert_eq!(times(&second[0]), from_to(0, 121));
    assert!(first[0].annotations["runbook_url"].ends_with("#lyvecloudcredentialexpired"));
}

#[test]
fn an_alert_that_ended_is_sent_as_resolved_for_a_while() {
    let mut round = Round::default();
    assert_eq!(post(&mut round, vec![alert(0)], at(0)).len(), 1);
    for minute in 1..=16 {
        let posts = post(&mut round, Vec::new(), at(minute));
        assert_eq!(posts.len(), 1, "minute {minute}");
        assert_eq!(times(&posts[0]), from_to(0, 1));
    }
    assert!(post(&mut round, Vec::new(), at(17)).is_empty());
}

#[test]
fn an_alert_that_has_to_hold_is_not_sent_before() {
    let mut round = Round::default();
    assert!(post(&mut round, vec![alert(5)], at(0)).is_empty());
    assert!(post(&mut round, vec![alert(5)], at(4)).is_empty());
    assert_eq!(post(&mut round, vec![alert(5)], at(5)).len(), 1);
    // It ended before it was sent: nothing to resolve, and the next one holds from its own beginning.
    let mut round = Round::default();
    assert!(post(&mut round, vec![alert(5)], at(0)).is_empty());
    assert!(post(&mut round, Vec::new(), at(4)).is_empty());
    assert!(post(&mut round, vec![alert(5)], at(6)).is_empty());
}

#[test]
fn a_clock_that_was_ahead_leaves_nothing_in_the_future() {
    let mut round = Round::default();
    let _ = post(&mut round, vec![alert(0)], at(100_000));
    let posts = post(&mut round, vec![alert(0)], at(1));
    assert_eq!(times(&posts[0]), from_to(1, 121));
    let _ = post(&mut round, Vec::new(), at(100_000));
    let posts = post(&mut round, Vec::new(), at(3));
    assert_eq!(times(&posts[0]), from_to(1, 3));
}

#[test]
fn an_alert_that_comes_back_starts_anew() {
    let mut round = Round::default();
    let _ = post(&mut round, vec![alert(0)], at(0));
    let _ = post(&mut round, Vec::new(), at(1));
    let posts = post(&mut round, vec![alert(0)], at(2));
    assert_eq!(times(&posts[0]), from_to(2, 122));
}

#[test]
fn after_a_restart_it_goes_on_with_its_first_instant_once_the_vendor_was_asked() {
    let mut round = Round::default();
    assert!(post(&mut round, vec![alert(5)], at(0)).is_empty());
    restart(&mut round, at(1));
    // The time before the restart counts, and what was not asked for yet says neither yes nor no.
    let untried = account(|_| ());
    assert!(update(&mut round, vec![alert(5)], &untried, at(5)).is_empty());
    assert!(update(&mut round, Vec::new(), &untried, at(5)).is_empty());
    assert_eq!(times(&post(&mut round, vec![alert(5)], at(6))[0]), from_to(0, 126));
    restart(&mut round, at(6));
    assert!(update(&mut round, Vec::new(), &untried, at(7)).is_empty());
    assert_eq!(times(&post(&mut round, vec![alert(5)], at(8))[0]), from_to(0, 128));
    // It is told as ended once an answer says so, also by the next process.
    assert_eq!(times(&post(&mut round, Vec::new(), at(9))[0]), from_to(0, 9));
    restart(&mut round, at(9));
    assert_eq!(times(&update(&mut round, Vec::new(), &untried, at(10))[0]), from_to(0, 9));
}

#[test]
fn without_any_answer_it_goes_on_for_as_long_as_an_alertmanager_has_it() {
    let failing = account(|acme| {
        let failure = Failure { at: at(0), reason: Reason::Connect, message: "down".into(), answered: false };
        acme.fail(crate::model::Collector::KEYS, failure, Duration::ZERO);
        acme.count_login(LoginResult::Failed, at(0));
    });
    let mut round = Round::default();
    assert_eq!(post(&mut round, vec![alert(0)], at(0)).len(), 1);
    restart(&mut round, at(0));
    assert_eq!(times(&update(&mut round, Vec::new(), &failing, at(119))[0]), from_to(0, 239));
    let mut round = Round::default();
    assert_eq!(post(&mut round, vec![alert(0)], at(0)).len(), 1);
    restart(&mut round, at(0));
    let posts = update(&mut round, Vec::new(), &failing, at(120));
    assert_eq!(times(&posts[0]), from_to(0, 120), "an Alertmanager has ended it by then");
}

#[test]
fn a_long_stop_and_a_clock_that_was_set_back_change_no_first_instant() {
    let mut round = Round::default();
    assert_eq!(post(&mut round, vec![alert(5)], at(0)).len(), 0);
    assert_eq!(post(&mut round, vec![alert(5)], at(10)).len(), 1);
    restart(&mut round, at(10));
    assert_eq!(times(&post(&mut round, vec![alert(5)], at(1000))[0]), from_to(0, 1120));
    restart(&mut round, at(1000));
    let back = post(&mut round, vec![alert(5)], at(940));
    assert_eq!(times(&back[0]), from_to(0, 1060));
    // An hour off in either direction, an Alertmanager with the right clock does not see an end in the past.
    assert!(times(&back[0]).1 > at(1000).to_string());
}

#[test]
fn an_alert_of_an_account_that_is_gone_or_another_one_ends() {
    let mut round = Round::default();
    assert_eq!(post(&mut round, vec![alert(0)], at(0)).len(), 1);
    assert_eq!(times(&update(&mut round, Vec::new(), &[], at(1))[0]), from_to(0, 1));
    let mut round = Round::default();
    assert_eq!(post(&mut round, vec![alert(0)], at(0)).len(), 1);
    let mut spec = object_storage("acme");
    spec.identity = Arc::new(Identity { id: "another".to_owned(), address: String::new() });
    let another = [state(spec, |_| ())];
    assert_eq!(times(&update(&mut round, Vec::new(), &another, at(1))[0]), from_to(0, 1));
}

#[test]
fn the_next_process_is_told_of_changes_and_now_and_then_that_it_still_holds() {
    let mut round = Round::default();
    let mut told = Vec::new();
    for minute in 0..40 {
        let active = if minute < 35 { vec![alert(5)] } else { Vec::new() };
        let _ = post(&mut round, active, at(minute));
        if let Some(alerts) = round.changes(at(minute)) {
            told.push((minute, alerts[0].1.posted.map(|posted| at(0).duration_until(posted).as_mins())));
        }
    }
    let expected = [(0, None), (5, Some(5)), (20, Some(20)), (35, Some(34))];
    assert_eq!(told, expected);
}

#[test]
fn what_says_that_the_exporter_runs_has_the_alertmanagers_own_times_and_is_not_kept() {
    let mut round = Round::default();
    let heartbeat = Alert { subject: None, ..alert(0) };
    let posts = post(&mut round, vec![heartbeat], at(0));
    let post = serde_json::to_value(&posts[0]).unwrap();
    assert!(post.get("startsAt").is_none() && post.get("endsAt").is_none(), "{post}");
    assert_eq!(round.changes(at(0)), Some(Vec::new()));
}

#[test]
fn every_source_is_known_once_it_was_asked() {
    let subject = |source| Subject::of(&account(|_| ())[0], source);
    let knowledge = |states: &[Arc<AccountState>], source| Sources::of(states).knowledge(&subject(source));
    let read = account(|acme| {
        acme.succeed(answer(Vec::<crate::model::User>::new()), at(0), Duration::ZERO);
    });
    assert_eq!(knowledge(&read, Source::AccessKeys), Knowledge::Answer);
    assert_eq!(knowledge(&read, Source::Logins), Knowledge::NotAsked);
    let recalled = account(|acme| acme.recall(read[0].memory()));
    assert_eq!(knowledge(&recalled, Source::AccessKeys), Knowledge::NotAsked);
    assert_eq!(knowledge(&answering(), Source::Logins), Knowledge::Answer);
}
