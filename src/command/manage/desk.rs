//! Where a verb is carried out: for which account, with which flags, and who can be asked.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Failure;
use super::explain::explain;
use super::patience::say;
use super::secret_file::{Left, SecretFile, left};
use super::show::{Change, end};
use crate::api::{ManageError, NewPair, Outcome};
use crate::cli::{ManageOptions, Output, SecretPlace};
use crate::clock::{self, Clock};
use crate::command::table::printable;
use crate::config::Account;

/// How long after a lost answer the vendor is looked at a second time.
const SECOND_LOOK: Duration = Duration::from_secs(3);

/// What every verb needs.
pub(super) struct Desk<'a> {
    pub(super) account: &'a Account,
    pub(super) options: &'a ManageOptions,
    pub(super) clock: Arc<dyn Clock>,
    /// How the next command begins.
    pub(super) command: String,
}

/// What somebody has to type before something is changed.
pub(super) enum Question<'a> {
    /// `yes`.
    Yes,
    /// This very text, as what is done cannot be undone.
    Type(&'a str),
}

/// How a change ended that was answered, or looked for where its answer was lost.
pub(super) enum Settled<T, F> {
    /// The vendor answered.
    Answered(T),
    /// The answer was lost, and what was asked for is there.
    Found(F),
}

impl Desk<'_> {
    /// Rejects a change that nobody can be asked about, before anything is asked for.
    pub(super) fn may_change(&self) -> Result<(), Failure> {
        let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
        if self.options.yes || self.options.dry_run || can_ask {
            return Ok(());
        }
        Err(Failure::Misused(
            "this changes something, and there is no terminal to ask on: give --yes, or --dry-run to see what it would do"
                .to_owned(),
        ))
    }

    /// Rejects a new secret that could go nowhere, before anything is asked for.
    pub(super) fn may_get_secret(&self, place: &SecretPlace) -> Result<(), Failure> {
        let misused = |problem: String| Err(Failure::Misused(problem));
        match &place.file {
            Some(_) => Ok(()),
            None if self.options.dry_run => Ok(()),
            None if self.options.output == Output::Json => {
                misused("with --output json a new secret needs --secret-file".to_owned())
            }
            None if !io::stdout().is_terminal() => misused(
                "standard output is no terminal, and a secret goes nowhere else: give --secret-file"
                    .to_owned(),
            ),
            None => Ok(()),
        }
    }

    /// Says what is about to be done.
    pub(super) fn announce(&self, text: &str) {
        say(text);
    }

    /// Asks, unless `--yes` is given.
    pub(super) fn confirm(&self, question: &Question<'_>) -> Result<(), Failure> {
        if self.options.yes {
            return Ok(());
        }
        let wanted = match question {
            Question::Yes => "yes",
            Question::Type(text) => text,
        };
        let mut out = io::stderr();
        let asked = write!(out, "Type {} to go on: ", printable(wanted)).and_then(|()| out.flush());
        let mut line = String::new();
        let read = asked.and_then(|()| io::stdin().read_line(&mut line));
        if read.is_ok() && line.trim_end_matches(['\r', '\n']) == wanted {
            return Ok(());
        }
        Err(Failure::Failed("not confirmed: nothing was changed".to_owned()))
    }

    /// Prints what came of it: the text for a person, or the JSON.
    pub(super) fn print(&self, json: &impl Serialize, text: &str) -> Result<(), Failure> {
        let text = match self.options.output {
            Output::Table => text.to_owned(),
            Output::Json => {
                let json = serde_json::to_string_pretty(json);
                json.map_err(|_| Failure::Failed("the result cannot be written as JSON".to_owned()))? + "\n"
            }
        };
        print(&text)
    }

    /// Prints what a change came to, and what to do next.
    pub(super) fn print_change(&self, change: &Change, text: &str) -> Result<(), Failure> {
        let mut text = format!("{text}\n");
        for next in &change.next {
            text.push_str(&format!("  {next}\n"));
        }
        self.print(change, &text)
    }

    /// A change of this account.
    pub(super) fn change(&self, kind: &'static str, action: &'static str, name: &str) -> Change {
        Change {
            account: self.account.name.clone(),
            kind,
            action,
            dry_run: self.options.dry_run,
            changed: !self.options.dry_run,
            name: name.to_owned(),
            ..Change::default()
        }
    }

    /// A further command for the same account.
    pub(super) fn next(&self, words: &str) -> String {
        format!("{} {words}", self.command)
    }

    /// Sees a change through whose answer may have been lost: then `look` says whether it was done. It is not repeated.
    pub(super) async fn settle<T, F>(
        &self,
        answer: Result<T, ManageError>,
        look: impl AsyncFn() -> Result<Option<F>, ManageError>,
    ) -> Result<Settled<T, F>, Failure> {
        let error = match answer {
            Ok(answer) => return Ok(Settled::Answered(answer)),
            Err(error) if error.outcome == Outcome::NotDone => return Err(error.into()),
            Err(error) => error,
        };
        say(&format!("{error}: looking whether it was done all the same"));
        let mut looked = look().await;
        if let Ok(None) = looked {
            // The vendor may be at it still.
            self.clock.sleep_until(clock::after(self.clock.now(), SECOND_LOOK)).await;
            looked = look().await;
        }
        match looked {
            Ok(Some(found)) => {
                say("it was done");
                Ok(Settled::Found(found))
            }
            Ok(None) => Err(Failure::Failed(format!(
                "{error}. It was not done: nothing was changed. Run the command again"
            ))),
            Err(second) => Err(Failure::Failed(format!(
                "{error}. Whether it was done is not known, as looking failed too: {} See what there is with `list` before you run \
                 the command again",
                explain(&second)
            ))),
        }
    }

    /// Creates the file for a new secret, where one is wanted.
    pub(super) fn secret_file(&self, place: &SecretPlace) -> Result<Option<SecretFile>, Failure> {
        let Some(path) = &place.file else { return Ok(None) };
        SecretFile::create(path).map(Some).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return Failure::Failed(Self::taken(path));
            }
            Failure::Failed(format!(
                "cannot write --secret-file {}: {error}; the vendor was not asked for anything new",
                path.display()
            ))
        })
    }

    /// Why a file that exists is not written.
    fn taken(path: &Path) -> String {
        let what = match left(path) {
            Some(Left::Nothing) => "an interrupted run left it, and it holds no secret: remove it".to_owned(),
            Some(Left::Pair(id)) => format!("it holds the pair of {id}: choose another name"),
            _ => "choose another name".to_owned(),
        };
        let path = path.display();
        format!(
            "--secret-file {path} exists and is not overwritten; {what}. The vendor was not asked for anything new"
        )
    }

    /// Brings a new pair to safety: into the file, or onto the terminal.
    pub(super) fn keep(
        &self,
        file: Option<SecretFile>,
        place: &SecretPlace,
        (name, pair): (&str, &NewPair),
        delete: &str,
    ) -> Result<(), Failure> {
        let Some(mut file) = file else { return self.show_pair(pair) };
        let Err(error) = file.store(name, pair) else { return Ok(()) };
        file.discard();
        let path = place.file.as_deref().unwrap_or(Path::new("")).display().to_string();
        let id = &pair.id;
        let key = &pair.access_key;
        if io::stdout().is_terminal() {
            say(&format!("cannot write {path}: {error}; so the pair is shown here"));
            return self.show_pair(pair);
        }
        Err(Failure::Failed(format!(
            "the vendor made {id} with the access key {key}, but its secret could not be written to {path}: {error}. The vendor does \
             not show it again. Make room, delete what was made, and run the command again:\n  {delete}"
        )))
    }

    fn show_pair(&self, pair: &NewPair) -> Result<(), Failure> {
        let end = end(pair.expiry, self.clock.now());
        let text = zeroize::Zeroizing::new(format!(
            "access key: {}\nsecret:     {}\n{end}; the vendor does not show the secret again\n",
            printable(&pair.access_key),
            pair.secret.expose()
        ));
        print(&text)
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that has closed its end, such as `head`, has what it wanted.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Unwritten(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

impl Failure {
    pub(super) fn failed(what: &str, why: impl Display) -> Self {
        Self::Failed(format!("{what}: {why}"))
    }
}

impl From<ManageError> for Failure {
    fn from(error: ManageError) -> Self {
        Self::Failed(explain(&error))
    }
}
