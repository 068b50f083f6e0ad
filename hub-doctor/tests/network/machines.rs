//! Machines out of network namespaces: two hosts on one link, or with a router or a slow bridge in
//! between. They are removed with the test.

use crate::support::{Hub, built, hub_program};
use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// What the tests need, for the message when it is missing.
const NEEDS: &str = "these tests make network namespaces: run them as root, or where `sudo -n` \
                     works, with `ip` and `nft` (apt-get install iproute2 nftables)";

/// The number of the next network of this process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Runs a test, which has a name and a module, as root: here, or in a second process that `sudo`
/// starts if it needs no password. On a machine that allows no network namespaces, the test does
/// not run, and says so past the capture of the test program.
pub(crate) fn as_root(module: &str, name: &str, test: impl FnOnce()) {
    if let Some(why) = forbidden() {
        // In one piece, because other tests write at the same time.
        let text = format!("\nNOT TESTED: {name}: {why}; {NEEDS}\n\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
        return;
    }
    if is_root() {
        return test();
    }
    let module = module.split_once("::").unwrap().1;
    let this = std::env::current_exe().unwrap();
    let mut command = Command::new("sudo");
    command.args(["-n", "-E"]).arg(this).args(["--exact", &format!("{module}::{name}")]);
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let passed = done.status.success() && said.contains("1 passed");
    assert!(passed, "{said}{}", String::from_utf8_lossy(&done.stderr));
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Returns why this machine allows no network namespaces. A program that is missing is no such
/// reason: `.ci/test` installs it.
fn forbidden() -> Option<&'static str> {
    static WHY: OnceLock<Option<String>> = OnceLock::new();
    let why = WHY.get_or_init(|| {
        let name = format!("d{}-probe", std::process::id());
        let ip = |does: &str| {
            let (program, first) =
                if is_root() { ("ip", &[][..]) } else { ("sudo", &["-n", "ip"][..]) };
            Command::new(program).args(first).args(["netns", does, &name]).output()
        };
        let done = match ip("add") {
            Err(error) if is_root() => panic!("ip: {error}; {NEEDS}"),
            Err(error) => return Some(format!("sudo: {error}")),
            Ok(done) => done,
        };
        let _ = ip("delete");
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        (!done.status.success()).then_some(said)
    });
    why.as_deref()
}

/// A client's machine and a hub's machine.
pub(crate) struct Network {
    id: String,
    machines: Vec<String>,
    /// The programs that run on them.
    programs: Vec<Child>,
}

impl Network {
    fn new(machines: &[&str]) -> Network {
        let id = format!("d{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let machines: Vec<_> = machines.iter().map(|name| format!("{id}{name}")).collect();
        let network = Network { id, machines, programs: Vec::new() };
        for machine in &network.machines {
            run("ip", &format!("netns add {machine}"));
            run("ip", &format!("-n {machine} link set lo up"));
        }
        network
    }

    /// The client 10.77.0.1 and the hub 10.77.0.2 on one link; fd77::1 and fd77::2 over IPv6.
    pub(crate) fn direct() -> Network {
        let network = Network::new(&["c", "h"]);
        network.link("c", "h");
        network.address("c", "h", "10.77.0.1/24");
        network.address("h", "c", "10.77.0.2/24");
        // Without the search for duplicates, the addresses are there at once.
        network.address("c", "h", "fd77::1/64 nodad");
        network.address("h", "c", "fd77::2/64 nodad");
        network
    }

    /// As [`Network::direct`], with a router that knows a smaller MTU behind it.
    pub(crate) fn routed(mtu: u32) -> Network {
        let network = Network::new(&["c", "r", "h"]);
        network.link("c", "r");
        network.link("r", "h");
        network.address("c", "r", "10.77.1.1/24");
        network.address("r", "c", "10.77.1.254/24");
        network.address("r", "h", "10.77.0.254/24");
        network.address("h", "r", "10.77.0.2/24");
        network.ip("c", "route add default via 10.77.1.254");
        network.ip("h", "route add default via 10.77.0.254");
        network.ip("r", &format!("link set to-h mtu {mtu}"));
        // The hub's own link stays as large as the client's: neither end knows the narrow one.
        network.sysctl("r", "net.ipv4.ip_forward", "1");
        network
    }

    /// As [`Network::direct`], with a bridge that delays each packet in each direction.
    pub(crate) fn delayed(ms: u32) -> Network {
        let mut network = Network::new(&["c", "b", "h"]);
        network.link("c", "b");
        network.link("h", "b");
        network.address("c", "b", "10.77.0.1/24");
        network.address("h", "b", "10.77.0.2/24");
        network.whole_packets("c", "to-b");
        network.whole_packets("h", "to-b");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/network/bridge.py");
        network.python("b", &[script, "to-c", "to-h", &ms.to_string()]);
        network
    }

    /// Lets the client ask a name server on the hub's machine, which `arguments` describe.
    pub(crate) fn name_server(&mut self, arguments: &[&str]) {
        self.etc("resolv.conf", "nameserver 10.77.0.2\noptions timeout:2 attempts:1\n");
        if !arguments.is_empty() {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/network/dns.py");
            self.python("h", &[&[script, "10.77.0.2"], arguments].concat());
        }
    }

    /// Starts a script and waits until it says that it is ready.
    fn python(&mut self, machine: &str, args: &[&str]) {
        let mut command = self.command(machine, "python3");
        let mut script = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        let said = std::io::Read::read_exact(script.stdout.as_mut().unwrap(), &mut ready);
        self.programs.push(script);
        said.unwrap_or_else(|error| panic!("{args:?}: {error}"));
    }

    /// Connects two machines with interfaces that are named after the other side.
    fn link(&self, one: &str, other: &str) {
        let (a, b) = (self.name(one), self.name(other));
        let pair = format!("link add to-{other} netns {a} type veth peer name to-{one} netns {b}");
        run("ip", &pair);
        self.ip(one, &format!("link set to-{other} up"));
        self.ip(other, &format!("link set to-{one} up"));
    }

    fn address(&self, machine: &str, to: &str, address: &str) {
        self.ip(machine, &format!("address add dev to-{to} {address}"));
    }

    fn name(&self, machine: &str) -> String {
        format!("{}{machine}", self.id)
    }

    /// Lets a machine send packets as they are on the wire: no checksums and no segments are left to
    /// a card.
    pub(crate) fn whole_packets(&self, machine: &str, interface: &str) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/network/offload.py");
        self.exec(machine, &["python3", script, interface]);
    }

    /// Runs `ip` on a machine.
    pub(crate) fn ip(&self, machine: &str, args: &str) {
        run("ip", &format!("-n {} {args}", self.name(machine)));
    }

    /// Loads rules into the firewall of a machine.
    pub(crate) fn firewall(&self, machine: &str, hook: &str, rule: &str) {
        let rules = format!(
            "table inet doctor {{\nchain {hook} {{\ntype filter hook {hook} priority 0\n{rule}\n}}\n}}\n"
        );
        let mut command = self.command(machine, "nft");
        let mut nft = command.args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
        assert!(nft.wait().unwrap().success(), "{NEEDS}: nft refuses {rules}");
    }

    /// Sets the hosts file of the client.
    pub(crate) fn hosts(&self, text: &str) {
        self.etc("hosts", text);
    }

    /// Writes a file of the client's folder `/etc`.
    fn etc(&self, name: &str, text: &str) {
        let folder = format!("/etc/netns/{}", self.name("c"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/{name}"), text).unwrap();
    }

    /// Sets a parameter of the kernel on a machine.
    pub(crate) fn sysctl(&self, machine: &str, key: &str, value: &str) {
        let set = format!("echo {value} > /proc/sys/{}", key.replace('.', "/"));
        self.exec(machine, &["sh", "-c", &set]);
    }

    fn command(&self, machine: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(machine), program]);
        command
    }

    fn exec(&self, machine: &str, args: &[&str]) {
        let status = self.command(machine, args[0]).args(&args[1..]).status().unwrap();
        assert!(status.success(), "{args:?} on {machine}");
    }

    /// A hub on its machine, for every client.
    pub(crate) fn hub(&self) -> Hub {
        self.hub_at("10.77.0.2:4820", &[])
    }

    /// A hub with an address and arguments of its own.
    pub(crate) fn hub_at(&self, listen: &str, args: &[String]) -> Hub {
        let mut command = self.command("h", hub_program().to_str().unwrap());
        command.args(["serve", "--listen", listen, "--http", "127.0.0.1:0"]).args(args);
        command.args(["--anonymous", "everywhere"]);
        Hub::run(command)
    }

    /// The doctor on the client's machine: its report and its exit code.
    pub(crate) fn doctor(&self, url: &str) -> (Value, i32) {
        self.doctor_with(url, &[], None)
    }

    /// The doctor with more arguments and a token.
    pub(crate) fn doctor_with(
        &self,
        url: &str,
        args: &[&str],
        token: Option<&str>,
    ) -> (Value, i32) {
        let program = built().join("examples/doctor");
        let mut command = self.command("c", program.to_str().unwrap());
        command.env_remove("HUB_TOKEN").envs(token.map(|token| ("HUB_TOKEN", token)));
        let done = command.args([url, "--json"]).args(args).output().unwrap();
        let report = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&done.stderr));
        });
        (report, done.status.code().unwrap())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
        let _ = std::fs::remove_dir_all(format!("/etc/netns/{}", self.name("c")));
        for machine in &self.machines {
            let _ = Command::new("ip").args(["netns", "delete", machine]).status();
        }
    }
}

fn run(program: &str, args: &str) {
    let done = Command::new(program).args(args.split(' ')).output();
    let done = done.unwrap_or_else(|error| panic!("{program}: {error}; {NEEDS}"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {args}: {said}; {NEEDS}");
}
