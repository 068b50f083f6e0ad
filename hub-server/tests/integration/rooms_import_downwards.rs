//! The rooms of hub-server stand in an order, which `lib.rs` lists: a room imports only rooms before it, and
//! no files import one another in a circle. The sources are read as text, without their tests.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module's path below the crate; the crate itself has none.
type Module = Vec<String>;

#[test]
fn a_room_imports_only_rooms_before_it() {
    let (order, imports) = (rooms(), imports());
    let at = |module: &Module| order.iter().position(|room| Some(room) == module.first());
    for (module, imported) in &imports {
        let Some(room) = module.first() else { continue };
        let here = at(module).unwrap_or_else(|| panic!("lib.rs does not list the room {room}"));
        for other in imported.iter().filter(|other| other.first() != Some(room)) {
            assert!(!other.is_empty(), "{module:?} imports what lib.rs re-exports");
            assert!(at(other).is_some_and(|there| there < here), "{module:?} imports {other:?}");
        }
    }
}

#[test]
fn no_files_import_one_another() {
    let mut left = imports();
    assert!(left.values().map(BTreeSet::len).sum::<usize>() > 300, "imports were not recognised");
    loop {
        let free: Vec<Module> = left
            .iter()
            .filter(|(_, imported)| imported.iter().all(|other| !left.contains_key(other)))
            .map(|(module, _)| module.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|module| drop(left.remove(module)));
    }
    assert!(left.is_empty(), "these import one another, or what does: {:#?}", left.keys());
}

/// The rooms in the order in which the documentation of the crate lists them.
fn rooms() -> Vec<String> {
    let text = std::fs::read_to_string(sources().join("lib.rs")).unwrap();
    let listed = text.lines().filter_map(|line| line.strip_prefix("//! - ")?.split_once(':'));
    let names = listed.flat_map(|(names, _)| names.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

fn sources() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

/// Which modules each module imports.
fn imports() -> BTreeMap<Module, BTreeSet<Module>> {
    let mut files = BTreeMap::new();
    read(sources(), &mut Vec::new(), &mut files);
    let imported = |(module, text): (&Module, &String)| {
        let mut found = BTreeSet::new();
        for path in paths(text) {
            let target = resolve(module, &path, &files);
            found.extend(target.filter(|target| target != module));
        }
        (module.clone(), found)
    };
    files.iter().map(imported).collect()
}

/// The text of every module in a folder and below.
fn read(folder: &Path, module: &mut Module, files: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        module.push(name.clone());
        if path.is_dir() {
            read(&path, module, files);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
            let is_parent = name == "mod" || name == "lib";
            let of = if is_parent { &module[..module.len() - 1] } else { &module[..] };
            files.insert(of.to_vec(), lines.collect::<Vec<_>>().join("\n"));
        }
        module.pop();
    }
}

/// Every path that a `use` imports, or that begins with `crate`, `super` or `self`.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for statement in text.split(';') {
        if let Some((_, tree)) = statement.rsplit_once("use ") {
            flatten(tree, &mut found);
        }
    }
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let qualified =
        |word: &&str| ["crate::", "super::", "self::"].iter().any(|at| word.starts_with(at));
    found.extend(words.filter(qualified).map(str::to_owned));
    found
}

/// The paths of a tree such as `a::{b, c::{d, e}}`.
fn flatten(tree: &str, found: &mut Vec<String>) {
    let Some((prefix, rest)) = tree.split_once('{') else {
        return found.push(tree.split(" as ").next().unwrap_or_default().trim().to_owned());
    };
    let (mut depth, mut part) = (0, String::new());
    for c in rest.chars() {
        match c {
            ',' | '}' if depth == 0 => {
                flatten(&format!("{}{}", prefix.trim(), part.trim()), found);
                part.clear();
                if c == '}' {
                    return;
                }
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        part.push(c);
    }
}

/// The module of this crate that a path leads to, if it is one of this crate's.
fn resolve(module: &Module, path: &str, files: &BTreeMap<Module, String>) -> Option<Module> {
    let mut parts = path.split("::").peekable();
    let mut at = module.clone();
    match *parts.peek()? {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            while parts.next_if_eq(&"super").is_some() {
                at.pop();
            }
        }
        child => {
            at.push(child.to_owned());
            if !files.contains_key(&at) {
                return None;
            }
            at.pop();
        }
    }
    parts.next_if(|part| matches!(*part, "crate" | "self"));
    at.extend(parts.map(str::to_owned));
    while !files.contains_key(&at) {
        at.pop()?;
    }
    Some(at)
}
