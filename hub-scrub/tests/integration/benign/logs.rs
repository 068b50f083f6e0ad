//! Lines that usual programs write, without addresses of clients.

use super::random::{BASE36, Random};
use super::shape::Shape;
use super::times::time;

fn nginx(random: &mut Random) -> String {
    let at = time(random, "%d/%b/%Y:%H:%M:%S +0000");
    let (word, id, status) =
        (random.word(), random.below(9_999_999), random.pick(&[200, 201, 304, 404, 502]));
    let (bytes, rt) = (random.below(9_999_999), random.digits(3));
    format!(
        "[{at}] \"GET /{word}/{id} HTTP/1.1\" {status} {bytes} \"-\" \
        \"curl/8.5.0\" rt=0.{rt} urt=0.{rt} pipe=. rid={}",
        random.hex(32)
    )
}

fn journald(random: &mut Random) -> String {
    let at = time(random, "%b %e %H:%M:%S");
    let (word, pid) = (random.word(), random.between(100, 4_194_304));
    match random.below(5) {
        0 => format!(
            "{at} {word}-1 systemd[1]: Started Session {} of user deploy.",
            random.below(99_999)
        ),
        1 => format!(
            "{at} {word}-1 systemd[1]: Stopping user@1000.service - User Manager for UID 1000..."
        ),
        2 => format!(
            "{at} {word}-1 systemd[1]: {word}.service: Consumed {}min {}.{}s CPU time.",
            random.below(60),
            random.below(60),
            random.digits(3)
        ),
        3 => format!("{at} {word}-1 CRON[{pid}]: (root) CMD (run-parts --report /etc/cron.hourly)"),
        _ => format!(
            "{at} {word}-1 dockerd[{pid}]: time=\"2026-08-23T00:05:00.{}Z\" level=info \
            msg=\"ignoring event\" container={} module=libcontainerd",
            random.digits(9),
            random.hex(64)
        ),
    }
}

fn kernel(random: &mut Random) -> String {
    let at = format!("[{:>5}.{}]", random.below(99_999), random.digits(6));
    let (a, b) = (random.hex(8), random.hex(8));
    match random.below(7) {
        0 => format!(
            "{at} usb {}-{}: new high-speed USB device number {} using xhci_hcd",
            random.below(4),
            random.below(9),
            random.below(99)
        ),
        1 => format!(
            "{at} e1000e 0000:00:1f.6 eth0: NIC Link is Up 1000 Mbps Full Duplex, \
            Flow Control: None"
        ),
        2 => format!("{at} BIOS-e820: [mem 0x00000000{a}-0x00000000{b}] reserved"),
        3 => format!(
            "{at} EXT4-fs (sda{}): mounted filesystem {a}-{} r/w with ordered data mode",
            random.below(9),
            random.hex(4)
        ),
        4 => format!(
            "{at} Out of memory: Killed process {} ({}) total-vm:{}kB, anon-rss:{}kB, file-rss:0kB",
            random.between(100, 4_194_304),
            random.word(),
            random.between(100_000, 99_999_999),
            random.between(100_000, 9_999_999)
        ),
        5 => format!(
            "{at} RIP: 0010:native_safe_halt+0x{}/0x10 Code: {}",
            random.hex(1),
            (0..12).map(|_| random.hex(2)).collect::<Vec<_>>().join(" ")
        ),
        _ => format!(
            "{at} sd 0:0:0:0: [sda] {} 512-byte logical blocks: (1.02 TB/954 GiB)",
            random.between(1_000_000_000, 3_999_999_999)
        ),
    }
}

fn java(random: &mut Random) -> String {
    let word = random.word();
    let mut trace = "java.lang.IllegalStateException: queue is full".to_owned();
    for _ in 0..random.between(2, 6) {
        let line = random.below(2000);
        trace += &match random.below(4) {
            0 => format!("\n\tat com.example.{word}.Handler$1.run(Handler.java:{line})"),
            1 => format!(
                "\n\tat org.springframework.web.Servlet.service(Servlet.java:{line}) \
                ~[spring-web-6.1.{}.jar:6.1.{}]",
                line % 20,
                line % 20
            ),
            2 => format!(
                "\n\tat java.base/java.util.concurrent.FutureTask.run(FutureTask.java:{line})"
            ),
            _ => format!(
                "\n\tat com.example.{word}.Service$$Lambda/0x00007f{}.apply(Unknown Source)",
                random.hex(10)
            ),
        };
    }
    trace
}

