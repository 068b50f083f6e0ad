//! Claim: every field of every segment, and what the segment shows, is what tshark says, and the figures of a
//! connection are those of tcptrace.
//!
//! The captures are those of `captures/make.py`, made from real traffic, and some that are made here byte
//! by byte. Where a sign may differ from tshark's, `hub_inspect::connection` says why.

use crate::craft::{ACK, ETHERNET, FIN, Pcap, RAW, RST, SYN, tcp};
use hub_inspect::capture::Capture;
use hub_inspect::inspector::{Options, inspect};
use hub_inspect::output::JsonLines;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Fields with one number each: tshark's name without `tcp.`, which is the name here too.
const NUMBERS: [&str; 15] = [
    "stream",
    "srcport",
    "dstport",
    "seq",
    "seq_raw",
    "ack",
    "ack_raw",
    "hdr_len",
    "flags",
    "window_size",
    "window_size_value",
    "window_size_scalefactor",
    "len",
    "checksum",
    "urgent_pointer",
];
const SIGNS: [&str; 15] = [
    "retransmission",
    "fast_retransmission",
    "spurious_retransmission",
    "out_of_order",
    "lost_segment",
    "ack_lost_segment",
    "duplicate_ack",
    "keep_alive",
    "keep_alive_ack",
    "window_update",
    "window_full",
    "zero_window",
    "zero_window_probe",
    "zero_window_probe_ack",
    "reused_ports",
];

