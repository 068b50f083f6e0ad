//! Implements `hub serve`, which runs the hub. The flags are the configuration keys.
//!
//! This module loads the configuration, starts the log, and runs the server until a signal comes.
//! Without it, the crate hub-server would have no program.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use hub_client::with_causes;
use hub_server::config::{self, Config, ConfigError, ConfigFile};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// A command ends with this exit code if the configuration or the command line has an error.
pub(crate) const BAD_CONFIG: u8 = 2;
/// The environment variable with this name holds the path of the configuration file.
pub(crate) const CONFIG_ENV: &str = "HUB_CONFIG";
const FILE: &str = "config";
/// At most this many lines of the log may wait to be written. Further lines are dropped.
const LOG_LINES: usize = 4096;

/// Declares `hub serve` and its arguments.
pub(crate) fn command() -> Command {
    let file = Arg::new(FILE)
        .long(FILE)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help(format!("The configuration file (TOML). `hub config default` prints one with all defaults [env: {CONFIG_ENV}]"));
    let flags = config::flags().iter().map(|flag| {
        // clap must not know defaults and environment variables, because the configuration reports
        // where each value comes from.
        Arg::new(flag.key)
            .long(flag.name.as_str())
            .value_name(flag.placeholder)
            .allow_negative_numbers(true)
            .overrides_with(flag.key)
            .help(format!("{} [env: {}] [default: {}]", flag.help, flag.env, flag.default))
    });
    Command::new("serve")
        .about("Run the hub")
        .long_about(
            "Run the hub. It needs no configuration file. Each configuration key can be set with a \
             flag, in the environment or in a file; a flag wins over the environment, and the \
             environment wins over the file. The hub prints one line when it accepts clients. On \
             SIGTERM or SIGINT (Ctrl-C), it delivers the events that it has accepted, tells its \
             clients when to connect again, and ends.",
        )
        .arg(file)
        .args(flags)
        .next_line_help(true)
        .after_help(
            "Exit codes: 0 the hub stopped after a signal; 1 the hub could not run, or a second signal \
             ended it at once; 2 the configuration or the command line has an error.\n\n\
             Examples:\n  \
             hub serve\n  \
             hub serve --listen 0.0.0.0:4820 --anonymous everywhere\n  \
             hub serve --config hub.toml --log info,hub_server=debug",
        )
}

/// Runs the hub until it is told to stop.
pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    // This call comes first, because a supervisor may send SIGHUP at any time, and an unhandled SIGHUP
    // would end the process.
    if let Err(error) = hub_server::serve::survive_hangup() {
        return failed(&error, 1);
    }
    hub_server::read_remote_files_with(PathBuf::from("/proc/self/exe"));
    let flags = config::flags().iter().filter_map(|flag| {
        let value = matches.get_one::<String>(flag.key)?;
        Some((flag.name.clone(), value.clone()))
    });
    let (config, file) = match load(matches.get_one::<PathBuf>(FILE).cloned(), flags) {
        Ok(loaded) => loaded,
        Err(error) => return failed(&error, BAD_CONFIG),
    };
    let _written_at_the_end = match log_to_stderr(&config.log) {
        Ok(guard) => guard,
        Err(error) => return failed(&*error, BAD_CONFIG),
    };
    match hub_server::run_until_signal(config, file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error, 1),
    }
}

/// Says why the configuration could not be loaded.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The file could not be read.
    File(PathBuf, io::Error),
    /// The configuration has an error.
    Config(ConfigError),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::File(path, _) => write!(f, "cannot read {}", path.display()),
            LoadError::Config(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LoadError::File(_, error) => Some(error),
            LoadError::Config(error) => error.source(),
        }
    }
}

/// Loads the configuration from `file` (or from the file that `HUB_CONFIG` names), the process's
/// environment and `flags`. Returns the file too, if there is one, so that the hub can reload it.
pub(crate) fn load(
    file: Option<PathBuf>,
    flags: impl IntoIterator<Item = (String, String)>,
) -> Result<(Config, Option<ConfigFile>), LoadError> {
    let named = || std::env::var_os(CONFIG_ENV).filter(|path| !path.is_empty()).map(PathBuf::from);
    // Text that is not Unicode cannot be a valid name or value. It becomes replacement characters,
    // with which it is refused.
    let text = |os: OsString| os.to_string_lossy().into_owned();
    let env = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
    let Some(path) = file.or_else(named) else {
        return Ok((Config::load(None, env, flags).map_err(LoadError::Config)?, None));
    };
    let text = ConfigFile::read(&path).map_err(|error| LoadError::File(path.clone(), error))?;
    let file = ConfigFile::new(path, text, env, flags);
    Ok((file.load().map_err(LoadError::Config)?, Some(file)))
}

/// Starts the log. A thread of its own writes it, so that the hub goes on when stderr blocks.
fn log_to_stderr(filter: &str) -> Result<WorkerGuard, Box<dyn std::error::Error + Send + Sync>> {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = io::stderr().is_terminal() && !plain;
    let filter = EnvFilter::builder().parse(filter)?;
    let (log, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LOG_LINES)
        .thread_name("hub-log")
        .finish(io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log)
        .with_ansi(colours)
        // Otherwise the subscriber would report on stderr that stderr cannot be written, and panic.
        .log_internal_errors(false)
        .try_init()?;
    Ok(guard)
}

/// Prints an error with its causes on standard error.
pub(crate) fn failed(error: &dyn std::error::Error, code: u8) -> ExitCode {
    // A closed stderr is no reason to panic.
    let _ = writeln!(io::stderr(), "error: {}", with_causes(error));
    ExitCode::from(code)
}
