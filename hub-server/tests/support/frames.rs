//! Makes the frames that tests send, also frames that the protocol does not allow.

use hub_wire::{
    Frame, Hello, Limits, Overflow, Packer, Position, Reader, Start, Subscribe, frame_with,
};

/// Makes a HELLO that asks for receipts.
pub(crate) fn hello(name: &str) -> Hello {
    Hello { name: Some(name.to_owned()), receipts: true, ..Hello::default() }
}

/// Makes a HELLO with this instance id.
pub(crate) fn hello_of(instance: [u8; 16]) -> Hello {
    Hello { instance: Some(instance), ..hello("instance") }
}

/// Makes a frame with any bytes as its body.
pub(crate) fn framed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame_with(&mut out, |out| out.extend_from_slice(body));
    out
}

/// Makes a frame whose body the function `body` packs.
pub(crate) fn packed(body: impl FnOnce(&mut Packer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    frame_with(&mut out, |out| body(&mut Packer(out)));
    out
}

/// Makes an EVENT whose payload is this MessagePack value.
pub(crate) fn event(topic: &str, payload: &[u8]) -> Vec<u8> {
    packed(|pack| {
        pack.array(3).uint(3).str(topic).raw(payload);
    })
}

/// Makes an EVENT with headers whose values are strings.
pub(crate) fn event_with(topic: &str, payload: &[u8], headers: &[(&str, &str)]) -> Vec<u8> {
    packed(|pack| {
        pack.array(4).uint(3).str(topic).raw(payload).map(headers.len() as u32);
        for (key, value) in headers {
            pack.str(key).str(value);
        }
    })
}

/// Makes a payload with `id`, by which a test tells events apart, and with `pad` more bytes.
pub(crate) fn numbered(id: u64, pad: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(pad + 16);
    Packer(&mut out).array(2).uint(id).bin(&vec![0; pad]);
    out
}

/// Returns the `id` in a payload that [`numbered`] made.
pub(crate) fn id_in(payload: &[u8]) -> u64 {
    let mut read = Reader::new(payload, &Limits::NONE);
    assert_eq!(read.array("payload").expect("a payload of numbered()"), 2);
    read.uint("id").expect("a payload of numbered()")
}

/// Makes a SUBSCRIBE for future events, with the default overflow policy.
pub(crate) fn subscription(id: u64, filter: &str) -> Subscribe {
    Subscribe {
        id,
        filter: filter.to_owned(),
        overflow: Overflow::default(),
        group: None,
        start: Start::Live,
        positions: false,
        window: None,
        ack: None,
        observe: false,
        more: false,
        keep: false,
    }
}

/// Makes a SUBSCRIBE that continues behind these positions, each of which is a topic, an epoch and an
/// event number.
pub(crate) fn subscription_after(id: u64, filter: &str, seen: &[(&str, u64, u64)]) -> Subscribe {
    let seen = seen
        .iter()
        .map(|(topic, epoch, seq)| ((*topic).to_owned(), Position { epoch: *epoch, seq: *seq }));
    Subscribe { start: Start::After(seen.collect()), positions: true, ..subscription(id, filter) }
}

pub(crate) fn subscribe(subscribe: &Subscribe) -> Vec<u8> {
    Frame::Subscribe(subscribe.clone()).to_bytes()
}

pub(crate) fn unsubscribe(id: u64) -> Vec<u8> {
    Frame::Unsubscribe { id, drain: false }.to_bytes()
}

pub(crate) fn ping(token: u64) -> Vec<u8> {
    Frame::Ping { token }.to_bytes()
}

pub(crate) fn goodbye() -> Vec<u8> {
    packed(|pack| {
        pack.array(4).uint(13).uint(200).str("done").nil();
    })
}
