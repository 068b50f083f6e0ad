//! A connection to the port of a hub, plain or encrypted, that reads and writes frames with
//! deadlines. The SDK reconnects by itself and hides what happened; the doctor has to see it.

use hub_wire::{Close, Frame, FrameErrorKind, Limits, Refused, Welcome, split};
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// So many of the first bytes from the other side are kept, to tell which program they come from.
const KEPT: usize = 1024;
/// So many bytes are read at once.
const READ: usize = 64 << 10;

/// Holds a TCP connection, and remembers the first bytes that came.
#[derive(Debug)]
pub(crate) struct Recorder {
    tcp: TcpStream,
    first: Vec<u8>,
}

impl Recorder {
    pub(crate) fn new(tcp: TcpStream) -> Recorder {
        Recorder { tcp, first: Vec::new() }
    }

    /// Returns the first bytes that came.
    pub(crate) fn first(&self) -> &[u8] {
        &self.first
    }

    /// Returns the connection itself.
    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Lets reads and writes fail when the deadline has passed.
    pub(crate) fn until(&self, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.tcp.set_read_timeout(Some(left))?;
        self.tcp.set_write_timeout(Some(left))
    }
}

impl Read for Recorder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.tcp.read(buffer)?;
        let room = KEPT.saturating_sub(self.first.len()).min(read);
        self.first.extend_from_slice(&buffer[..room]);
        Ok(read)
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// Says why no frame came, or why none could be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WireError {
    /// Nothing came, or nothing could be sent, until the deadline.
    TimedOut,
    /// The other side ended the connection in order (FIN).
    Ended,
    /// The other side or something in between reset the connection (RST).
    Reset,
    /// The other side said with TLS that it does not accept this side.
    Tls(rustls::Error),
    /// Bytes came that are no frame of a hub.
    NotAFrame(String),
    /// The operating system gave another error.
    Io(String),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return WireError::Tls(tls.clone());
        }
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => WireError::TimedOut,
            io::ErrorKind::UnexpectedEof => WireError::Ended,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => WireError::Reset,
            _ => WireError::Io(error.to_string()),
        }
    }
}

/// Holds a frame from the hub, without its borrows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incoming {
    Welcome(Welcome),
    Close(Close),
    Pong(u64),
    /// The hub accepted the events that follow at this time, in milliseconds since 1970.
    Run(u64),
    Event(Vec<u8>),
    Subscribed(u64),
    Refused(Refused),
    /// The frame means nothing to the doctor.
    Other,
}

/// Carries the bytes of a connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Recorder),
    Tls(Box<StreamOwned<ClientConnection, Recorder>>),
}

