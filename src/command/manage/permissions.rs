//! The verbs of permissions.

use super::Failure;
use super::desk::{Desk, Question, Settled};
use super::explain::is_gone;
use super::patience::patiently;
use super::show::{self, Change, PermissionView, Reference, covers, named, sheet};
use crate::api::account_v2::writer::Writer;
use crate::cli::{Actions, PermissionKind, PermissionParts, PermissionVerb};
use crate::model::{ManagedPermission, PermissionSpec};

const KIND: &str = "permission";

pub(super) async fn carry_out(desk: &Desk<'_>, writer: &Writer, verb: PermissionVerb) -> Result<(), Failure> {
    match verb {
        PermissionVerb::List => {
            let listed = writer.permissions().await?;
            let views: Vec<PermissionView<'_>> = listed.iter().map(PermissionView::of).collect();
            desk.print(&views, &show::permissions(&listed))
        }
        PermissionVerb::Get { id } => get(desk, writer, &id).await,
        PermissionVerb::Create { name, parts } => create(desk, writer, name, parts).await,
        PermissionVerb::Update { id, name, parts } => update(desk, writer, &id, name, parts).await,
        PermissionVerb::Delete { id } => delete(desk, writer, &id).await,
    }
}

async fn get(desk: &Desk<'_>, writer: &Writer, id: &str) -> Result<(), Failure> {
    let permission = writer.permission(id).await?;
    let users = users(writer, id).await?;
    let spec = &permission.spec;
    let text = sheet([
        ("id", permission.id.clone()),
        ("name", spec.name.clone()),
        ("description", spec.description.clone()),
        ("covers", covers(spec)),
        ("actions", spec.actions.clone()),
        ("policy", spec.policy.clone()),
        ("ready", permission.ready.map_or("unknown", |ready| if ready { "yes" } else { "no" }).to_owned()),
        ("created", permission.created.clone()),
        ("used by", names(&users)),
    ]);
    desk.print(&PermissionView::of(&permission).used_by(users), &text)
}

fn names(users: &[Reference]) -> String {
    if users.is_empty() {
        return "no service account".to_owned();
    }
    users.iter().map(|user| named(&user.name, &user.id)).collect::<Vec<_>>().join(", ")
}

/// The service accounts that use a permission. The list does not tell, so each is asked for.
async fn users(writer: &Writer, id: &str) -> Result<Vec<Reference>, Failure> {
    let mut users = Vec::new();
    for listed in writer.service_accounts().await? {
        match writer.service_account(&listed.id).await {
            Ok(account) if account.spec.permissions.iter().any(|used| used == id) => {
                users.push(Reference::of(&account));
            }
            Ok(_) => {}
            // Somebody deleted it since it was listed.
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(users)
}

/// What is given, over what there is. Of another type only name and description stay.
fn spec_of(mut spec: PermissionSpec, parts: PermissionParts) -> Result<PermissionSpec, Failure> {
    if let Some(kind) = parts.kind.map(kind_name).filter(|kind| *kind != spec.kind) {
        let PermissionSpec { name, description, actions, .. } = spec;
        let actions = if kind == "policy" { String::new() } else { actions };
        spec =
            PermissionSpec { name, description, actions, kind: kind.to_owned(), ..PermissionSpec::default() };
    }
    if let Some(description) = parts.description {
        spec.description = description;
    }
    if let Some(actions) = parts.actions {
        actions_name(actions).clone_into(&mut spec.actions);
    }
    if let Some(prefix) = parts.prefix {
        spec.prefix = prefix;
    }
    if !parts.buckets.is_empty() {
        spec.buckets = parts.buckets;
    }
    if let Some(path) = parts.policy_file {
        let unreadable =
            |error| Failure::failed(&format!("cannot read --policy-file {}", path.display()), error);
        spec.policy = std::fs::read_to_string(&path).map_err(unreadable)?;
        if serde_json::from_str::<serde_json::Map<_, _>>(&spec.policy).is_err() {
            return Err(Failure::Misused(format!("--policy-file {}: is no JSON object", path.display())));
        }
    }
    check(&spec)?;
    Ok(spec)
}

/// Insists on what the type takes, and on nothing else.
fn check(spec: &PermissionSpec) -> Result<(), Failure> {
    let kind = spec.kind.as_str();
    let (actions, prefix, buckets, policy) = match kind {
        "all-buckets" => (true, false, false, false),
        "bucket-prefix" => (true, true, false, false),
        "bucket-names" => (true, false, true, false),
        "policy" => (false, false, false, true),
        "" => return Err(Failure::Misused("give --type".to_owned())),
        other => {
            return Err(Failure::Failed(format!("the vendor has a type that is not known here: {other}")));
        }
    };
    let problems: Vec<String> = [
        ("--actions", actions, spec.actions.is_empty()),
        ("--prefix", prefix, spec.prefix.is_empty()),
        ("--bucket", buckets, spec.buckets.is_empty()),
        ("--policy-file", policy, spec.policy.is_empty()),
    ]
    .into_iter()
    .filter_map(|(flag, wanted, missing)| match (wanted, missing) {
        (true, true) => Some(format!("--type {kind} needs {flag}")),
        (false, false) => Some(format!("--type {kind} takes no {flag}")),
        _ => None,
    })
    .collect();
    if problems.is_empty() { Ok(()) } else { Err(Failure::Misused(problems.join("; "))) }
}

const fn kind_name(kind: PermissionKind) -> &'static str {
    match kind {
        PermissionKind::AllBuckets => "all-buckets",
        PermissionKind::BucketPrefix => "bucket-prefix",
        PermissionKind::BucketNames => "bucket-names",
        PermissionKind::Policy => "policy",
    }
}

const fn actions_name(actions: Actions) -> &'static str {
    match actions {
        Actions::AllOperations => "all-operations",
        Actions::ReadOnly => "read-only",
        Actions::WriteOnly => "write-only",
    }
}

