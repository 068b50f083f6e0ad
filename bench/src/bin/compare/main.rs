mod servers;
use servers::*;
use hub_bench::{load::{self, Plan, Group}, Payload};
use std::time::Duration;
fn main() {
    servers::end_with_us().unwrap();
    let a: Vec<String> = std::env::args().collect();
    let p = Programs{ hub: a[1].clone().into(), nats: a[2].clone().into(), redis: "redis-server".into(), relay: a[3].clone().into()};
    let payload: Payload = a[4].parse().unwrap();
    let secs: f64 = a[5].parse().unwrap();
    let rounds: usize = a[6].parse().unwrap();
    let subs: usize = a[7].parse().unwrap();
    let window: usize = a[8].parse().unwrap();
    let chunk: usize = a[9].parse().unwrap();
    let rate: Option<f64> = a.get(10).map(|x| x.parse().unwrap());
    for r in 0..rounds { for k in Kind::ALL {
        let s = Server::start(k, &p).unwrap();
        let probe = || s.usage();
        let plan = Plan { dialect: k.dialect(), addr: s.addr, groups: vec![Group{topics: vec!["bench.00".into()], publishers:1, subscribers: subs}], payload: payload.clone(), rate, duration: Duration::from_secs_f64(secs), window, chunk, readers: 1, probe: Some(&probe), watch: None };
        match load::run(&plan) {
            Ok(o) => println!("{r} {:6} cpu {:.4} us rate {:.3} M/s peak {} MiB lost {} missing {} p50 {} p99 {} max {} us", k.name(), o.cpu_us().unwrap(), o.rate()/1e6, o.usage.unwrap().peak>>20, o.lost(), o.announced_missing, o.latency.value_at_quantile(0.5)/1000, o.latency.value_at_quantile(0.99)/1000, o.latency.max()/1000),
            Err(e) => println!("{r} {} error {e} {:?}", k.name(), e),
        }
    }}
}
