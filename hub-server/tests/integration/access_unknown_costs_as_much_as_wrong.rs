//! Nobody can find out which token ids or users exist by what an attempt costs: an unknown one is
//! hashed like a known one. Measured by the memory that argon2 takes, which is most of its cost and,
//! unlike its time, the same each time.

use crate::access_support;

use access_support::{enter, load, password, token};
use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use hub_server::access::{Access, Credentials, Reason, create_token};

const MIB: u64 = 1 << 20;

/// Memory that an attempt takes, in MiB, and why it fails. On a thread of its own, because a thread
/// keeps for a while what it has computed hashes in.
fn cost(access: &Access, credentials: &Credentials) -> (u64, Option<Reason>) {
    let attempt = || {
        let mut reason = None;
        let used = allocation_counter::measure(|| {
            reason = enter(access, credentials).err().map(|denied| denied.reason());
        });
        (used.bytes_max / MIB, reason)
    };
    std::thread::scope(|scope| scope.spawn(attempt).join()).expect("no panic")
}

/// A password hash with this much memory.
fn hash(mib: u32) -> String {
    let params = Params::new(mib * 1024, 5, 1, Some(32)).expect("a hash");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(b"correct horse").expect("a hash").to_string()
}

#[test]
fn an_unknown_user_costs_as_much_as_a_wrong_password() {
    let access = load(&format!("[identities.ann]\nroles = []\npassword = {:?}", hash(8)));
    assert_eq!(cost(&access, &password("ann", "wrong")), (8, Some(Reason::WrongSecret)));
    assert_eq!(cost(&access, &password("bob", "wrong")), (8, Some(Reason::Unknown)));
    // The right password of somebody else is hashed too, and lets nobody in.
    assert_eq!(cost(&access, &password("bob", "correct horse")), (8, Some(Reason::Unknown)));
    assert_eq!(cost(&access, &password("ann", "correct horse")), (8, None));
    assert_eq!(cost(&access, &password("ann", "correct horse")), (0, None), "remembered");
    assert_eq!(cost(&access, &password("ann", "wrong")), (8, Some(Reason::WrongSecret)));
}

#[test]
fn an_unknown_token_costs_as_much_as_a_wrong_one() {
    let made = create_token("one").unwrap();
    let access = load(&format!("[identities.ann]\nroles = []\n{}", made.line));
    let zeros = "0".repeat(64);
    let with = |id: &str| cost(&access, &token(&format!("hub_{id}_{zeros}")));
    assert_eq!(with("one"), (1, Some(Reason::WrongSecret)));
    assert_eq!(with("two"), (1, Some(Reason::Unknown)));
    assert_eq!(cost(&access, &token("hub_one_x")), (0, Some(Reason::Malformed)));
    // No password is there to be guessed, so none is hashed.
    assert_eq!(cost(&access, &password("ann", "wrong")), (0, Some(Reason::Unknown)));
}

/// With hashes of several costs, an unknown user has one of them, and always the same.
#[test]
fn the_cost_of_an_unknown_user_tells_nothing() {
    let identity =
        |name: &str, mib| format!("[identities.{name}]\nroles = []\npassword = {:?}\n", hash(mib));
    let access = load(&(identity("ann", 8) + &identity("bob", 12)));
    let unknown = |number: usize| {
        let (mib, reason) = cost(&access, &password(&format!("user-{number}"), "wrong"));
        assert_eq!(reason, Some(Reason::Unknown));
        mib
    };
    let costs: Vec<_> = (0..32).map(unknown).collect();
    assert!(costs.contains(&8) && costs.contains(&12), "{costs:?}");
    assert!(costs.iter().all(|mib| [8, 12].contains(mib)), "{costs:?}");
    assert_eq!((0..32).map(unknown).collect::<Vec<_>>(), costs);
}