/// Holds a connection that carries frames.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    received: Vec<u8>,
    limits: Limits,
    closed: Option<Close>,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Wire {
        // A client accepts frames of up to 64 KiB before WELCOME.
        let limits = Limits { frame: 64 << 10, ..Limits::NONE };
        Wire { stream, received: Vec::new(), limits, closed: None }
    }

    /// Accepts frames up to the limit in WELCOME from now on.
    pub(crate) fn accept_up_to(&mut self, bytes: u32) {
        self.limits.frame = bytes;
    }

    /// Returns the CLOSE that came, if one came.
    pub(crate) fn closed(&self) -> Option<&Close> {
        self.closed.as_ref()
    }

    /// Returns what came and was no frame yet.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.received
    }

    /// Returns the connection below.
    pub(crate) fn recorder(&self) -> &Recorder {
        match &self.stream {
            Stream::Plain(recorder) => recorder,
            Stream::Tls(tls) => &tls.sock,
        }
    }

    /// Sends frames.
    pub(crate) fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), WireError> {
        self.recorder().until(deadline)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = match &mut self.stream {
                Stream::Plain(plain) => plain.write(rest),
                Stream::Tls(tls) => tls.write(rest),
            }?;
            rest = &rest[written..];
            if !rest.is_empty() {
                self.recorder().until(deadline)?;
            }
        }
        match &mut self.stream {
            Stream::Plain(_) => Ok(()),
            Stream::Tls(tls) => Ok(tls.flush()?),
        }
    }

    /// Returns the next frame. PINGs are answered on the way, as they are by every client.
    pub(crate) fn next(&mut self, deadline: Instant) -> Result<Incoming, WireError> {
        loop {
            let body = split(&self.received, self.limits.frame)
                .map_err(|error| WireError::NotAFrame(error.to_string()))?;
            let Some(body) = body else {
                self.read(deadline)?;
                continue;
            };
            let end = 4 + body.len();
            let frame = incoming(body, &self.limits)?;
            self.received.drain(..end);
            match frame {
                Parsed::Ping(token) => self.send(&Frame::Pong { token }.to_bytes(), deadline)?,
                Parsed::For(frame) => {
                    if let Incoming::Close(close) = &frame {
                        self.closed = Some(close.clone());
                    }
                    return Ok(frame);
                }
            }
        }
    }

    /// Waits for the PONG with this token. Other frames are given to `other`.
    pub(crate) fn pong(
        &mut self,
        token: u64,
        deadline: Instant,
        mut other: impl FnMut(&Incoming),
    ) -> Result<(), WireError> {
        loop {
            match self.next(deadline)? {
                Incoming::Pong(got) if got == token => return Ok(()),
                frame => other(&frame),
            }
        }
    }

    /// Says CLOSE and waits a moment for the hub's CLOSE, so that the hub counts no broken
    /// connection.
    pub(crate) fn close(mut self) {
        let deadline = Instant::now() + Duration::from_secs(1);
        let close = Close {
            code: hub_wire::CloseCode::Normal,
            reason: "done".to_owned(),
            retry_after_ms: None,
        };
        if self.send(&Frame::Close(close).to_bytes(), deadline).is_ok() {
            while !matches!(self.next(deadline), Ok(Incoming::Close(_)) | Err(_)) {}
        }
    }

    /// Reads what is there, and waits for something until the deadline.
    fn read(&mut self, deadline: Instant) -> Result<(), WireError> {
        self.recorder().until(deadline)?;
        let before = self.received.len();
        self.received.resize(before + READ, 0);
        let read = match &mut self.stream {
            Stream::Plain(plain) => plain.read(&mut self.received[before..]),
            Stream::Tls(tls) => tls.read(&mut self.received[before..]),
        };
        self.received.truncate(before + *read.as_ref().unwrap_or(&0));
        match read? {
            0 => Err(WireError::Ended),
            _ => Ok(()),
        }
    }
}

/// Holds a frame that was read.
enum Parsed {
    /// The frame is a PING, which has to be answered.
    Ping(u64),
    /// The frame is any other.
    For(Incoming),
}

/// Reads one frame.
fn incoming(body: &[u8], limits: &Limits) -> Result<Parsed, WireError> {
    let frame = match Frame::parse(body, limits) {
        Ok(frame) => frame,
        // A newer hub may send frames that this version does not know.
        Err(error) if matches!(error.kind, FrameErrorKind::UnknownType(_)) => {
            return Ok(Parsed::For(Incoming::Other));
        }
        Err(error) => return Err(WireError::NotAFrame(error.to_string())),
    };
    Ok(Parsed::For(match frame {
        Frame::Ping { token } => return Ok(Parsed::Ping(token)),
        Frame::Pong { token } => Incoming::Pong(token),
        Frame::Welcome(welcome) => Incoming::Welcome(welcome),
        Frame::Close(close) => Incoming::Close(close),
        Frame::Run(run) => Incoming::Run(run.time_ms),
        Frame::Event(event) => Incoming::Event(event.payload.to_vec()),
        Frame::Subscribed { id } => Incoming::Subscribed(id),
        Frame::Refused(refused) => Incoming::Refused(refused),
        Frame::Hello(_)
        | Frame::Subscribe(_)
        | Frame::Unsubscribe { .. }
        | Frame::Receipt { .. }
        | Frame::Taken(_)
        | Frame::Ack(_)
        | Frame::Resume(_)
        | Frame::Gap(_) => Incoming::Other,
    }))
}
