//! The message for a name that does not exist, with those that its author may have meant.
//!
//! Without it, the author of a rule would have to search the reference for each misspelt name.

/// A name is proposed if it is at least this similar, on Jaro and Winkler's scale from 0 to 1.
const SIMILAR: f64 = 0.8;
/// At most this many names are proposed.
const PROPOSED: usize = 3;

/// Returns the message that there is no `what` of this name. `all` are the names that exist.
pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    all: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut all: Vec<&str> = all.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    let near: Vec<String> =
        nearest(name, all.iter().copied()).iter().map(|known| format!("`{known}`")).collect();
    match (&near[..], &all[..]) {
        ([], []) => format!("there is no {what} `{name}`"),
        ([], all) => format!("there is no {what} `{name}`; there are {}", all.join(", ")),
        (near, _) => format!("there is no {what} `{name}`; did you mean {}?", near.join(" or ")),
    }
}

/// Returns those of the names that are most similar to `name`, the most similar one first.
pub(super) fn nearest<'a>(name: &str, all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name = name.to_lowercase();
    let similarity = |known: &str| strsim::jaro_winkler(&name, &known.to_lowercase());
    let mut near: Vec<(f64, &str)> =
        all.map(|known| (similarity(known), known)).filter(|(by, _)| *by >= SIMILAR).collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.truncate(PROPOSED);
    near.into_iter().map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn the_nearest_names_come_first_and_all_if_none_is_near() {
        let all = ["email", "phone", "ipv4", "ipv6"];
        assert_eq!(unknown("x", "e-mail", all), "there is no x `e-mail`; did you mean `email`?");
        assert_eq!(unknown("x", "ip", all), "there is no x `ip`; did you mean `ipv4` or `ipv6`?");
        assert_eq!(
            unknown("x", "zzz", all),
            "there is no x `zzz`; there are email, ipv4, ipv6, phone"
        );
        assert_eq!(unknown("x", "zzz", []), "there is no x `zzz`");
    }
}
