//! What the tests of access share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hub_server::access::{
    Access, AccessError, Credentials, Denied, Files, Identity, Peer, PeerCertificate,
};
use hub_wire::{TopicFilter, TopicName};

/// Files that are only in memory.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) HashMap<String, String>);

impl Memory {
    pub(crate) fn with(path: &str, text: &str) -> Self {
        Memory([(path.to_owned(), text.to_owned())].into())
    }
}

impl Files for Memory {
    fn read(&self, path: &str) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

pub(crate) fn try_load(text: &str) -> Result<Access, AccessError> {
    Access::load(text, "access.toml", &Memory::default())
}

pub(crate) fn load(text: &str) -> Access {
    try_load(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The time at which all tests happen.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(crate) const HERE: Peer = Peer { loopback: true, certificate: None };
pub(crate) const ELSEWHERE: Peer = Peer { loopback: false, certificate: None };

pub(crate) fn certificate(name: &str) -> Peer {
    let names = vec![name.to_owned()];
    Peer { loopback: false, certificate: Some(PeerCertificate { names, expires: None }) }
}

pub(crate) fn enter(access: &Access, credentials: &Credentials) -> Result<Identity, Denied> {
    access.authenticate(credentials, &ELSEWHERE, now())
}

pub(crate) fn token(token: &str) -> Credentials {
    Credentials::Token(token.to_owned())
}

pub(crate) fn password(user: &str, password: &str) -> Credentials {
    Credentials::Password { user: user.to_owned(), password: password.to_owned() }
}

pub(crate) fn name(text: &str) -> TopicName {
    TopicName::parse(text).expect("a topic name")
}

pub(crate) fn filter(text: &str) -> TopicFilter {
    TopicFilter::parse(text).expect("a topic filter")
}
