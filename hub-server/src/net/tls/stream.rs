//! Gives an encrypted socket the interface of a plain one: the session reads without blocking, and
//! any thread writes at once. Without this module, the session would have to know about records.

use super::channel::{Channel, sealed_bytes};
use super::handshake::Handshaken;
use crate::net::read_some::read_some;
use crate::policy::access::PeerCertificate;
use crate::policy::tls::setup::TlsSetup;
use hub_core::topic::HeldBytes;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;
use tokio::net::TcpStream;

/// One read takes at most this many bytes of ciphertext. The buffer belongs to the thread.
const READ_BYTES: usize = 128 * 1024;
/// At most this many bytes of plaintext are encrypted at a time. So at most about this many bytes
/// wait encrypted for a socket that takes no more. An overflow policy cannot drop those bytes.
const SEAL_BYTES: usize = 64 * 1024;
/// An incomplete record, with its header, has at most this many bytes. After the TLS handshake,
/// only forbidden messages could be longer.
const MOST_INCOMING: usize = 20 * 1024;
/// A read has room for at least so many encrypted bytes. A record may not fit into less, and no byte of a
/// record can be decrypted before all of it is there.
const LEAST_ROOM: usize = 2 * MOST_INCOMING;

thread_local! {
    static RECORDS: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
    static SEALER: RefCell<Sealer> = RefCell::new(Sealer {
        plain: Vec::with_capacity(SEAL_BYTES),
        sealed: vec![0; sealed_bytes(SEAL_BYTES)],
    });
}

struct Sealer {
    plain: Vec<u8>,
    sealed: Vec<u8>,
}

/// Holds a connection after its TLS handshake, and encrypts and decrypts its bytes.
#[derive(Debug)]
pub(crate) struct TlsStream {
    tcp: TcpStream,
    /// The lock is held while records are made or read, and during non-blocking writes.
    channel: Mutex<Channel>,
    /// The flag is true while there is something to read although the socket may have nothing.
    ready: AtomicBool,
    /// The flag is true while encrypted bytes wait for the socket.
    unsent: AtomicBool,
    held: Arc<HeldBytes>,
    /// This many bytes of the channel are counted as held bytes. The number changes only under the
    /// channel's lock.
    counted: AtomicUsize,
    certificate: Option<PeerCertificate>,
    setup: Arc<TlsSetup>,
    accepted: Instant,
}

