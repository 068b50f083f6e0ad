//! Claim: whatever a stranger sends to the port of the admin API, it is answered or ended, nothing
//! of the admin API is done without credentials that have the right, and the hub goes on.
//!
//! `docs/testing.md` tells how to run this for long.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hub_server::RunningHub;
use hub_server::access::{create_token, hash_password};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use support::*;

/// Of what requests are made. `worker` has no right to administer; its credentials are real.
struct Parts(Vec<String>);

impl Parts {
    fn new(worker: &str, admin_id: &str) -> Parts {
        let basic = |pair: &str| format!("Authorization: Basic {}\r\n", STANDARD.encode(pair));
        let mut parts: Vec<String> = [
            "GET /admin/audit HTTP/1.1\r\n",
            "POST /admin/reload HTTP/1.1\r\n",
            "GET /admin/../admin/audit?x=%00 HTTP/1.1\r\n",
            "GET //admin/audit HTTP/1.0\r\n",
            "GET http://localhost/admin/audit HTTP/1.1\r\n",
            "HEAD /metrics HTTP/1.1\r\n",
            "GET /health/ready HTTP/1.1\r\n",
            "Host: localhost\r\n",
            "Host: [::1]:9090\r\n",
            "Forwarded: for=127.0.0.1;host=localhost\r\n",
            "X-Forwarded-For: 127.0.0.1\r\n",
            "Authorization: Bearer ",
            "Authorization: Basic ",
            "Authorization: ",
            "Content-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n0\r\n",
            "Connection: close\r\n",
            "hub_",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.",
            "\r\n",
            "\r\n\r\n",
        ]
        .map(str::to_owned)
        .into();
        parts.push(format!("Authorization: Bearer {worker}\r\n"));
        parts.push(format!("Authorization: Bearer hub_{admin_id}_00\r\n"));
        parts.push(basic("root:"));
        parts.push(basic("root:wrong"));
        parts.push(basic("root"));
        parts.push(basic(&format!("worker:{worker}")));
        Parts(parts)
    }

    /// 0xff and a number are a part; the rest is as it is.
    fn request(&self, input: &[u8]) -> Vec<u8> {
        let (mut rest, mut out) = (input, Vec::new());
        while let [first, after @ ..] = rest {
            rest = match (first, after) {
                (0xff, [which, after @ ..]) => {
                    out.extend(self.0[usize::from(*which) % self.0.len()].bytes());
                    after
                }
                (byte, after) => {
                    out.push(*byte);
                    after
                }
            };
        }
        out
    }
}

/// A hub that one identity alone may administer, with a password that nobody says here.
fn guarded() -> (RunningHub, tempfile::TempDir, Parts) {
    let folder = tempfile::tempdir().unwrap();
    let (admin, worker) = (create_token("admin").unwrap(), create_token("worker").unwrap());
    let file = format!(
        "[roles.admin]\nadmin = true\n[roles.worker]\npublish.allow = \"**\"\n\
         [identities.root]\nroles = \"admin\"\n{}\npassword = \"{}\"\n\
         [identities.worker]\nroles = \"worker\"\n{}\n",
        admin.line,
        hash_password("a long enough password").unwrap(),
        worker.line
    );
    std::fs::write(folder.path().join("access.toml"), file).unwrap();
    let access = folder.path().join("access.toml").to_string_lossy().into_owned();
    let hub = hub_with(|config| config.access = access);
    (hub, folder, Parts::new(&worker.token, "admin"))
}

#[test]
fn admin_any_request() {
    let (hub, _folder, parts) = guarded();
    let address = hub.http();
    bolero::check!().for_each(|input: &[u8]| {
        let request = parts.request(input);
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        // The hub may have answered and gone before all was said.
        let _ = socket.write_all(&request);
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        match socket.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error}: {request:02x?}"),
        }
        let answer = String::from_utf8_lossy(&answer);
        // What only the audit and the answer to a reload have in them.
        for told in ["\"unbalanced_topics\"", "\"needs_restart\"", "\"files\"", "access.toml"] {
            assert!(!answer.contains(told), "{answer}\n{}", String::from_utf8_lossy(&request));
        }
    });
    // Nothing was reloaded, and it still answers.
    let metrics = metrics(&hub);
    let reloads = metrics.iter().filter(|(name, _)| name.starts_with("hub_access_reloads_total"));
    assert_eq!(reloads.map(|(_, count)| count).sum::<f64>(), 0.0);
}
