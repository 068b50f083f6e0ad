//! `hub doctor`, which examines the way to a hub layer by layer.
//!
//! Without this command, a user whose client says "cannot be reached" would be alone with tcpdump.
//! The work is in the crate `hub-doctor`; here are the arguments, the output and the exit code.

use crate::connect;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command};
use hub_client::{Credentials, HubUrl, TopicName};
use hub_doctor::{Layer, Options, Report, changes, examine, summary, text};
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// The arguments of `hub doctor`.
pub(crate) fn command() -> Command {
    Command::new("doctor")
        .about("Find out which layer between this machine and a hub is at fault, and what to do")
        .long_about(
            "Examine the way to a hub from the bottom to the top: the name, the route, TCP, TLS, the \
             hub, this client's access, an event to the hub and back, and the clocks. The doctor \
             gives each layer a verdict and a time, and says what is wrong and what to do about it. \
             It shows no secret, and is no more load for the hub than a client.",
        )
        .args([
            Arg::new("url")
                .value_name("URL")
                .help("The address of the hub. Without it, the doctor examines the address of --server"),
            Arg::new("topic").long("topic").value_name("TOPIC").value_parser(TopicName::parse).help(
                "Ask whether this client may publish on the topic and read it. If there are \
                 subscribers, they get one event with the payload nil and the header type=hub.doctor",
            ),
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Print each report as one line of JSON with every figure"),
            Arg::new("watch")
                .long("watch")
                .value_name("SECONDS")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("5")
                .value_parser(clap::value_parser!(u64).range(1..=86_400))
                .help(
                    "Repeat the examination, and print what changes. The number of seconds is the \
                     pause in between; without it, the pause is 5 seconds",
                ),
        ])
        .after_help(format!(
            "{}\n\nExamples:\n  hub doctor hub://127.0.0.1:4820\n  \
             hub doctor hubs://events.internal --ca ca.pem --token-file orders.token --topic orders.placed\n  \
             hub doctor --json | jq .at_fault\n  hub doctor --watch=10",
            exit_codes()
        ))
}

/// Returns the exit codes for the help.
fn exit_codes() -> String {
    let mut text = "Exit codes: the lowest layer with a fault; without faults, the lowest layer with a \
                    warning.\n   0  the doctor found nothing wrong\n   2  the command line or a file \
                    has an error"
        .to_owned();
    for layer in Layer::ALL {
        text += &format!("\n  {}  {}: {}", layer.exit_code(), layer.title(), layer.about());
    }
    text
}

/// Examines the hub, and prints the report.
pub(crate) fn run(args: &ArgMatches) -> ExitCode {
    match examine_and_print(args) {
        Ok(code) => code,
        Err(failure) => {
            connect::note(format_args!("error: {}", failure.message));
            failure.exit.into()
        }
    }
}

fn examine_and_print(args: &ArgMatches) -> Result<ExitCode, Failure> {
    let options = options(args)?;
    let json = args.get_flag("json");
    let mut out = io::stdout().lock();
    let mut before = examined(&options)?;
    let mut go_on = is_read(print(&mut out, &before, json))?;
    while let (Some(pause), true) = (args.get_one::<u64>("watch"), go_on) {
        thread::sleep(Duration::from_secs(*pause));
        let after = examined(&options)?;
        go_on = is_read(if json {
            print(&mut out, &after, true)
        } else {
            print_changes(&mut out, &before, &after)
        })?;
        before = after;
    }
    Ok(before.exit_code().into())
}

/// Returns whether somebody still reads stdout. The end of the reader, as of `head`, is no error.
fn is_read(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => Ok(written.map(|()| true)?),
    }
}

fn print_changes(out: &mut impl Write, before: &Report, after: &Report) -> io::Result<()> {
    for change in changes(before, after) {
        writeln!(out, "{} {change}", now())?;
    }
    if before.at_fault() != after.at_fault() {
        writeln!(out, "{} {}", now(), summary(after))?;
    }
    out.flush()
}

/// Returns what the command line asks for.
fn options(args: &ArgMatches) -> Result<Options, Failure> {
    let text = args.get_one::<String>("url").or_else(|| args.get_one::<String>("server"));
    let url: HubUrl = text
        .map_or("", String::as_str)
        .parse()
        .map_err(|error| Failure::of(Exit::Usage, &error))?;
    let mut options = Options::new(url);
    options.name = args.get_one::<String>("name").cloned();
    options.credentials = connect::token(args)?.map(Credentials::Token);
    options.tls = connect::tls(args);
    options.topic = args.get_one::<TopicName>("topic").map(|topic| topic.as_str().to_owned());
    Ok(options)
}

fn examined(options: &Options) -> Result<Report, Failure> {
    examine(options).map_err(|error| Failure::of(Exit::Usage, &error))
}

fn print(out: &mut impl Write, report: &Report, json: bool) -> io::Result<()> {
    if json {
        writeln!(out, "{}", report.json())?;
    } else {
        write!(out, "{}", text(report))?;
    }
    out.flush()
}

/// Returns the time of day in UTC.
fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = since.map_or(0, |time| time.as_secs()) % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