async fn create(
    desk: &Desk<'_>,
    writer: &Writer,
    name: String,
    parts: PermissionParts,
) -> Result<(), Failure> {
    desk.may_change()?;
    let spec = spec_of(PermissionSpec { name, ..PermissionSpec::default() }, parts)?;
    let before = writer.permissions().await?;
    if let Some(twin) = before.iter().find(|other| other.spec.name == spec.name) {
        let twin = named(&twin.spec.name, &twin.id);
        return Err(Failure::Failed(format!("there is a permission {twin} already: choose another name")));
    }
    let actions = if spec.actions.is_empty() { String::new() } else { format!(", {}", spec.actions) };
    let what = format!("{:?} for {}{actions}", spec.name, covers(&spec));
    desk.announce(&format!("Creates the permission {what} in account {}.", desk.account.name));
    let change = desk.change(KIND, "create", &spec.name);
    if desk.options.dry_run {
        return desk.print_change(&change, &format!("would create the permission {what}"));
    }
    desk.confirm(&Question::Yes)?;
    let made = patiently(&*desk.clock, async || writer.create_permission(&spec).await).await;
    let found = async || {
        let is_new = |found: &ManagedPermission| {
            found.spec.name == spec.name && !before.iter().any(|other| other.id == found.id)
        };
        Ok(writer.permissions().await?.into_iter().find(is_new).map(|found| found.id))
    };
    let (Settled::Answered(id) | Settled::Found(id)) = desk.settle(made, found).await?;
    let text = format!("created the permission {}; it is ready in some minutes", named(&spec.name, &id));
    desk.print_change(&Change { id: Some(id), ..change }, &text)
}

async fn update(
    desk: &Desk<'_>,
    writer: &Writer,
    id: &str,
    name: Option<String>,
    parts: PermissionParts,
) -> Result<(), Failure> {
    desk.may_change()?;
    if name.is_none() && parts == PermissionParts::default() {
        return Err(Failure::Misused("nothing to update is given: see --help".to_owned()));
    }
    let old = writer.permission(id).await?;
    let mut spec = old.spec.clone();
    if let Some(name) = name {
        spec.name = name;
    }
    let spec = spec_of(spec, parts)?;
    let change = Change { id: Some(id.to_owned()), ..desk.change(KIND, "update", &spec.name) };
    let what = named(&old.spec.name, id);
    if spec == old.spec {
        return desk.print_change(
            &Change { changed: false, ..change },
            &format!("the permission {what} is so already"),
        );
    }
    let users = users(writer, id).await?;
    desk.announce(&format!(
        "Updates the permission {what} in account {}: it will cover {}{}. Used by {}.",
        desk.account.name,
        covers(&spec),
        if spec.actions.is_empty() { String::new() } else { format!(", {}", spec.actions) },
        names(&users)
    ));
    if desk.options.dry_run {
        return desk.print_change(&change, &format!("would update the permission {what}"));
    }
    desk.confirm(&Question::Yes)?;
    let done = patiently(&*desk.clock, async || writer.update_permission(id, &spec).await).await;
    let found = async || {
        let now = writer.permission(id).await?;
        Ok((now.spec == spec).then_some(()))
    };
    desk.settle(done, found).await?;
    desk.print_change(&change, &format!("updated the permission {}", named(&spec.name, id)))
}

async fn delete(desk: &Desk<'_>, writer: &Writer, id: &str) -> Result<(), Failure> {
    desk.may_change()?;
    let old = writer.permission(id).await?;
    let what = named(&old.spec.name, id);
    let users = users(writer, id).await?;
    if !users.is_empty() {
        return Err(Failure::Failed(format!(
            "the permission {what} is in use and cannot be deleted; first update or delete: {}",
            names(&users)
        )));
    }
    desk.announce(&format!(
        "Deletes the permission {what} in account {}: it covers {}; no service account uses it. This cannot be undone.",
        desk.account.name,
        covers(&old.spec)
    ));
    let change = Change { id: Some(id.to_owned()), ..desk.change(KIND, "delete", &old.spec.name) };
    if desk.options.dry_run {
        return desk.print_change(&change, &format!("would delete the permission {what}"));
    }
    desk.confirm(&Question::Type(if old.spec.name.is_empty() { id } else { &old.spec.name }))?;
    let done = patiently(&*desk.clock, async || writer.delete_permission(id).await).await;
    desk.settle(done, async || match writer.permission(id).await {
        Err(error) if is_gone(&error) => Ok(Some(())),
        other => other.map(|_| None),
    })
    .await?;
    desk.print_change(&change, &format!("deleted the permission {what}"))
}