/// Runs a program that the test needs.
fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap_or_else(|error| {
        panic!(
            "{program} cannot be run ({error}). The test compares with it, and does not pass without \
             it: install it with `apt-get install tshark tcptrace tcpdump iproute2 nftables python3`"
        )
    });
    assert!(
        output.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What tshark says of each segment, by the number of its packet.
fn tshark(path: &str) -> BTreeMap<u64, BTreeMap<String, String>> {
    let mut names: Vec<String> = vec!["frame.number".to_owned()];
    names.extend(NUMBERS.iter().map(|name| format!("tcp.{name}")));
    names.push("tcp.options".to_owned());
    names.extend(
        ["acks_frame", "ack_rtt", "duplicate_ack_frame", "duplicate_ack_num"]
            .map(|name| format!("tcp.analysis.{name}")),
    );
    names.extend(SIGNS.iter().map(|name| format!("tcp.analysis.{name}")));
    // An ICMP error quotes the segment that it is about, and tshark shows the quote's fields too.
    let mut args =
        vec!["-r", path, "-Y", "tcp && !icmp && !icmpv6", "-T", "fields", "-E", "separator=;"];
    args.extend(["-E", "aggregator=,"]);
    for name in &names {
        args.extend(["-e", name]);
    }
    let mut segments = BTreeMap::new();
    for line in run("tshark", &args).lines() {
        let values = names
            .iter()
            .map(|name| name.trim_start_matches("tcp.").trim_start_matches("analysis.").to_owned());
        let fields: BTreeMap<String, String> =
            values.zip(line.split(';').map(str::to_owned)).collect();
        segments.insert(fields["frame.number"].parse().expect("a number"), fields);
    }
    segments
}

/// What this crate says of each segment.
fn ours(bytes: &[u8]) -> BTreeMap<u64, Value> {
    let mut lines = JsonLines::new(Vec::new(), true, false);
    let mut capture = Capture::open(bytes).expect("a capture");
    let (_, fault) = inspect(&mut capture, Options::default(), &mut lines);
    assert!(fault.is_none(), "{fault:?}");
    let text = lines.finish().expect("a Vec takes everything");
    let mut segments = BTreeMap::new();
    for line in String::from_utf8(text).expect("JSON is UTF-8").lines() {
        let value: Value = serde_json::from_str(line).expect("each line is JSON");
        if value["kind"] == "segment" {
            segments.insert(value["frame"].as_u64().expect("a number"), value);
        }
    }
    segments
}

fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Compares one capture. Returns how many segments it has, and the differences.
fn compare(name: &str, path: &Path) -> (usize, Vec<String>) {
    let theirs = tshark(path.to_str().expect("a path of UTF-8"));
    let ours = ours(&fs::read(path).expect("the capture was made"));
    let (mut differences, mut explained) = (Vec::new(), 0);
    let mut differ = |frame: u64, field: &str, ours: &dyn std::fmt::Display, theirs: &str| {
        differences.push(format!("{name} packet {frame} {field}: {ours}, tshark {theirs}"));
    };
    for frame in theirs.keys().filter(|frame| !ours.contains_key(frame)) {
        differ(*frame, "segment", &"none", "one");
    }
    for (frame, line) in &ours {
        let Some(their) = theirs.get(frame) else {
            differ(*frame, "segment", &"one", "none");
            continue;
        };
        for field in NUMBERS {
            let value = line[field].as_i64();
            // What the capture has cut off cannot be shown by either.
            let text = their[field].as_str();
            // tshark shows no factor where windows are not scaled, and for a SYN.
            let no_factor = field == "window_size_scalefactor" && text.is_empty();
            if value != number(text) && !no_factor {
                differ(*frame, field, &line[field], text);
            }
        }
        if line["options"].as_str() != Some(their["options"].as_str()) {
            differ(*frame, "options", &line["options"], &their["options"]);
        }
        // tshark shows nothing that it finds in a segment whose header is cut.
        let options = line["options"].as_str().map_or(0, |digits| digits.len() as u64 / 2);
        if line["hdr_len"].as_u64() != Some(20 + options) {
            continue;
        }
        let again = sent_again(&ours, line);
        for sign in SIGNS {
            let reordered = !their["out_of_order"].is_empty();
            if again && reordered && sign.contains("retransmission") | (sign == "out_of_order") {
                explained += 1;
                continue;
            }
            if sign == "ack_lost_segment" && their[sign].is_empty() && acks_unseen(&ours, line) {
                explained += 1;
                continue;
            }
            let has =
                line["analysis"].as_array().is_some_and(|all| all.iter().any(|it| it == sign));
            if has == their[sign].is_empty() {
                differ(*frame, sign, &has, &their[sign]);
            }
        }
        if acks_repeated_syn(&ours, line) {
            explained += 1;
            continue;
        }
        for field in ["acks_frame", "duplicate_ack_frame", "duplicate_ack_num"] {
            if line[field].as_i64() != number(&their[field]) {
                differ(*frame, field, &line[field], &their[field]);
            }
        }
        let rtt = their["ack_rtt"].parse::<f64>().ok();
        let same = match (line["ack_rtt"].as_f64(), rtt) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() < 2e-9,
            (None, None) => true,
            _ => false,
        };
        if !same {
            differ(*frame, "ack_rtt", &line["ack_rtt"], &their["ack_rtt"]);
        }
    }
    if explained > 0 {
        eprintln!("{name}: {explained} signs that tshark defines otherwise");
    }
    (ours.len(), differences)
}

/// Whether the capture has the data of a segment before it, and the segment says that it was sent again.
/// tshark 4.0 goes by the time alone, and calls such a segment out of order if it comes soon behind newer
/// data.
fn sent_again(all: &BTreeMap<u64, Value>, line: &Value) -> bool {
    let number = |line: &Value, field: &str| line[field].as_i64().unwrap_or_default();
    let span = |line: &Value| {
        let seq = number(line, "seq");
        (seq, seq + number(line, "len"))
    };
    let (start, end) = span(line);
    let frame = line["frame"].as_u64().unwrap_or_default();
    let signs = line["analysis"].as_array();
    let says_so = signs.is_some_and(|all| all.iter().any(|sign| sign == "retransmission"));
    says_so
        && all.range(..frame).any(|(_, before)| {
            let same = ["stream", "srcport"].iter().all(|field| before[field] == line[field]);
            let (from, to) = span(before);
            same && from <= start && end <= to && end > start
        })
}

/// Whether a segment acknowledges a SYN that was sent more than once. Here, the first copy counts. tshark 4.0
/// sometimes forgets it.
fn acks_repeated_syn(all: &BTreeMap<u64, Value>, line: &Value) -> bool {
    let Some(acked) = line["acks_frame"].as_u64().and_then(|frame| all.get(&frame)) else {
        return false;
    };
    let same = |it: &&Value| ["stream", "srcport"].iter().all(|field| it[field] == acked[field]);
    let is_syn = |it: &Value| it["flags"].as_u64().unwrap_or_default() & 2 != 0;
    let syns = all.values().filter(same).filter(|it| is_syn(it)).count();
    is_syn(acked) && syns > 1
}

