//! Computes and checks the hashes of secrets for the access file: argon2id as PHC strings. If the access
//! file contained the secrets themselves, a leaked file would let anybody in.

use argon2::password_hash::{PasswordHasher, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use std::cell::RefCell;

use super::token_format;

/// Names the kind of a secret, which decides how much work its hash must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The secret is part of an access token of [`create_token`](super::create_token). Nobody can
    /// guess its 256 random bits, so the hash only has to hide them, and can be cheap. A thousand
    /// services that connect at once are accepted within a second.
    Token,
    /// The secret is a password that a person has chosen. Each guess has to cost work.
    Password,
}

/// A verification may take at most this much memory, in KiB.
pub(crate) const MAX_MEMORY_KIB: u32 = 64 * 1024;
/// The memory of a hash in KiB times its passes may be at most this number. This is 0.1 to 0.2 s of
/// a core of 2025 (measured: 16 ms for 38,912).
const MAX_WORK_KIB: u64 = 256 * 1024;
const MAX_LANES: u32 = 4;
/// The output of a hash has this many bytes. A shorter output would be easier to hit by chance.
const OUTPUT: usize = 32;
/// A password has at most this many bytes, so that its length adds little to the cost of its hash.
pub(super) const MAX_PASSWORD: usize = 1024;
/// [`hash_password`] refuses a password of fewer bytes.
pub const MIN_PASSWORD: usize = 8;

impl Kind {
    /// Returns the least memory in KiB, and the least product of memory and passes. For passwords
    /// these are OWASP's weakest choice for argon2id (password storage cheat sheet, 2024): 7 MiB
    /// and 5 passes.
    fn floor(self) -> (u32, u64) {
        match self {
            Kind::Token => (1024, 1024),
            Kind::Password => (7 * 1024, 35 * 1024),
        }
    }

    /// Returns the memory in KiB and the passes of new hashes. For passwords these are OWASP's
    /// first choice with little memory: 19 MiB, 2 passes, one lane.
    fn chosen(self) -> (u32, u32) {
        match self {
            Kind::Token => (1024, 1),
            Kind::Password => (19 * 1024, 2),
        }
    }
}

thread_local! {
    /// A thread computes its hashes in this memory. If each hash took its megabytes from the
    /// allocator and gave them back, small allocations between them would make the allocator keep
    /// many times as much.
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Returns how many bytes this thread keeps to compute hashes in.
pub(crate) fn kept_memory() -> usize {
    MEMORY.with_borrow(|memory| memory.len() * Block::SIZE)
}

/// Frees the memory in which this thread has computed hashes.
pub(crate) fn free_memory() {
    MEMORY.with_borrow_mut(|memory| *memory = Vec::new());
}

/// Holds a stored hash whose parameters are within the bounds.
#[derive(Clone)]
pub(super) struct SecretHash(PasswordHash);

impl SecretHash {
    /// Parses a hash of the access file.
    ///
    /// # Errors
    /// The error says what is wrong with the hash, without showing it.
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, String> {
        let form = "is not an argon2id hash such as `$argon2id$v=19$m=…,t=…,p=…$salt$hash`";
        let hash = PasswordHash::new(text).map_err(|_| form)?;
        if hash.algorithm.as_str() != Algorithm::Argon2id.ident().as_str() {
            return Err(form.to_owned());
        }
        if hash.version != Some(Version::V0x13 as u32) {
            return Err("is a hash of another version of argon2 than 19".to_owned());
        }
        let params = Params::try_from(&hash).map_err(|_| form)?;
        if hash.salt.is_none() || hash.hash.as_ref().map(|output| output.len()) != Some(OUTPUT) {
            return Err(format!("is a hash without a salt, or not of {OUTPUT} bytes"));
        }
        let (memory, passes) = (params.m_cost(), params.t_cost());
        let work = u64::from(memory) * u64::from(passes);
        let (min_memory, min_work) = kind.floor();
        if memory < min_memory || work < min_work {
            return Err(format!(
                "is too weak: m={memory},t={passes}; at least m={min_memory} and m times t \
                 {min_work} are needed"
            ));
        }
        if memory > MAX_MEMORY_KIB || work > MAX_WORK_KIB || params.p_cost() > MAX_LANES {
            return Err(format!(
                "costs too much: m={memory},t={passes},p={}; at most m={MAX_MEMORY_KIB}, m times \
                 t {MAX_WORK_KIB} and p={MAX_LANES} are allowed",
                params.p_cost()
            ));
        }
        Ok(SecretHash(hash))
    }

    /// Returns whether this is the hash of the secret. The answer takes as long for any other
    /// secret, because the outputs are compared in constant time.
    pub(super) fn fits(&self, secret: &[u8]) -> bool {
        let (Some(salt), Some(hash)) = (&self.0.salt, &self.0.hash) else { return false };
        let Ok(params) = Params::try_from(&self.0) else { return false };
        let blocks = params.block_count();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut output = [0; OUTPUT];
        let hashed = MEMORY.with_borrow_mut(|memory| {
            if memory.len() < blocks {
                // A new vector is allocated, because growing the old one would copy it.
                *memory = vec![Block::new(); blocks];
            }
            let memory = &mut memory[..blocks];
            argon2.hash_password_into_with_memory(secret, salt, &mut output, memory)
        });
        hashed.is_ok() && verify_slices_are_equal(&output, hash.as_bytes()).is_ok()
    }

    /// Returns how many bytes of memory [`SecretHash::fits`] takes.
    pub(super) fn bytes(&self) -> usize {
        Params::try_from(&self.0).map_or(0, |params| params.block_count() * Block::SIZE)
    }

    pub(super) fn same(&self, other: &SecretHash) -> bool {
        self.0 == other.0
    }
}

/// Computes a new hash for the access file, with a random salt.
pub(super) fn hash(kind: Kind, secret: &[u8]) -> Result<String, HashError> {
    let (memory, passes) = kind.chosen();
    let params = Params::new(memory, passes, 1, Some(OUTPUT)).map_err(|_| HashError::Failed)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(secret).map(|hash| hash.to_string()).map_err(|_| HashError::Failed)
}

/// Computes the value for the key `password` of an identity.
///
/// # Errors
/// The error means that the password is too short or too long, or that the system gives no random
/// numbers or no memory.
pub fn hash_password(password: &str) -> Result<String, HashError> {
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.len()) {
        return Err(HashError::Length);
    }
    hash(Kind::Password, password.as_bytes())
}

/// States why a token or a hash could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The password is too short or too long.
    #[error("a password has {MIN_PASSWORD} to {MAX_PASSWORD} bytes")]
    Length,
    /// The id cannot be the id of an access token.
    #[error("a token's id has 1 to {} of a-z, 0-9 and -", token_format::MAX_ID)]
    Id,
    /// The system gives no random numbers or no memory.
    #[error("no random numbers or no memory for a new hash")]
    Failed,
}