fn go(random: &mut Random) -> String {
    let (word, id, line) = (random.word(), random.below(99_999), random.below(2000));
    format!(
        "panic: runtime error: index out of range [{}] with length {}\n\ngoroutine {id} \
        [running]:\nmain.(*{word}).Run(0xc000{}, {{0xc000{}, 0x{}, 0x20}})\n\
        \t/src/{word}/main.go:{line} +0x{}\nexit status 2",
        line % 50,
        line % 40,
        random.hex(6),
        random.hex(6),
        random.hex(2),
        random.hex(3)
    )
}

fn rust(random: &mut Random) -> String {
    let word = random.word();
    let mut trace = format!(
        "thread '{word}' ({}) panicked at src/{word}.rs:{}:{}:\nstack backtrace:",
        random.below(999_999),
        random.below(900),
        random.below(90)
    );
    for frame in 0..random.between(2, 6) {
        let address = random.hex(10);
        let name = random.pick(&[
            "core::panicking::panic_fmt",
            "std::panicking::begin_panic_handler",
            "tokio::runtime::task::raw::poll",
            "core::ops::function::FnOnce::call_once",
        ]);
        trace += &format!("\n  {frame:>2}:     0x55{address} - {name}::h{}", random.hex(16));
    }
    trace
}

fn python(random: &mut Random) -> String {
    let (word, line) = (random.word(), random.below(2000));
    format!(
        "Traceback (most recent call last):\n  File \"/app/{word}/tasks.py\", line {line}, in run\n\
        \x20   total += int(row[{}])\n\
        ValueError: invalid literal for int() with base 10: '{}'\n<{word}.Job object at 0x7f{}>",
        line % 9,
        random.text(BASE36, 6),
        random.hex(10)
    )
}

fn postgres(random: &mut Random) -> String {
    let at = time(random, "%Y-%m-%d %H:%M:%S");
    match random.below(3) {
        0 => format!(
            "{at}.{} UTC [{}] LOG:  checkpoint complete: wrote {} buffers \
            ({}.{}%); 0 WAL file(s) added, distance={} kB, lsn={:X}/{:X}",
            random.digits(3),
            random.between(100, 99_999),
            random.below(99_999),
            random.below(99),
            random.digits(1),
            random.below(999_999),
            random.below(999),
            random.below(1 << 32)
        ),
        1 => format!(
            "{at}.{} UTC [{}] ERROR:  duplicate key value violates unique \
            constraint \"orders_pkey\" DETAIL:  Key (id)=({}) already exists.",
            random.digits(3),
            random.between(100, 99_999),
            random.between(1_000_000, 99_999_999)
        ),
        _ => format!(
            "{at}.{} UTC [{}] LOG:  duration: {}.{} ms  execute S_{}: \
            SELECT * FROM orders WHERE id = $1",
            random.digits(3),
            random.between(100, 99_999),
            random.below(9999),
            random.digits(3),
            random.below(99)
        ),
    }
}

const LINES: &[&str] = &["message", "log", "line", "msg", "error"];

pub(super) const SHAPES: &[Shape] = &[
    Shape::text("line of nginx", LINES, nginx),
    Shape::text("line of journald", LINES, journald),
    Shape::text("line of the kernel", LINES, kernel),
    Shape::text("line of PostgreSQL", LINES, postgres),
    Shape::text("stack trace of Java", &["stack_trace", "exception", "error.stack"], java),
    Shape::text("panic of Go", &["stack_trace", "panic", "error.stack"], go),
    Shape::text("backtrace of Rust", &["stack_trace", "backtrace", "error.stack"], rust),
    Shape::text("traceback of Python", &["stack_trace", "traceback", "error.stack"], python),
];
