//! `demo --from-report`: the simulated vendor answers as a report says that another one does, with made-up values.

mod answer;
mod read;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;
use url::Url;
use url::form_urlencoded;

use self::answer::{Asked, Maker};
use self::read::{Reported, ReportedAnswer};
use crate::clock::Clock;
use crate::config::{Account, Api, Config, History, ObjectStorage, Secret, SecretSource};
use crate::model::{Endpoint, Expiry, Month};
use crate::simulator::{Canned, CannedAnswer, CannedRequest};

pub use self::read::BadReport;

/// So many closed months are asked for, so that every number of a month comes.
const MONTHS: u32 = 12;

/// The vendors of a report, each on a port of its own. They stop when this is dropped.
#[derive(Debug)]
pub struct Replay {
    servers: Vec<(String, Canned)>,
    /// What of the report cannot be replayed.
    pub left_out: Vec<String>,
}

impl Replay {
    /// Starts what a report describes.
    ///
    /// # Errors
    /// Where it is no report, or the system gives no port.
    pub async fn start(report: &str, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let accounts =
            read::read(report).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let mut replay = Self { servers: Vec::new(), left_out: Vec::new() };
        for (index, account) in accounts.into_iter().enumerate() {
            let name = format!("account-{}", index + 1);
            for (endpoint, answer) in &account.endpoints {
                if answer.status.is_none() {
                    replay.left_out.push(format!(
                        "{name}: {endpoint} got no answer; here it answers 503, as what is between the user and the vendor is not here"
                    ));
                }
                if answer
                    .shape
                    .as_ref()
                    .is_some_and(|shape| shape.nodes.keys().any(|path| path.ends_with('?')))
                {
                    replay.left_out.push(format!(
                        "{name}: {endpoint} has keys whose names are left out; here they are others"
                    ));
                }
            }
            let api = account.api.clone();
            let vendor = Vendor::new(account, clock.now());
            let server = Canned::start(Arc::clone(&clock), move |request| vendor.answer(request)).await?;
            replay.servers.push((api, server));
        }
        Ok(replay)
    }

    /// A configuration that watches every account of the report.
    ///
    /// # Errors
    /// None in practice: the addresses are URLs.
    pub fn config(&self) -> io::Result<Config> {
        let account = |(index, (api, server)): (usize, &(String, Canned))| {
            let name = format!("account-{}", index + 1);
            let pair = || SecretSource::Inline(Secret::new("replayed".to_owned()));
            let url: Url = server.object_storage_url().parse().map_err(io::Error::other)?;
            let api = if api == "object_storage" {
                Api::ObjectStorage(ObjectStorage {
                    iam_url: url.clone(),
                    s3_url: url,
                    max_age: None,
                    key_digest: None,
                })
            } else {
                Api::AccountV2 { base_url: server.base_url().parse().map_err(io::Error::other)? }
            };
            Ok(Account {
                account_id: name.clone(),
                name,
                api,
                access_key: pair(),
                secret: pair(),
                credential: Expiry::Unknown,
                ca_file: None,
                price: None,
                credential_warning: None,
                usage_drop: None,
            })
        };
        let accounts: io::Result<Vec<_>> = self.servers.iter().enumerate().map(account).collect();
        Ok(Config { history: History { months: MONTHS }, ..Config::of(accounts?) })
    }
}

/// The vendor of one account.
struct Vendor {
    account: Reported,
    makers: Mutex<BTreeMap<Endpoint, Maker>>,
}

impl Vendor {
    fn new(account: Reported, now: Timestamp) -> Self {
        let makers = account
            .endpoints
            .iter()
            .filter_map(|(endpoint, answer)| Some((*endpoint, Maker::new(answer.shape.clone()?, now))));
        let makers = Mutex::new(makers.collect());
        Self { account, makers }
    }

    fn answer(&self, request: CannedRequest<'_>) -> CannedAnswer {
        let Some((endpoint, asked)) = question(request) else { return failed(404, "NotFound") };
        let Some(answer) = self.account.endpoints.get(&endpoint) else { return failed(404, "NotFound") };
        let mut makers = self.makers.lock().unwrap_or_else(PoisonError::into_inner);
        match (answer, makers.get_mut(&endpoint)) {
            (ReportedAnswer { status: None, .. }, _) => failed(503, "NotReplayed"),
            (ReportedAnswer { status: Some(status @ 300..), code, .. }, _) => {
                failed(*status, code.as_deref().unwrap_or_default())
            }
            (_, Some(maker)) => made(endpoint, maker, &asked),
            // What could not be read.
            (_, None) => {
                CannedAnswer { status: 200, content_type: "text/plain", body: "replayed".to_owned() }
            }
        }
    }
}

fn made(endpoint: Endpoint, maker: &mut Maker, asked: &Asked) -> CannedAnswer {
    let root = match endpoint {
        Endpoint::ListBuckets => "ListAllMyBucketsResult",
        Endpoint::ListUsers => "ListUsersResponse",
        Endpoint::ListAccessKeys => "ListAccessKeysResponse",
        _ => {
            let body = maker.json(asked).to_string();
            return CannedAnswer { status: 200, content_type: "application/json", body };
        }
    };
    CannedAnswer { status: 200, content_type: "text/xml", body: maker.xml(root) }
}

fn failed(status: u16, code: &str) -> CannedAnswer {
    let body = json!({"code": code, "message": "replayed"}).to_string();
    CannedAnswer { status, content_type: "application/json", body }
}

/// What a request asks.
fn question(request: CannedRequest<'_>) -> Option<(Endpoint, Asked)> {
    let parameters = |text: &[u8]| -> BTreeMap<String, String> {
        form_urlencoded::parse(text).map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
    };
    let endpoint = match (request.method, request.path) {
        ("POST", "/auth/token") => Endpoint::Login,
        ("GET", "/auth/token") => Endpoint::Session,
        ("GET", "/usage/current") => Endpoint::CurrentUsage,
        ("GET", "/service-accounts") => Endpoint::ServiceAccounts,
        ("GET", "/permissions") => Endpoint::Permissions,
        ("GET", "/usage/monthly") => {
            let query = parameters(request.query.as_bytes());
            let number = |key: &str| query.get(key)?.parse::<i32>().ok();
            let month = |month: &str, year: &str| {
                let text = format!("{:04}-{:02}", number(year)?, number(month)? + 1);
                text.parse::<Month>().ok()
            };
            let (from, to) = (month("fromMonth", "fromYear")?, month("toMonth", "toYear")?);
            let months = (0..=to.since(from)).map(|step| from.plus(step)).collect();
            return Some((Endpoint::MonthlyUsage, Asked::Months(months)));
        }
        ("GET", "/") if request.query.starts_with("rs-bucket-stats") => Endpoint::BucketStats,
        ("GET", "/") => Endpoint::ListBuckets,
        ("POST", "/") => {
            let form = parameters(request.body);
            let action = form.get("Action")?;
            let day = |key: &str| form.get(key)?.get(..10)?.parse::<Date>().ok();
            if let (Some(first), Some(last)) = (day("From"), day("Till")) {
                let days = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last).collect();
                return Some((Endpoint::Billing, Asked::Days(days)));
            }
            Endpoint::ALL.iter().copied().find(|endpoint| endpoint.name() == action)?
        }
        _ => return None,
    };
    Some((endpoint, Asked::Nothing))
}
