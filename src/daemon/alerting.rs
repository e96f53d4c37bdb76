use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::Transport;
use crate::config::Config;
use crate::http::Web;
use crate::metrics::ExporterMetrics;
use crate::notify::{self, Outcomes, Sender};
use crate::problems::Problems;

/// The notifier's part of the configuration, and how it changes.
#[derive(Clone, Debug)]
pub(super) struct Alerting {
    outcomes: Outcomes,
    /// Where people look, unless the configuration says it.
    own_address: String,
    sender: watch::Sender<Option<Arc<Sender>>>,
}

impl Alerting {
    pub(super) fn new(
        own: &ExporterMetrics,
        problems: &Arc<Problems>,
        listeners: &[TcpListener],
        tls: bool,
        web: &Web,
    ) -> io::Result<Self> {
        let outcomes = Outcomes::new(own.registry(), Arc::clone(problems)).map_err(io::Error::other)?;
        let own_address = match &web.external_url {
            Some(url) => url.to_string(),
            None => own_address(listeners, tls, &web.route_prefix)?,
        };
        Ok(Self { outcomes, own_address, sender: watch::Sender::new(None) })
    }

    pub(super) fn sender(&self) -> watch::Receiver<Option<Arc<Sender>>> {
        self.sender.subscribe()
    }

    /// Makes what the notifier needs under `config`. Blocks on the file system.
    pub(super) fn plan(&self, config: &Config) -> io::Result<Option<Arc<Sender>>> {
        let Some(alertmanager) = &config.alertmanager else { return Ok(None) };
        let mut transport = Transport::new(notify::TIMEOUT).map_err(io::Error::other)?;
        if let Some(ca_file) = &alertmanager.ca_file {
            transport = transport.trusting(ca_file).map_err(io::Error::other)?;
        }
        let status_page = match &alertmanager.external_url {
            Some(url) => url.to_string(),
            None => self.own_address.clone(),
        };
        let sender = Sender::new(transport, alertmanager, status_page, self.outcomes.clone());
        Ok(Some(Arc::new(sender)))
    }

    pub(super) fn change(&self, sender: Option<Arc<Sender>>) {
        self.outcomes.show(sender.as_deref());
        self.sender.send_replace(sender);
    }
}

/// How people reach this machine's status page, as far as it can be guessed: its name and the first listener's port.
fn own_address(listeners: &[TcpListener], tls: bool, prefix: &str) -> io::Result<String> {
    let port =
        listeners.first().map(TcpListener::local_addr).transpose()?.map_or(0, |address| address.port());
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = match name.trim() {
        "" => "localhost",
        name => name,
    };
    let scheme = if tls { "https" } else { "http" };
    Ok(format!("{scheme}://{name}:{port}{prefix}/"))
}
