//! Reads an access file: turns TOML into an [`Access`], with every check. An error that passed here would be
//! found only when a client is refused or accepted.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm;

use super::error::{AccessError, Reason};
use super::hash::{Kind, SecretHash};
use super::jwks::ALGORITHMS;
use super::jwt::{IdentityNaming, Issuer};
use super::keys::{KEYS, Keys};
use super::name::IdentityName;
use super::named_files::Files;
use super::rights::Role;
use super::role::{role, roles};
use super::secret_hashes::{OwnedHash, SecretHashes};
use super::table::{ANONYMOUS, Access, Anonymous, IdentityEntry};
use super::token_format;
use super::toml_reader::{Node, Table, TomlText, list};

const TABLES: [&str; 5] = ["roles", "identities", "anonymous", "other_certificates", "jwt"];

impl Access {
    /// Reads an access file. `source` is the name of the file in errors, and `files` reads the
    /// files that the access file names.
    ///
    /// ```
    /// use hub_server::access::{Access, Folder};
    /// let text = r#"
    ///     [roles.reader]
    ///     subscribe.allow = "orders.**"
    ///     [anonymous]
    ///     roles = "reader"
    /// "#;
    /// let access = Access::load(text, "access.toml", &Folder(".".into()))?;
    /// # Ok::<(), hub_server::access::AccessError>(())
    /// ```
    ///
    /// # Errors
    /// Returns the first error, with its line and its key.
    pub fn load(text: &str, source: &str, files: &dyn Files) -> Result<Access, AccessError> {
        load(TomlText { name: source, text }, files)
    }
}

fn load(source: TomlText<'_>, files: &dyn Files) -> Result<Access, AccessError> {
    let toml = source.parse()?;
    let root = Table::root(source, toml.get_ref()).only(&TABLES)?;
    let mut access = Access::empty();
    if let Some(roles) = root.get("roles") {
        for node in roles.table()?.entries() {
            let role = role(node)?;
            access.roles.insert(role.name.to_string(), Arc::new(role));
        }
    }
    if let Some(identities) = root.get("identities") {
        for node in identities.table()?.entries() {
            identity(&mut access, node)?;
        }
    }
    if let Some(node) = root.get("anonymous") {
        access.anonymous = anonymous(&access, node)?;
    }
    if let Some(node) = root.get("other_certificates") {
        let table = node.table()?.only(&["roles", "prefix"])?;
        let maker = IdentityNaming {
            prefix: prefix(&table)?,
            roles: roles(&access, table.need("roles")?)?,
        };
        access.other_certificates = Some(maker);
    }
    if let Some(node) = root.get("jwt") {
        for table in node.tables()? {
            issuer(&mut access, table, files)?;
        }
        distinct_prefixes(&access, node)?;
    }
    Ok(access)
}

/// Returns an identity with these roles, or says what is wrong with the roles.
fn entry(
    name: IdentityName,
    roles: &[Arc<Role>],
    at: &Node<'_>,
) -> Result<IdentityEntry, AccessError> {
    IdentityEntry::new(name, roles).map_err(|reason| {
        at.error(match reason {
            Reason::ViewConflict => "has roles with different views; one is possible",
            _ => "has a role in which a filter becomes too long with the identity's name",
        })
    })
}

fn identity(access: &mut Access, node: &Node<'_>) -> Result<(), AccessError> {
    let Some(name) = IdentityName::parse(node.name).filter(|name| name.as_str() != ANONYMOUS)
    else {
        return Err(node.error(format!(
            "is not a name for an identity: 1 to {} ASCII letters, digits and -_:@/+=~%.|, and not \
             `{ANONYMOUS}`",
            IdentityName::MAX_BYTES
        )));
    };
    let table = node.table()?.only(&["roles", "tokens", "password", "certificates"])?;
    let roles_node = table.need("roles")?;
    let entry = entry(name.clone(), &roles(access, roles_node)?, roles_node)?;
    if let Some(tokens) = table.get("tokens") {
        for entry in tokens.table()?.entries() {
            if !token_format::is_id(entry.name) {
                let form = "has a token whose id is not 1 to 32 of a-z, 0-9 and -; `hub token \
                            create` prints the line that belongs here";
                return Err(tokens.error(form));
            }
            secret(access, Kind::Token, entry.name, &name, entry)?;
        }
    }
    if let Some(password) = table.get("password") {
        secret(access, Kind::Password, name.as_str(), &name, password)?;
    }
    if let Some(certificates) = table.get("certificates") {
        for (node, text) in certificates.texts()? {
            if text.is_empty() {
                return Err(node.error("has an empty name"));
            }
            if access.certificates.insert(text.to_owned(), name.clone()).is_some() {
                return Err(node.error("names a certificate twice"));
            }
        }
    }
    access.identities.insert(name, entry);
    Ok(())
}

fn secret(
    access: &mut Access,
    kind: Kind,
    id: &str,
    owner: &IdentityName,
    node: &Node<'_>,
) -> Result<(), AccessError> {
    let hash = SecretHash::parse(kind, node.text()?).map_err(|why| node.error(why))?;
    if access.secret_hashes.is_none() {
        access.secret_hashes = SecretHashes::new();
    }
    let vault = access.secret_hashes.as_mut();
    let vault =
        vault.ok_or_else(|| node.error("cannot be used: the system gives no random numbers"))?;
    let stored = OwnedHash { owner: owner.shared(), hash: Arc::new(hash) };
    if vault.add(kind, id, stored) {
        Ok(())
    } else {
        Err(node.error("is the id of another token too"))
    }
}

