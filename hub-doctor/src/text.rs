//! The report for people, on one screen: a line for each layer, what is wrong, and what to do.

use crate::layer::{Layer, Severity, Verdict};
use crate::report::Report;
use std::fmt::Write;

/// The texts begin at this column.
const INDENT: usize = 32;
/// A line may have so many characters.
const WIDTH: usize = 110;

/// Returns the report as a text.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut out = format!("{}\n\n", report.seen.url);
    for layer in Layer::ALL {
        layer_text(&mut out, report, layer);
    }
    out.push('\n');
    out.push_str(&summary(report));
    out.push('\n');
    out
}

/// Returns the sentence that sums the report up.
#[must_use]
pub fn summary(report: &Report) -> String {
    let Some(layer) = report.at_fault() else {
        return "The doctor found nothing wrong.".to_owned();
    };
    let worst = report.of_layer(layer).map(|finding| finding.severity).max();
    let what = if worst == Some(Severity::Fault) {
        "The fault is"
    } else {
        "Clients work, with a warning"
    };
    format!("{what} on the layer {} (exit code {}).", layer.title(), report.exit_code())
}

/// Appends one layer.
fn layer_text(out: &mut String, report: &Report, layer: Layer) {
    let verdict = report.verdict(layer);
    let mark = match verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "WARNING",
        Verdict::Fault => "FAULT",
        Verdict::NotUsed | Verdict::NotReached => "-",
    };
    let time = match report.time_ms(layer) {
        Some(ms) => format!("{ms:.1} ms"),
        None => String::new(),
    };
    // Writing to a string cannot fail.
    let _ = write!(out, "{mark:<8} {:<11}{time:>10}  ", layer.title());
    let mut lines = report.lines(layer);
    if lines.is_empty() {
        lines.push(match verdict {
            Verdict::NotUsed => "not used".to_owned(),
            Verdict::NotReached => "not reached".to_owned(),
            _ => String::new(),
        });
    }
    lines.retain(|line| !line.is_empty());
    let mut first = true;
    for line in &lines {
        paragraph(out, "", line, &mut first);
    }
    for finding in report.of_layer(layer) {
        paragraph(out, "Problem: ", &finding.what, &mut first);
        paragraph(out, "Remedy:  ", &finding.remedy, &mut first);
    }
    if first {
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
}

/// Appends a paragraph. The first one stands on the line of its layer.
fn paragraph(out: &mut String, mark: &str, text: &str, first: &mut bool) {
    let width = WIDTH - INDENT - mark.len();
    let mut line = String::new();
    let mut begin = mark;
    let mut flush = |line: &mut String, begin: &mut &str| {
        if !std::mem::take(first) {
            let _ = write!(out, "{:INDENT$}", "");
        }
        out.push_str(begin);
        out.push_str(line);
        out.push('\n');
        *begin = &"         "[..begin.len()];
        line.clear();
    };
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            flush(&mut line, &mut begin);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    flush(&mut line, &mut begin);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Seen;
    use crate::route::{Outcome, PathSeen, RouteSeen};

    #[test]
    fn a_closed_port_reads_from_top_to_bottom() {
        let mut path = PathSeen::new("10.0.0.1:4820".parse().unwrap(), Outcome::Refused);
        path.interface = Some("eth0".into());
        let route = RouteSeen { paths: vec![path] };
        let seen =
            Seen { url: "hub://10.0.0.1:4820".into(), route: Some(route), ..Seen::default() };
        let report = Report::of(seen);
        let text = text(&report);
        assert!(
            text.contains("ok       route          0.0 ms  10.0.0.1 through eth0: refused\n"),
            "{text}"
        );
        let fault = "FAULT    TCP                    Problem: 10.0.0.1:4820 refuses";
        assert!(text.contains(fault), "{text}");
        assert!(text.contains("-        TLS                    not used\n"), "{text}");
        assert!(text.contains("-        hub                    not reached\n"), "{text}");
        assert!(text.ends_with("The fault is on the layer TCP (exit code 13).\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }
}