impl TlsStream {
    /// Creates the stream. The caller has to be on the thread that will read from the stream.
    pub(crate) fn new(shaken: Handshaken, held: Arc<HeldBytes>) -> io::Result<Self> {
        let Handshaken { tcp, channel, certificate, setup, accepted } = shaken;
        Ok(TlsStream {
            tcp: TcpStream::from_std(tcp)?,
            ready: AtomicBool::new(channel.is_ready()),
            channel: Mutex::new(channel),
            unsent: AtomicBool::new(false),
            held,
            counted: AtomicUsize::new(0),
            certificate,
            setup,
            accepted,
        })
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Returns when the TCP connection was accepted.
    pub(crate) fn accepted(&self) -> Instant {
        self.accepted
    }

    /// Returns the names and the expiry of the client's certificate, or `None` if the client has
    /// shown none.
    pub(crate) fn certificate(&self) -> Option<&PeerCertificate> {
        self.certificate.as_ref()
    }

    /// Returns whether the client, with the certificates that it has shown, would be accepted under
    /// `setup`.
    pub(crate) fn is_trusted_by(&self, setup: &TlsSetup) -> bool {
        if setup.has_the_trust_of(&self.setup) {
            return true;
        }
        // The chain is verified without the lock. Otherwise writers would wait for the
        // verification.
        let chain = self.channel.lock().certificates().map(<[_]>::to_vec);
        setup.verify(chain.as_deref().unwrap_or_default()).is_ok()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(crate) fn has_unsent(&self) -> bool {
        self.unsent.load(Ordering::Acquire)
    }

    /// Reads once and decrypts. Calls `sink` with at most `room` bytes of plaintext in total, and
    /// returns their number. Further bytes that this read decrypts are for the next reads.
    ///
    /// # Errors
    /// Returns `WouldBlock` if no whole record was there, and `UnexpectedEof` if the connection
    /// ended without close_notify.
    pub(crate) fn read(&self, room: usize, mut sink: impl FnMut(&[u8])) -> io::Result<usize> {
        if self.is_ready() {
            let mut channel = self.channel.lock();
            let plain = channel.decrypted.len().min(room);
            sink(&channel.decrypted[..plain]);
            channel.release_decrypted(plain);
            self.ready.store(channel.is_ready(), Ordering::Release);
            self.count(&channel);
            return Ok(plain);
        }
        RECORDS.with_borrow_mut(|records| {
            let kept = {
                let channel = self.channel.lock();
                let kept = channel.incoming.len();
                if kept > MOST_INCOMING {
                    return Err(ErrorKind::InvalidData.into());
                }
                records[..kept].copy_from_slice(&channel.incoming);
                kept
            };
            let end = records.len().min(room.max(LEAST_ROOM));
            let read = read_some(&self.tcp, &mut records[kept..end])?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let mut channel = self.channel.lock();
            let (mut plain, mut more) = (0, Vec::new());
            let taken = channel.take_in(&mut records[..kept + read], |bytes| {
                let (now, later) = bytes.split_at(bytes.len().min(room - plain));
                plain += now.len();
                sink(now);
                more.extend_from_slice(later);
            });
            channel.decrypted = more;
            if !channel.outgoing.is_empty() {
                let flushed = self.flush_records(&mut channel);
                if taken.is_ok() {
                    flushed?;
                }
            }
            self.count(&channel);
            taken.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            self.ready.store(channel.is_ready(), Ordering::Release);
            match plain {
                0 if channel.peer_closed => Ok(0),
                0 => Err(ErrorKind::WouldBlock.into()),
                plain => Ok(plain),
            }
        })
    }

    /// Encrypts and writes. All bytes that were encrypted count as written. The stream keeps the
    /// encrypted bytes that the socket does not take, and takes no more plaintext until they are
    /// sent.
    pub(crate) fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut channel = self.channel.lock();
        if !self.flush_records(&mut channel)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        SEALER.with_borrow_mut(|Sealer { plain, sealed }| {
            let plain = gather(slices, plain);
            let seal = channel.seal(plain, sealed);
            let length = seal.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            let mut rest = &sealed[..length];
            if self.flush_records(&mut channel)? {
                rest = match self.tcp.try_write(rest) {
                    Ok(written) => &rest[written..],
                    Err(error) if is_for_now(&error) => rest,
                    Err(error) => return Err(error),
                };
            }
            if !rest.is_empty() {
                channel.outgoing.extend_from_slice(rest);
                self.unsent.store(true, Ordering::Release);
                self.count(&channel);
            }
            Ok(plain.len())
        })
    }

    /// Writes the bytes that are encrypted already. Returns whether all of them are sent.
    pub(crate) fn flush(&self) -> io::Result<bool> {
        if !self.has_unsent() {
            return Ok(true);
        }
        self.flush_records(&mut self.channel.lock())
    }

    /// Sends close_notify. Returns whether close_notify and everything before it is sent.
    pub(crate) fn say_goodbye(&self) -> io::Result<bool> {
        let mut channel = self.channel.lock();
        channel.say_goodbye().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        self.flush_records(&mut channel)
    }

    fn flush_records(&self, channel: &mut Channel) -> io::Result<bool> {
        let mut sent = 0;
        let outcome = loop {
            let rest = &channel.outgoing[sent..];
            if rest.is_empty() {
                break Ok(true);
            }
            match self.tcp.try_write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(written) => sent += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        if sent == channel.outgoing.len() {
            // A connection for which nothing waits keeps no buffer.
            channel.outgoing = Vec::new();
        } else {
            channel.outgoing.drain(..sent);
        }
        self.unsent.store(!channel.outgoing.is_empty(), Ordering::Release);
        self.count(channel);
        outcome
    }

    /// Counts the bytes that wait in the channel as held bytes, because no queue knows of them.
    fn count(&self, channel: &Channel) {
        let now = channel.incoming.capacity()
            + channel.outgoing.capacity()
            + channel.decrypted.capacity();
        let before = self.counted.load(Ordering::Relaxed);
        if now != before {
            self.counted.store(now, Ordering::Relaxed);
            self.held.change(before, now);
        }
    }
}

impl Drop for TlsStream {
    fn drop(&mut self) {
        self.held.change(*self.counted.get_mut(), 0);
    }
}

fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Returns the plaintext to encrypt next, in one piece. Small slices are copied together, because
/// each record costs about as much whatever its length is. A large slice is used as it is.
fn gather<'a>(slices: &'a [IoSlice<'_>], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    if let Some(first) = slices.first()
        && (first.len() >= SEAL_BYTES || slices.len() == 1)
    {
        return &first[..first.len().min(SEAL_BYTES)];
    }
    buffer.clear();
    for slice in slices {
        let room = SEAL_BYTES - buffer.len();
        buffer.extend_from_slice(&slice[..slice.len().min(room)]);
        if slice.len() >= room {
            break;
        }
    }
    buffer
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

    use super::*;
    use crate::config::Config;
    use crate::net::tls::handshake::handshake;
    use crate::policy::tls::files::TlsFiles;
    use crate::reload::watched_file::WatchedFile;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
    use std::io::Write;
    use std::thread::JoinHandle;
    use std::time::Duration;

    /// Longer than anything takes; a test that hangs fails instead.
    const LONG: Duration = Duration::from_secs(60);

    /// Returns a stream, to which a client on another thread sends `bytes` and then close_notify.
    async fn stream_of(bytes: Vec<u8>) -> (TlsStream, JoinHandle<()>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let config = Config {
            tls_cert: write("cert.pem", certificate.pem()),
            tls_key: write("key.pem", key.serialize_pem()),
            ..Config::default()
        };
        let setup = TlsFiles::new(&config).unwrap().load().unwrap();

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = std::thread::spawn(move || {
            let mut roots = RootCertStore::empty();
            roots.add(certificate.der().clone()).unwrap();
            let config =
                ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
            let name = "localhost".try_into().unwrap();
            let connection = ClientConnection::new(Arc::new(config), name).unwrap();
            let tcp = std::net::TcpStream::connect(address).unwrap();
            let mut stream = StreamOwned::new(connection, tcp);
            stream.write_all(&bytes).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        });
        let (tcp, _) = listener.accept().await.unwrap();
        let shaken = handshake(tcp, Arc::new(setup), LONG).await.unwrap();
        (TlsStream::new(shaken, Arc::default()).unwrap(), client)
    }

    /// Short of memory, a session reads less at once than a record has.
    #[tokio::test]
    async fn a_read_with_less_room_than_a_record_loses_nothing() {
        let sent: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        let (stream, client) = stream_of(sent.clone()).await;
        let mut rooms = [1, 2048, 4100, 100_000, 2048, 16 * 1024].into_iter().cycle();
        let mut got = Vec::new();
        let all = async {
            loop {
                if !stream.is_ready() {
                    stream.tcp.readable().await.unwrap();
                }
                let (room, before) = (rooms.next().unwrap(), got.len());
                match stream.read(room, |bytes| got.extend_from_slice(bytes)) {
                    Ok(0) => break,
                    Ok(read) => assert!(read <= room && got.len() == before + read),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
        };
        tokio::time::timeout(LONG, all).await.expect("it took too long");
        assert_eq!(stream.counted.load(Ordering::Relaxed), 0, "nothing waits any more");
        assert!(got == sent, "{} of {} bytes", got.len(), sent.len());
        client.join().unwrap();
    }
}
