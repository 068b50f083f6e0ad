//! Holds the state of one side of a TLS connection, without a socket: it turns records into
//! plaintext, and plaintext into records. Without this module, every reader and writer would have
//! to know the states of rustls.
//!
//! The module uses the unbuffered interface of rustls, so buffers belong to threads, as for plain
//! connections. An idle connection keeps no buffer.

use rustls::Error;
use rustls::ServerConfig;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError,
    UnbufferedStatus, WriteTraffic,
};
use std::fmt;
use std::sync::Arc;

/// Encryption adds at most this many bytes to a record, in any version of TLS: header, nonce, type
/// and tag.
const RECORD_OVERHEAD: usize = 5 + 8 + 1 + 16;
/// A record contains at most this many bytes of plaintext.
const RECORD_BYTES: usize = 16 * 1024;
/// The records that the connection itself may put in front, such as a change of keys, fit into this
/// many bytes.
const SLACK: usize = 1024;

/// Returns the most bytes that `plain` bytes can become when they are encrypted.
pub(super) const fn sealed_bytes(plain: usize) -> usize {
    plain + (plain / RECORD_BYTES + 1) * RECORD_OVERHEAD + SLACK
}

/// Holds the TLS state of a connection. The reader and the writers use it one at a time.
pub(super) struct Channel {
    connection: UnbufferedServerConnection,
    /// These are the bytes of an incomplete record. rustls has seen them, and must see them again
    /// whenever it is called.
    pub(super) incoming: Vec<u8>,
    /// Nobody has read this plaintext yet. It came together with the end of the TLS handshake, or did not fit
    /// into the buffer of its reader.
    pub(super) decrypted: Vec<u8>,
    /// These records have to be sent before all others.
    pub(super) outgoing: Vec<u8>,
    /// The flag is true once the client has sent close_notify. The client sends nothing more then.
    pub(super) peer_closed: bool,
    said_goodbye: bool,
    /// The flag is true once the connection has failed. Nothing more can be sent then.
    failed: bool,
}

enum Step {
    More,
    /// rustls can do nothing more until more bytes come.
    Done,
}

impl Channel {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        Ok(Channel {
            connection: UnbufferedServerConnection::new(config)?,
            incoming: Vec::new(),
            decrypted: Vec::new(),
            outgoing: Vec::new(),
            peer_closed: false,
            said_goodbye: false,
            failed: false,
        })
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Returns whether there is something to read without another byte from the socket.
    pub(super) fn is_ready(&self) -> bool {
        self.peer_closed || !self.decrypted.is_empty()
    }

    /// Forgets the first `read` bytes of the plaintext, which have been read.
    pub(super) fn release_decrypted(&mut self, read: usize) {
        if read == self.decrypted.len() {
            self.decrypted = Vec::new(); // A connection for which nothing waits keeps no buffer.
        } else {
            self.decrypted.drain(..read);
        }
    }

    /// Returns the certificates that the client has shown. The first of them is the client's own.
    pub(super) fn certificates(&self) -> Option<&[rustls::pki_types::CertificateDer<'static>]> {
        self.connection.peer_certificates()
    }

    /// Decrypts `records` and hands the plaintext to `plain`. `records` must begin with the bytes
    /// that [`Channel::incoming`] contained. Keeps an incomplete record there. After an error,
    /// `outgoing` contains the alert for the client.
    pub(super) fn take_in(
        &mut self,
        records: &mut [u8],
        mut plain: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        let mut used = 0;
        loop {
            let (discard, outcome) = self.step(&mut records[used..], &mut plain);
            used += discard;
            match outcome {
                Ok(Step::Done) => break,
                Ok(Step::More) => {}
                Err(error) => {
                    self.failed = true;
                    // This step makes the alert, which has to be sent before everything else.
                    // rustls makes it only when it sees the same bytes again.
                    let _ = self.step(&mut records[used..], &mut |_| {});
                    return Err(error);
                }
            }
        }
        match &records[used..] {
            [] => self.incoming = Vec::new(), // An idle connection keeps no buffer.
            rest => {
                self.incoming.clear();
                self.incoming.extend_from_slice(rest);
            }
        }
        Ok(())
    }

    /// Does one step of rustls. Returns how many bytes of `records` are processed, and whether
    /// there is more to do.
    fn step(
        &mut self,
        records: &mut [u8],
        plain: &mut impl FnMut(&[u8]),
    ) -> (usize, Result<Step, Error>) {
        let UnbufferedStatus { mut discard, state } = self.connection.process_tls_records(records);
        let outcome = match state {
            Err(error) => Err(error),
            Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
                match traffic.next_record() {
                    None => break Ok(Step::More),
                    Some(Err(error)) => break Err(error),
                    Some(Ok(record)) => {
                        discard += record.discard;
                        plain(record.payload);
                    }
                }
            },
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                encode(&mut data, &mut self.outgoing).map(|()| Step::More)
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                data.done();
                Ok(Step::More)
            }
            Ok(ConnectionState::PeerClosed) => {
                self.peer_closed = true;
                Ok(Step::More)
            }
            Ok(
                ConnectionState::BlockedHandshake
                | ConnectionState::WriteTraffic(_)
                | ConnectionState::Closed,
            ) => Ok(Step::Done),
            Ok(other) => Err(Error::General(format!("unexpected: {other:?}"))),
        };
        (discard, outcome)
    }

    /// Encrypts `plain` into `sealed`, which must have room for [`sealed_bytes`]. Returns how many
    /// bytes of `sealed` are used. The bytes in `outgoing` have to be sent before them.
    pub(super) fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> Result<usize, Error> {
        self.write(|traffic| traffic.encrypt(plain, sealed))
    }

    /// Appends close_notify to `outgoing`. A second call appends nothing.
    pub(super) fn say_goodbye(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.said_goodbye, true) {
            return Ok(());
        }
        let mut notice = [0; SLACK];
        let written = self.write(|traffic| traffic.queue_close_notify(&mut notice))?;
        self.outgoing.extend_from_slice(&notice[..written]);
        Ok(())
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut WriteTraffic<'_, ServerConnectionData>) -> Result<usize, EncryptError>,
    ) -> Result<usize, Error> {
        if self.failed {
            return Err(Error::General("the connection has failed".to_owned()));
        }
        loop {
            let status = self.connection.process_tls_records(&mut self.incoming);
            match status.state? {
                ConnectionState::WriteTraffic(mut traffic) => {
                    return write(&mut traffic).map_err(|error| Error::General(error.to_string()));
                }
                ConnectionState::EncodeTlsData(mut data) => encode(&mut data, &mut self.outgoing)?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::PeerClosed => self.peer_closed = true,
                other => return Err(Error::General(format!("cannot send: {other:?}"))),
            }
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("handshaking", &self.is_handshaking()).finish()
    }
}

/// Appends the bytes that rustls wants to send to `out`.
fn encode(
    data: &mut EncodeTlsData<'_, ServerConnectionData>,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let at = out.len();
    if let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) =
        data.encode(&mut [])
    {
        out.resize(at + required_size, 0);
        data.encode(&mut out[at..]).map_err(|error| Error::General(error.to_string()))?;
    }
    Ok(())
}
