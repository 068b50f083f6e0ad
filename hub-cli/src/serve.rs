//! `hub serve`: the hub itself. Its flags are the keys of the configuration.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use hub_client::with_causes;
use hub_server::config::{self, Config, ConfigError, ConfigFile};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Exit code for a configuration that was refused; the same as for a wrong command line.
pub(crate) const BAD_CONFIG: u8 = 2;
/// The environment variable with the path of the configuration file.
pub(crate) const CONFIG_ENV: &str = "HUB_CONFIG";
/// A file longer than this is not a configuration.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
const FILE: &str = "config";
/// Lines of the log that wait to be written; those that come while so many do are dropped.
const LOG_LINES: usize = 4096;

/// `hub serve`.
pub(crate) fn command() -> Command {
    let file = Arg::new(FILE)
        .long(FILE)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help(format!("Read this TOML file; `hub config default` prints one [env: {CONFIG_ENV}]"));
    let flags = config::flags().iter().map(|flag| {
        // Defaults and environment belong to the configuration, which knows what set a value.
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
            "Run the hub. It needs no configuration file; every key can be set by a flag, in the \
             environment or in a file, in this order of precedence. It prints one line when it is \
             ready. SIGTERM or SIGINT (Ctrl-C) makes it deliver what it has accepted, tell its \
             clients when to come back, and end.",
        )
        .arg(file)
        .args(flags)
        .next_line_help(true)
        .after_help(
            "Exit codes: 0 stopped as asked, 1 could not run, or was told twice to stop, 2 bad configuration or usage.\n\n\
             Examples:\n  \
             hub serve\n  \
             hub serve --listen 0.0.0.0:4820 --anonymous everywhere\n  \
             hub serve --config hub.toml --log info,hub_server=debug",
        )
}

/// Runs the hub until it is told to stop.
pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    // First: what supervises the hub may send it SIGHUP at any time.
    if let Err(error) = hub_server::serve::survive_hangup() {
        return failed(&error, 1);
    }
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

/// Why there is no configuration.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The file could not be read.
    File(PathBuf, io::Error),
    /// What was read was refused.
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

/// The configuration from `file` (or the one that `HUB_CONFIG` names), the process's environment
/// and `flags`; and the file, so that it can be loaded again.
pub(crate) fn load(
    file: Option<PathBuf>,
    flags: impl IntoIterator<Item = (String, String)>,
) -> Result<(Config, Option<ConfigFile>), LoadError> {
    let named = || std::env::var_os(CONFIG_ENV).filter(|path| !path.is_empty()).map(PathBuf::from);
    // What is not Unicode cannot be a valid name or value, and is refused with its marks.
    let text = |os: OsString| os.to_string_lossy().into_owned();
    let env = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
    let Some(path) = file.or_else(named) else {
        return Ok((Config::load(None, env, flags).map_err(LoadError::Config)?, None));
    };
    let text = read(&path).map_err(|error| LoadError::File(path.clone(), error))?;
    let file = ConfigFile::new(path, text, env, flags);
    Ok((file.load().map_err(LoadError::Config)?, Some(file)))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than 1 MiB"));
    }
    Ok(text)
}

/// Logs from now on, on a thread of its own: where stderr takes nothing any more, the hub goes on.
fn log_to_stderr(filter: &str) -> Result<WorkerGuard, Box<dyn std::error::Error + Send + Sync>> {
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
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
        // It would complain on stderr that stderr cannot be written, and panic as it cannot.
        .log_internal_errors(false)
        .try_init()?;
    Ok(guard)
}

/// Says on standard error what went wrong, with its causes.
pub(crate) fn failed(error: &dyn std::error::Error, code: u8) -> ExitCode {
    // A closed stderr is no reason to panic.
    let _ = writeln!(io::stderr(), "error: {}", with_causes(error));
    ExitCode::from(code)
}
