//! What tcptrace says of the connections of a capture, for the comparison in
//! `every_field_equals_tsharks`.
//!
//! `docs/inspect.md` has the definitions, and where they differ.

use serde_json::Value;
use std::collections::BTreeMap;

/// The two directions, as tcptrace and this crate name them.
const SIDES: [(&str, &str); 2] = [("a2b", "from_client"), ("b2a", "from_server")];

/// Compares the lines of JSON of a capture with the table of `tcptrace -l -r -n --csv`. Returns the
/// differences.
pub(crate) fn compare(name: &str, lines: &[Value], table: &str) -> Vec<String> {
    let mut rows = table.lines().filter(|line| !line.starts_with('#') && line.contains(','));
    let names: Vec<&str> = rows.next().unwrap_or_default().split(',').map(str::trim).collect();
    let mut differences = Vec::new();
    for row in rows {
        let values = row.split(',').map(str::trim);
        let row: BTreeMap<&str, &str> = names.iter().copied().zip(values).collect();
        let host = |host: &str, port: &str| format!("{}:{}", row[host], row[port]);
        let (a, b) = (host("host_a", "port_a"), host("host_b", "port_b"));
        let mine = lines.iter().find(|line| line["client"] == a && line["server"] == b);
        let Some(mine) = mine else { continue };
        for (direction, side) in SIDES {
            let theirs = |field: &str| {
                row[format!("{field}_{direction}").as_str()].parse::<f64>().unwrap_or_default()
            };
            let ours = |field: &str| mine[side][field].as_f64().unwrap_or_default();
            let sign = |sign: &str| mine[side]["analysis"][sign].as_f64().unwrap_or_default();
            let mut check = |field: &str, ours: f64, theirs: f64, tolerance: f64| {
                if (ours - theirs).abs() > tolerance {
                    let what = format!("{name} {a} {side} {field}: {ours}, tcptrace {theirs}");
                    differences.push(what);
                }
            };
            check("segments", ours("segments"), theirs("total_packets"), 0.0);
            check("bytes", ours("bytes"), theirs("actual_data_bytes"), 1.0);
            // A segment of which only a part is new counts whole here, and a keep-alive with a byte does not
            // count here.
            let partly = ours("largest") * sign("retransmission").min(3.0) + 3.0;
            // tcptrace counts each further SYN and FIN as a byte.
            let opened_and_closed = row[format!("SYN/FIN_pkts_sent_{direction}").as_str()];
            let further =
                opened_and_closed.split('/').filter_map(|count| count.parse::<f64>().ok());
            let further: f64 = further.map(|count| (count - 1.0).max(0.0)).sum();
            let theirs_of_data = theirs("rexmt_data_bytes") - further;
            check("repeated_bytes", ours("repeated_bytes"), theirs_of_data, partly);
            // tcptrace counts each FIN with a window of 0 too. An RST may count as well: its window is
            // 0, and says nothing.
            let port = if direction == "a2b" { row["port_a"] } else { row["port_b"] };
            let closed = closed_by_fin(lines, &mine["stream"], port);
            let resets = theirs("resets_sent");
            let zero_window = sign("zero_window") + closed as f64;
            check("zero_window", zero_window, theirs("zero_win_adv"), resets);
            let reset = if side == "from_client" { "client" } else { "server" };
            if theirs("resets_sent") > 0.0 && mine["reset_by"].is_null() {
                check(&format!("reset by the {reset}"), 0.0, 1.0, 0.0);
            }
            // tcptrace shows tenths of a millisecond.
            if theirs("RTT_samples") > 0.0 && !mine[side]["rtt"].is_null() {
                let rtt = |field: &str| mine[side]["rtt"][field].as_f64().unwrap_or_default() * 1e3;
                check("rtt.least", rtt("least"), theirs("RTT_min"), 0.1);
                check("rtt.most", rtt("most"), theirs("RTT_max"), 0.1);
            }
        }
    }
    differences
}

/// Returns how many FIN segments of a connection have a window of 0 and come from this port.
fn closed_by_fin(lines: &[Value], stream: &Value, port: &str) -> usize {
    let port = port.parse::<u64>().expect("a port");
    let closes = |line: &&Value| {
        let flags = line["flags"].as_u64().unwrap_or_default();
        line["kind"] == "segment"
            && line["stream"] == *stream
            && line["srcport"] == port
            && flags & 0x07 == 0x01
            && line["window_size_value"] == 0
    };
    lines.iter().filter(closes).count()
}
