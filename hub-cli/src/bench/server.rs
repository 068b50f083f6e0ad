//! Finds the process of the hub, if it runs on this machine.
//!
//! Without this module, `hub bench` could not show the hub's processor time and memory unless the
//! user names the process.

use clap::ArgMatches;
use hub_bench::usage::Usage;
use std::fs;
use std::net::SocketAddr;

/// Returns the process that `--server-pid` names. Without that option, returns the process that listens
/// on the hub's port, if the hub's address is a loopback address.
pub(super) fn process(args: &ArgMatches, addr: SocketAddr) -> Option<u32> {
    let named = args.get_one::<u32>("server-pid").copied();
    named.or_else(|| addr.ip().is_loopback().then(|| listener(addr.port())).flatten())
}

/// Returns the processor time and the memory that the process has used so far.
pub(super) fn usage(process: Option<u32>) -> Option<Usage> {
    Usage::of_process(process?).ok()
}

/// Returns the process of this machine that listens on `port`, if this user may see it.
fn listener(port: u16) -> Option<u32> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid = process.file_name().to_str()?.parse::<u32>().ok()?;
        let mut files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        let is_it = files.any(|file| {
            fs::read_link(file.path()).is_ok_and(|target| {
                sockets.iter().any(|socket| target.as_os_str() == socket.as_str())
            })
        });
        is_it.then_some(pid)
    })
}

/// Returns the inodes of the sockets that listen on `port`, from one of the kernel's tables.
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let local = fields.get(1)?.rsplit_once(':')?.1;
        let is_it = u16::from_str_radix(local, 16) == Ok(port) && fields.get(3) == Some(&LISTEN);
        is_it.then(|| fields.get(9).map(|inode| (*inode).to_owned())).flatten()
    };
    table.lines().skip(1).filter_map(inode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_process_that_listens_is_found() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(listener(port), Some(std::process::id()));
        drop(socket);
        assert_eq!(listener(port), None);
    }

    #[test]
    fn a_connection_is_no_listener() {
        let table = "  sl  local_address rem_address   st\n   \
             0: 0100007F:12D4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 111 1\n   \
             1: 0100007F:12D4 0100007F:9999 01 00000000:00000000 00:00000000 00000000  0 0 222 1\n";
        assert_eq!(listening(table, 4820), ["111"]);
        assert_eq!(listening(table, 4821), Vec::<String>::new());
    }
}
