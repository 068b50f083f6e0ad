//! Implements `hub reply`, which answers requests with a fixed value, with their own payload, or
//! with the output of a command.
//!
//! Without this command, a user who tries out a service that sends requests would have to write a
//! program that answers them.

use crate::connect::{connect, end, note, stop_signal, tell};
use crate::exit::{Exit, Failure};
use crate::input::from_json;
use crate::json::from_msgpack;
use bytes::Bytes;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use hub_client::{
    Client, Delivery, ERROR_REPLY, Emitter, Headers, Message, Overflow, SubscribeOptions,
    SubscriptionEnd, TopicFilter, encode,
};
use serde_json::json;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process;

pub(crate) fn command() -> Command {
    Command::new("reply")
        .about("Answer requests")
        .long_about(
            "Answer requests one after another, until the command is stopped. If the command of \
             --exec fails, or prints something that is not JSON, the request fails, and its sender \
             gets the error.",
        )
        .args([
            Arg::new("filter")
                .required(true)
                .value_name("TOPIC")
                .value_parser(TopicFilter::parse)
                .help("The topic of the requests, or a filter"),
            Arg::new("json")
                .long("json")
                .value_name("JSON")
                .allow_negative_numbers(true)
                .help("Answer every request with this value"),
            Arg::new("echo")
                .long("echo")
                .action(ArgAction::SetTrue)
                .help("Answer with the payload of the request, byte for byte"),
            Arg::new("exec").long("exec").value_name("COMMAND").help(
                "Run a shell command for each request. It gets the payload of the request as JSON \
                 on its stdin, and prints the answer as JSON on its stdout",
            ),
            Arg::new("group")
                .long("group")
                .value_name("NAME")
                .help("Join a queue group. The hub sends each request to one member of the group"),
            Arg::new("count")
                .long("count")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .help("End after N requests"),
        ])
        .group(ArgGroup::new("answer").args(["json", "echo", "exec"]).required(true))
        .after_help(
            "Examples:\n  \
             hub reply payments.charge --json '{\"paid\": true}'\n  \
             hub reply test.echo --echo --group echo\n  \
             hub reply math.double --exec 'jq \". * 2\"'",
        )
}

/// Says where the answers come from.
enum Answer {
    Fixed(Bytes),
    Echo,
    Exec(String),
}

pub(crate) async fn run(args: &ArgMatches) -> Result<Exit, Failure> {
    let answer = match (args.get_one::<String>("json"), args.get_one::<String>("exec")) {
        (Some(json), _) => Answer::Fixed(from_json(json.as_bytes())?),
        (None, Some(command)) => Answer::Exec(command.clone()),
        (None, None) => Answer::Echo,
    };
    let filter = args.get_one::<TopicFilter>("filter").cloned();
    let filter = filter.ok_or_else(|| Failure::new(Exit::Usage, "the topic is missing"))?;
    // When too many requests wait, the newest are dropped, because their senders have waited least.
    let mut options = SubscribeOptions::new().overflow(Overflow::DropNewest);
    if let Some(group) = args.get_one::<String>("group") {
        options = options.group(group);
    }
    let mut left = args.get_one("count").copied().unwrap_or(u64::MAX);
    let mut stop = stop_signal()?;
    let client = connect(args).await?;
    let teller = tokio::spawn(tell(client.events()));
    let mut requests = client.subscribe(filter.clone(), options).await?;
    note(format_args!("subscribed to {filter}"));
    while left > 0 {
        let delivery = tokio::select! {
            biased;
            () = &mut stop => break,
            delivery = requests.next() => delivery,
        };
        match delivery {
            Some(Delivery::Message(request)) => {
                left -= 1;
                answer.give(&client, &request).await;
            }
            Some(Delivery::Gap(gap)) => note(format_args!(
                "gap: requests on {} from #{} missing: {}",
                gap.topic, gap.from, gap.reason
            )),
            None => return Err(requests.end_reason().unwrap_or(SubscriptionEnd::Closed).into()),
        }
    }
    // The drop unsubscribes. An event of the connection then reports the requests of a queue group that
    // this member did not handle.
    drop(requests);
    end(client, teller).await;
    Ok(Exit::Ok)
}

impl Answer {
    /// Answers one request. If no answer can be made, the error goes to stderr and to the sender of the
    /// request. No error ends the command.
    async fn give(&self, client: &Client, request: &Message) {
        // An event without the header `reply` is no request, so nobody waits for an answer.
        let Some(reply_to) = request.headers.reply() else { return };
        let mut headers = match request.headers.id() {
            Some(id) => Headers::new().with_re(id),
            None => Headers::new(),
        };
        let answered = match self {
            Answer::Fixed(payload) => Ok(payload.clone()),
            Answer::Echo => Ok(request.payload.clone()),
            Answer::Exec(command) => exec(command, &request.payload).await,
        };
        let payload = match answered {
            Ok(payload) => payload,
            Err(failure) => {
                note(format_args!("{} #{}: {}", request.topic, request.seq, failure.message));
                headers = headers.with_kind(ERROR_REPLY);
                // A map with a string always encodes.
                encode(&json!({ "message": failure.message })).unwrap_or_default()
            }
        };
        if let Err(error) = client.emit_raw(reply_to, payload, &headers).await {
            let failure = Failure::from(error);
            note(format_args!("{} #{}: {}", request.topic, request.seq, failure.message));
        }
    }
}

/// Runs the command with the payload on its stdin, and returns its stdout as the reply.
async fn exec(command: &str, payload: &[u8]) -> Result<Bytes, Failure> {
    let mut child = process::Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdin = child.stdin.take();
    let text = from_msgpack(payload).to_string() + "\n";
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // The command need not read its stdin, so a failed write is no error.
            let _ = stdin.write_all(text.as_bytes()).await;
        }
    };
    // Writing and reading happen at the same time, because a command may answer before it has read
    // everything.
    let (_, output) = tokio::join!(feed, child.wait_with_output());
    let output = output?;
    match output.status.success() {
        true => from_json(&output.stdout),
        false => {
            Err(Failure::new(Exit::Error, format!("the command ended with {}", output.status)))
        }
    }
}