fn anonymous(access: &Access, node: &Node<'_>) -> Result<Anonymous, AccessError> {
    let table = node.table()?.only(&["roles", "from"])?;
    let roles_node = table.need("roles")?;
    let roles = roles(access, roles_node)?;
    if let Some(role) = roles.iter().find(|role| role.is_named()) {
        let name = &role.name;
        return Err(roles_node.error(format!(
            "has the role `{name}` with `{{identity}}` in a filter; anonymous clients are nobody"
        )));
    }
    let everywhere = match table.get("from") {
        None => false,
        Some(node) => match node.text()? {
            "loopback" => false,
            "everywhere" => true,
            _ => return Err(node.error("must be `loopback` or `everywhere`")),
        },
    };
    let name = IdentityName::parse(ANONYMOUS).ok_or_else(|| node.error("has no name"))?;
    let entry = entry(name, &roles, roles_node)?;
    Ok(Anonymous { elsewhere: everywhere.then(|| entry.clone()), loopback: Some(entry) })
}

fn prefix(table: &Table<'_>) -> Result<String, AccessError> {
    let Some(node) = table.get("prefix") else { return Ok(String::new()) };
    let text = node.text()?;
    if !text.is_empty() && (text.len() > 32 || IdentityName::parse(text).is_none()) {
        let form = "must be at most 32 of the characters that a name of an identity may have";
        return Err(node.error(form));
    }
    Ok(text.to_owned())
}

fn issuer(access: &mut Access, table: Table<'_>, files: &dyn Files) -> Result<(), AccessError> {
    let others = [
        "issuer",
        "audience",
        "algorithms",
        "leeway_s",
        "identity_claim",
        "prefix",
        "roles",
        "roles_claim",
        "claim_roles",
    ];
    let table = table.only(&[&KEYS[..], &others].concat())?;
    let algorithms = match table.get("algorithms") {
        None => ALGORITHMS.iter().filter_map(|name| Algorithm::from_str(name).ok()).collect(),
        Some(node) => node.texts()?.into_iter().map(algorithm).collect::<Result<Vec<_>, _>>()?,
    };
    let keys = Keys::load(&mut access.files, &table, algorithms, files)?;
    let texts = |node: &Node<'_>| -> Result<Vec<String>, AccessError> {
        let texts: Vec<_> = node.texts()?.into_iter().map(|(_, text)| text.to_owned()).collect();
        if texts.is_empty() || texts.iter().any(String::is_empty) {
            return Err(node.error("must not be empty"));
        }
        Ok(texts)
    };
    let mut claim_roles = HashMap::new();
    let roles_claim = table.get("roles_claim").map(&texts).transpose()?.unwrap_or_default();
    if let Some(node) = table.get("claim_roles") {
        if roles_claim.is_empty() {
            return Err(node.error("needs `roles_claim`"));
        }
        for entry in node.table()?.entries() {
            claim_roles.insert(entry.name.to_owned(), roles(access, entry)?);
        }
    } else if let Some(node) = table.get("roles_claim") {
        return Err(node.error("needs `claim_roles`, which says what its values give"));
    }
    let maker = IdentityNaming {
        prefix: prefix(&table)?,
        roles: table.get("roles").map_or(Ok(Vec::new()), |node| roles(access, node))?,
    };
    let leeway = table.get("leeway_s").map_or(Ok(30), |node| node.number(0..=300))?;
    let claim = table.get("identity_claim").map_or(Ok("sub"), Node::filled_text)?;
    access.issuers.push(Issuer {
        issuer: table.need("issuer")?.filled_text()?.to_owned(),
        audience: texts(table.need("audience")?)?,
        keys,
        leeway: Duration::from_secs(leeway),
        maker,
        identity_claim: claim.to_owned(),
        roles_claim,
        claim_roles,
    });
    Ok(())
}

fn algorithm((node, text): (Node<'_>, &str)) -> Result<Algorithm, AccessError> {
    let known = ALGORITHMS.contains(&text);
    known.then(|| Algorithm::from_str(text).ok()).flatten().ok_or_else(|| {
        node.error(format!(
            "has an algorithm that is not allowed; those of public keys are, without `none`: {}",
            list(&ALGORITHMS)
        ))
    })
}

/// Checks that names from different sources cannot be equal.
fn distinct_prefixes(access: &Access, node: &Node<'_>) -> Result<(), AccessError> {
    let makers = access.issuers.iter().map(|issuer| &issuer.maker);
    let makers: Vec<_> = makers.chain(&access.other_certificates).collect();
    for (at, one) in makers.iter().enumerate() {
        for other in &makers[at + 1..] {
            if one.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&one.prefix) {
                return Err(node.error(
                    "has, with `other_certificates`, several sources of names; each needs a \
                     `prefix` with which no other begins, so that none can make another's name",
                ));
            }
        }
    }
    Ok(())
}