/// Whether a segment acknowledges more than the capture has of the other direction, and says so. tshark 4.0
/// leaves some of these out, so that one loss is not told twice.
fn acks_unseen(all: &BTreeMap<u64, Value>, line: &Value) -> bool {
    let number = |line: &Value, field: &str| line[field].as_i64().unwrap_or_default();
    let frame = line["frame"].as_u64().unwrap_or_default();
    let others = all.range(..frame).map(|(_, before)| before).filter(|before| {
        before["stream"] == line["stream"] && before["srcport"] == line["dstport"]
    });
    // A FIN takes a number too.
    let highest = others.map(|it| number(it, "seq") + number(it, "len") + 1).max();
    let signs = line["analysis"].as_array();
    let says_so = signs.is_some_and(|all| all.iter().any(|sign| sign == "ack_lost_segment"));
    says_so && highest.is_some_and(|highest| number(line, "ack") > highest)
}

/// Which programs read the captures too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// tshark alone, because tcptrace takes made captures for damaged ones.
    Tshark,
    /// tshark and tcptrace.
    Both,
}

/// Compares all captures of a folder.
fn compare_all(folder: &Path, least: usize, beside: Beside) {
    let mut paths: Vec<_> = (fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|it| it == "pcap" || it == "pcapng"))
        .collect();
    paths.sort();
    assert!(paths.len() >= least, "{} captures are fewer than {least}", paths.len());
    let (mut segments, mut faults) = (0, Vec::new());
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (count, differences) = compare(&name, path);
        assert!(count > 0, "{name} has no segment");
        segments += count;
        faults.extend(differences);
        if beside == Beside::Both {
            faults.extend(beside_tcptrace(&name, path));
        }
    }
    let shown = faults.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "{} differences in {segments} segments:\n{shown}", faults.len());
    eprintln!("{} captures with {segments} segments agree", paths.len());
}

/// Compares the figures of connections with those of tcptrace, if it can read the capture: it knows neither
/// pcapng nor nanoseconds nor cooked captures, and takes cut packets for damaged ones.
fn beside_tcptrace(name: &str, path: &Path) -> Vec<String> {
    if !name.ends_with(".pcap")
        || ["any", "cooked", "cut", "nano"].iter().any(|it| name.contains(it))
    {
        return Vec::new();
    }
    let path = path.to_str().expect("a path of UTF-8");
    let table = run("tcptrace", &["-l", "-r", "-n", "--csv", path]);
    let bytes = fs::read(path).expect("the capture was made");
    let mut lines = JsonLines::new(Vec::new(), true, false);
    inspect(&mut Capture::open(&bytes[..]).expect("a capture"), Options::default(), &mut lines);
    let text = lines.finish().expect("a Vec takes everything");
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice(line).expect("each line is JSON"));
    crate::tcptrace::compare(name, &lines.collect::<Vec<Value>>(), &table)
}

#[test]
fn of_real_traffic() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = std::env::var_os("HUB_INSPECT_CAPTURES").map(std::path::PathBuf::from);
    let folder = made.unwrap_or_else(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/make.py");
        run("tcpdump", &["--version"]);
        run("tshark", &["--version"]);
        run("python3", &[script, folder.path().to_str().expect("a path of UTF-8")]);
        folder.path().to_owned()
    });
    compare_all(&folder, 30, Beside::Both);
}

/// Frames a packet for Ethernet, with tags.
fn ethernet(tags: &[u8], ether_type: [u8; 2], packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], tags, &ether_type, packet].concat()
}

