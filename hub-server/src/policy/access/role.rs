//! Reads the roles of an access file. A role that allowed more than its text says would be noticed only
//! when somebody has used it.

use std::sync::Arc;

use hub_wire::{Overflow, TopicName};

use super::error::AccessError;
use super::filters::{IDENTITY, Pattern};
use super::powers::{GroupPattern, RolePowers};
use super::rights::{Patterns, PublishRate, Role};
use super::table::Access;
use super::toml_reader::{Node, Table, list};

/// These keys of `subscribe` give the rights to do what other clients feel.
const POWERS: [&str; 4] = ["block", "groups", "observe", "inbox_overflow"];

/// An error about an unknown name shows at most this many names, the nearest first.
const NEAR_NAMES: usize = 5;

/// Reads a table `[roles.NAME]`.
pub(super) fn role(node: &Node<'_>) -> Result<Role, AccessError> {
    let name = word(node, node.name)?;
    let table = node.table()?.only(&["publish", "subscribe", "view", "admin", "quarantine"])?;
    let flag = |key| table.get(key).map_or(Ok(false), Node::boolean);
    let view = |node: &Node<'_>| Ok((word(node, node.text()?)?, node.declared_at()));
    let (view, view_at) = table.get("view").map(view).transpose()?.unzip();
    Ok(Role {
        name,
        publish: patterns(&table, "publish", &RATES)?,
        subscribe: patterns(&table, "subscribe", &POWERS)?,
        view,
        view_at,
        admin: flag("admin")?,
        quarantine: flag("quarantine")?,
        rate: rate(&table)?,
        powers: powers(&table)?,
    })
}

/// Reads the name of a role or a view.
fn word(node: &Node<'_>, text: &str) -> Result<Arc<str>, AccessError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.into())
    } else {
        Err(node.error("must be a name of 1 to 64 ASCII letters, digits, - and _"))
    }
}

const RATES: [&str; 2] = ["events_per_second", "bytes_per_second"];

/// Reads how fast an identity with this role may publish.
fn rate(role: &Table<'_>) -> Result<PublishRate, AccessError> {
    let Some(node) = role.get("publish") else { return Ok(PublishRate::default()) };
    let table = node.table()?;
    let number = |key| table.get(key).map(|node| node.number(0..=1 << 40)).transpose();
    let [events, bytes] = RATES;
    Ok(PublishRate { events: number(events)?, bytes: number(bytes)? })
}

/// Reads the rights to do what other clients feel.
fn powers(role: &Table<'_>) -> Result<RolePowers, AccessError> {
    let mut powers = RolePowers::default();
    let Some(node) = role.get("subscribe") else { return Ok(powers) };
    let table = node.table()?;
    if let Some(node) = table.get("block") {
        for (node, text) in node.texts()? {
            powers.block.push(pattern("subscribe", &node, text)?);
        }
    }
    if let Some(node) = table.get("groups") {
        for (node, text) in node.texts()? {
            match text {
                IDENTITY => powers.own_group = true,
                _ => powers.groups.push(group(&node, text)?),
            }
        }
    }
    powers.observe = table.get("observe").map_or(Ok(false), Node::boolean)?;
    if let Some(node) = table.get("inbox_overflow") {
        for (node, text) in node.texts()? {
            powers.inbox_overflow.push(text.parse().map_err(|_| {
                let known = Overflow::ALL.map(Overflow::name);
                node.error(format!("is not an overflow policy; there is {}", list(&known)))
            })?);
        }
    }
    Ok(powers)
}

/// Reads the name of a queue group, or the beginning of names with `*` behind it.
fn group(node: &Node<'_>, text: &str) -> Result<GroupPattern, AccessError> {
    if text == "*" || TopicName::is_label(text.strip_suffix('*').unwrap_or(text)) {
        return Ok(GroupPattern::new(text));
    }
    Err(node.error(format!(
        "must be the name of a queue group, which has 1 to 64 of the bytes of a topic's token, or the \
         beginning of names with `*` behind it, or `{IDENTITY}`"
    )))
}

fn patterns(role: &Table<'_>, right: &str, also: &[&str]) -> Result<Patterns, AccessError> {
    let Some(node) = role.get(right) else { return Ok(Patterns::default()) };
    let table = node.table()?.only(&[&["allow", "deny"], also].concat())?;
    let list = |key| {
        let Some(node) = table.get(key) else { return Ok(Vec::new()) };
        node.texts()?.into_iter().map(|(node, text)| pattern(right, &node, text)).collect()
    };
    Ok(Patterns { allow: list("allow")?, deny: list("deny")? })
}

fn pattern(right: &str, node: &Node<'_>, text: &str) -> Result<Pattern, AccessError> {
    let pattern = Pattern::parse(text).map_err(|error| {
        node.error(format!(
            "is not a topic filter: {error}; `{{identity}}` can only stand for a whole token"
        ))
    })?;
    let first = pattern.first_token();
    if !first.starts_with('$') || (right == "subscribe" && first == "$hub") {
        return Ok(pattern);
    }
    Err(node.error(match right {
        "subscribe" => {
            "begins with `$`; of the hub's own topics only those under `$hub` can be named"
        }
        _ => "begins with `$`; nobody publishes on the hub's own topics, and inboxes need no right",
    }))
}

/// Reads the names of roles.
pub(super) fn roles(access: &Access, node: &Node<'_>) -> Result<Vec<Arc<Role>>, AccessError> {
    let mut roles: Vec<Arc<Role>> = Vec::new();
    for (node, text) in node.texts()? {
        let Some(role) = access.roles.get(text) else {
            let names = nearest(text, access.roles.keys().map(String::as_str));
            return Err(node.error(match names.is_empty() {
                true => "is not a role; the file has no role".to_owned(),
                false => format!("is not a role; the nearest are {}", list(&names)),
            }));
        };
        if !roles.iter().any(|had| Arc::ptr_eq(had, role)) {
            roles.push(role.clone());
        }
    }
    Ok(roles)
}

/// Returns the names to which the fewest edits lead from `text`, the nearest first.
pub(super) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // A longer text has no near name, and would take long to compare.
    let short: String = text.chars().take(64).collect();
    let edits = |name: &str| strsim::levenshtein(&short.to_lowercase(), &name.to_lowercase());
    let mut names: Vec<_> = names.map(|name| (edits(name), name)).collect();
    names.sort_unstable();
    names.into_iter().take(NEAR_NAMES).map(|(_, name)| name).collect()
}
