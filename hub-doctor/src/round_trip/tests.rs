//! What counts as a slow hub, and what the path explains.

use super::*;

fn seen(rtt_us: u32, median_us: u64, p99_us: u64) -> RoundTripSeen {
    let pauses = usize::from(p99_us > median_us + 250_000);
    let times = Times { count: 100, min_us: 10, median_us, p99_us, max_us: p99_us, pauses };
    RoundTripSeen {
        tcp_rtt_us: Some(rtt_us),
        ping: Some(times),
        sizes: vec![SizeSeen { payload_bytes: 16, times: Some(times), scrub: Scrub::Unchanged }],
        ..RoundTripSeen::default()
    }
}

fn codes(seen: &RoundTripSeen) -> Vec<&'static str> {
    judge(seen).iter().map(|finding| finding.code).collect()
}

#[test]
fn the_path_is_not_the_hub() {
    assert!(codes(&seen(100, 200, 9_000)).is_empty());
    assert!(codes(&seen(200_000, 201_000, 230_000)).is_empty(), "a long way");
    assert_eq!(codes(&seen(100, 80_000, 90_000)), ["slow_hub"]);
    assert_eq!(codes(&seen(100, 200, 400_000)), ["pauses"]);
    let mut once = seen(100, 200, 400_000);
    once.ping = None;
    assert!(codes(&once).is_empty(), "one pause may be chance");
    let lossy = RoundTripSeen { tcp_lost: 2, ..seen(100, 200, 400_000) };
    assert!(codes(&lossy).is_empty(), "the loss is a finding of TCP");
    let busy = RoundTripSeen { own_delay_us: 300_000, ..seen(100, 200, 400_000) };
    assert!(codes(&busy).is_empty(), "the machine of the doctor is busy");
}

#[test]
fn an_event_that_does_not_come_back_is_a_fault() {
    let ended = RoundTripSeen { ended: Some(Ended::Silent), ..seen(100, 200, 300) };
    assert_eq!(codes(&ended), ["event_lost"]);
}

#[test]
fn only_a_refusal_of_the_smallest_event_is_worth_a_warning() {
    let refused = || Scrub::Refused { code: "rejected", rule: Some("no text".into()) };
    let mut some = seen(100, 200, 300);
    some.sizes.push(SizeSeen { payload_bytes: 1 << 20, times: None, scrub: refused() });
    assert!(codes(&some).is_empty());
    assert!(lines(&some).last().unwrap().contains("rejected by no text"));
    some.sizes[0].scrub = refused();
    assert_eq!(codes(&some), ["event_refused"]);
}

#[test]
fn percentiles_are_of_the_sorted_times() {
    let all = (1..=200).rev().map(Duration::from_micros).collect();
    let times = Times::of(all).unwrap();
    assert_eq!((times.min_us, times.median_us, times.p99_us, times.max_us), (1, 100, 198, 200));
    assert_eq!(Times::of(Vec::new()), None);
    let one = Times::of(vec![Duration::from_micros(7)]).unwrap();
    assert_eq!((one.median_us, one.p99_us), (7, 7));
}

#[test]
fn a_payload_is_one_text_of_its_size() {
    for size in [16, 1 << 10, 16 << 10, 128 << 10, 1 << 20] {
        assert_eq!(payload(size).len(), size);
    }
}
