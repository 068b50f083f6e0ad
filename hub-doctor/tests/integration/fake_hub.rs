//! A hub of a few lines, whose answers a test can bend.

use hub_wire::{Close, CloseCode, Frame, Limits, RunFrame, Welcome, split};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

/// How a fake hub differs from a real one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bent {
    pub(crate) version: u64,
    /// Whether it answers HELLO with CLOSE, because it speaks other versions.
    pub(crate) refuses: bool,
    /// By how much its clock is ahead, in milliseconds.
    pub(crate) ahead_ms: i64,
    /// After how many bytes it stops reading.
    pub(crate) reads: usize,
    /// After how many bytes it stops answering, and reads on.
    pub(crate) answers: usize,
    /// After how many bytes it says that it is stopping.
    pub(crate) closes: usize,
}

pub(crate) const STRAIGHT: Bent = Bent {
    version: 1,
    refuses: false,
    ahead_ms: 0,
    reads: usize::MAX,
    answers: usize::MAX,
    closes: usize::MAX,
};

/// Serves one connection.
pub(crate) fn serve(mut tcp: TcpStream, bent: Bent) {
    let _ = tcp.set_nodelay(true);
    let now = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        u64::try_from(i64::try_from(now).unwrap() + bent.ahead_ms).unwrap()
    };
    let (mut received, mut total) = (Vec::new(), 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        if total >= bent.reads {
            std::thread::sleep(std::time::Duration::from_secs(60));
            return;
        }
        match tcp.read(&mut buffer) {
            Ok(read) if read > 0 => received.extend_from_slice(&buffer[..read]),
            _ => return,
        }
        let mut out = Vec::new();
        while let Ok(Some(body)) = split(&received, 16 << 20) {
            let body = body.to_vec();
            received.drain(..4 + body.len());
            total += 4 + body.len();
            if total >= bent.closes {
                let (code, reason) = (CloseCode::GoingAway, "the hub is stopping".to_owned());
                Frame::Close(Close { code, reason, retry_after_ms: Some(1000) }).write(&mut out);
                let _ = tcp.write_all(&out);
                let _ = tcp.shutdown(std::net::Shutdown::Write);
                while tcp.read(&mut buffer).is_ok_and(|read| read > 0) {}
                return;
            }
            let Ok(frame) = Frame::parse(&body, &Limits::default()) else { return };
            if total <= bent.answers || matches!(frame, Frame::Hello(_)) {
                answer(&frame, bent, now(), &mut out);
            }
        }
        if tcp.write_all(&out).is_err() {
            return;
        }
    }
}

/// Appends the answer to a frame.
fn answer(frame: &Frame<'_>, bent: Bent, time_ms: u64, out: &mut Vec<u8>) {
    match frame {
        Frame::Hello(_) if bent.refuses => Frame::Close(Close {
            code: CloseCode::Version,
            reason: "this hub speaks versions 2 to 3".into(),
            retry_after_ms: None,
        })
        .write(out),
        Frame::Hello(_) => Frame::Welcome(Welcome {
            version: bent.version,
            hub: [7; 16],
            connection: 1,
            resumed: false,
            kept: false,
            received: 0,
            publisher: "fake#1".into(),
            inbox: "$inbox.1".into(),
            limits: Limits::default(),
            keepalive_ms: 15_000,
            time_ms,
        })
        .write(out),
        Frame::Ping { token } => Frame::Pong { token: *token }.write(out),
        Frame::Subscribe(subscribe) => Frame::Subscribed { id: subscribe.id }.write(out),
        Frame::Event(event) => {
            let run = RunFrame {
                topic: event.topic,
                epoch: 1,
                first: 1,
                count: 1,
                publisher: "fake#1",
                time_ms,
                subscriptions: hub_wire::SubscriptionIds::one(1),
                attempt: 1,
            };
            Frame::Run(run).write(out);
            event.write(out);
        }
        Frame::Close(close) => Frame::Close(Close::clone(close)).write(out),
        _ => {}
    }
}