#[test]
fn of_what_a_kernel_does_not_send() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let save = |name: &str, pcap: Pcap| {
        fs::write(folder.path().join(name), pcap.0).expect("the folder takes files");
    };
    let ms = 1_000_000;
    // Numbers that pass 2^32, with data behind it that is sent again.
    let mut pcap = Pcap::new(RAW);
    let (client, server) = (u32::MAX - 10, u32::MAX - 3);
    let at = |base: u32, n: u32| base.wrapping_add(n);
    let wraps = [
        tcp(true, SYN, client, 0, b""),
        tcp(false, SYN | ACK, server, at(client, 1), b""),
        tcp(true, ACK, at(client, 1), at(server, 1), b""),
        tcp(true, ACK, at(client, 1), at(server, 1), &[1; 20]),
        tcp(true, ACK, at(client, 21), at(server, 1), &[2; 20]),
        tcp(false, ACK, at(server, 1), at(client, 21), b""),
        tcp(false, ACK, at(server, 1), at(client, 41), &[3; 9]),
        tcp(true, ACK, at(client, 21), at(server, 10), &[2; 20]),
        tcp(true, FIN | ACK, at(client, 41), at(server, 10), b""),
        tcp(false, FIN | ACK, at(server, 10), at(client, 42), b""),
        tcp(true, ACK, at(client, 42), at(server, 11), b""),
        tcp(false, RST, at(server, 11), 0, b""),
    ];
    for (n, segment) in wraps.iter().enumerate() {
        pcap.packet(1_700_000_000_000_000_000 + n as i64 * 40 * ms, &segment.packet());
    }
    save("wraps.pcap", pcap);
    // Options of every kind, and one that lies; all flags.
    let mut pcap = Pcap::new(ETHERNET);
    let options: [&[u8]; 6] = [
        &[2, 4, 5, 0xb4, 1, 3, 3, 7],
        &[8, 10, 0, 0, 1, 0, 0, 0, 0, 2, 1, 1],
        &[5, 10, 0, 0, 0, 9, 0, 0, 0, 19, 1, 1],
        &[34, 6, 1, 2, 3, 4, 1, 0],
        &[8, 200, 1, 1],
        &[3, 0, 1, 1],
    ];
    for (n, options) in options.iter().enumerate() {
        let flags = if n == 0 { SYN } else { ACK | (0x1ff >> n & !(SYN | FIN | RST)) };
        let segment = tcp(true, flags, 4 + n.min(1) as u32, 9, b"x");
        let segment = crate::craft::Tcp { options: options.to_vec(), ..segment };
        let packet = ethernet(&[], [8, 0], &segment.packet());
        pcap.packet(1_700_000_000_000_000_000 + n as i64 * 40 * ms, &packet);
    }
    save("options.pcap", pcap);
    // Two tags, and IPv6 with extension headers and fragments.
    let mut pcap = Pcap::new(ETHERNET);
    let segment = tcp(true, ACK, 1, 1, &[7; 64]);
    let tags = [0x88, 0xa8, 0, 5, 0x81, 0, 0, 6];
    pcap.packet(1, &ethernet(&tags, [8, 0], &segment.packet()));
    let v6 = crate::craft::Tcp {
        from: "[fd00::1]:40000".parse().expect("an address"),
        to: "[fd00::2]:4820".parse().expect("an address"),
        ..segment.clone()
    };
    let bytes = v6.segment();
    pcap.packet(2, &ethernet(&[], [0x86, 0xdd], &v6.packet()));
    // Hop-by-hop options, then destination options, then TCP.
    let chain = [&[60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0][..], &bytes].concat();
    pcap.packet(3, &ethernet(&[], [0x86, 0xdd], &v6.ipv6(0, &chain)));
    for (offset, more, part) in [(48, 0, &bytes[48..]), (0, 1, &bytes[..48])] {
        let head = [6, 0, 0, offset | more, 0, 0, 0, 9];
        pcap.packet(4, &ethernet(&[], [0x86, 0xdd], &v6.ipv6(44, &[&head, part].concat())));
    }
    save("links.pcap", pcap);
    let mut pcap = Pcap::new(RAW);
    let bytes = segment.segment();
    for (n, (from, to)) in [(0, 24), (48, 84), (24, 48)].into_iter().enumerate() {
        let more = if to == 84 { 0 } else { 0x2000 };
        pcap.packet(n as i64, &segment.ip(&bytes[from..to], 77, (from as u16 / 8) | more));
    }
    save("fragments.pcap", pcap);
    compare_all(folder.path(), 4, Beside::Tshark);
}
