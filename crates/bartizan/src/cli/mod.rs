//! The command line: one file a command. Results on stdout, the rest on stderr; exit codes in [`fail::Exit`].

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

mod audit;
mod backup;
mod check;
mod config;
mod console;
mod demo;
mod doctor;
mod explain;
pub mod fail;
mod filter;
mod forecast;
mod generate;
mod geo;
mod hand_in;
mod incident;
mod log;
mod model;
mod model_content;
mod notify;
mod order;
pub mod out;
mod playbook;
mod posture;
mod privacy;
mod protect;
mod replay;
mod response;
mod restart;
mod rule;
mod run;
mod search;
mod selftest;
mod series;
mod template;
mod text;
mod waf;
mod watch;

use fail::{Exit, Fail};
pub use text::cannot_open;

#[derive(Parser)]
#[command(name = "bartizan", version, about = "See attacks on your web site and servers, block them, know why, undo with one command.", after_help = EXITS, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    global: Global,
}

/// Flags of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Where the log is kept [default: /var/lib/bartizan, or ~/.local/share/bartizan]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The configuration [default: /etc/bartizan/bartizan.toml, or ~/.config/bartizan/bartizan.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Rules, models and keys from a folder instead of the built-in ones
    #[arg(long, global = true, value_name = "DIR")]
    pub content: Option<PathBuf>,
    /// One JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Nothing on stderr but failures
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Never ask
    #[arg(long, short, global = true)]
    pub yes: bool,
}

const EXITS: &str = "Exit codes: 0 fine; 1 found; 2 usage; 3 could not do it; 4 refused; 130 interrupted.";

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Protect(Box<protect::Protect>),
    Run(run::Run),
    Config(config::ConfigCommand),
    Restart(restart::Restart),
    Doctor(doctor::Doctor),
    Selftest(selftest::Selftest),
    Watch(watch::Watch),
    Replay(replay::Replay),
    Check(check::Check),
    Posture(Box<posture::Posture>),
    Incident(incident::IncidentCommand),
    Explain(explain::Explain),
    Undo(order::Undo),
    Redo(order::Redo),
    Block(order::Block),
    Response(response::ResponseCommand),
    Notify(notify::NotifyCommand),
    Playbook(playbook::PlaybookCommand),
    Waf(waf::Waf),
    Generate(generate::Generate),
    Geo(geo::Geo),
    Search(search::Search),
    Audit(audit::Audit),
    Privacy(privacy::PrivacyCommand),
    Log(log::Log),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Template(template::Template),
    Series(series::Series),
    Model(model::Model),
    Rule(rule::Rule),
    Forecast(forecast::Forecast),
    Console(console::ConsoleCommand),
}

const JOBS: &str = "bartizan: see attacks, block them, know why, undo

  bartizan demo                          a shop under attack, on this machine, with a console
  bartizan protect http://127.0.0.1:3000 a gateway before your web application (records only; --enforce blocks)
  bartizan watch /var/log/auth.log       attacks in log files; --follow stays with them
  bartizan incident list                 what happened; explain ID says why, undo ID takes a block back
  bartizan check FILE|MAIL|URL            one word about it, with reasons
  bartizan posture FOLDER                what is wrong in Terraform, Kubernetes, CloudFormation, Dockerfiles
  bartizan replay FILE --ndjson          findings and incidents of a file as OCSF, nothing stored

  bartizan --help                        every command";

/// Parses the command line, runs the command and gives the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let Some(command) = cli.command else {
        out::line(JOBS);
        return ExitCode::from(Exit::Fine as u8);
    };
    let global = cli.global;
    let done = match command {
        Command::Demo(args) => demo::run(&args, &global),
        Command::Protect(args) => protect::run(&args, &global),
        Command::Run(args) => run::run(&args, &global),
        Command::Config(args) => config::run(&args, &global),
        Command::Restart(args) => restart::run(&args, &global),
        Command::Doctor(args) => doctor::run(&args, &global),
        Command::Selftest(args) => selftest::run(&args, &global),
        Command::Watch(args) => watch::run(&args, &global),
        Command::Replay(args) => replay::run(&args, &global),
        Command::Check(args) => check::run(&args, &global),
        Command::Posture(args) => posture::run(&args, &global),
        Command::Incident(args) => incident::run(&args, &global),
        Command::Explain(args) => explain::run(&args, &global),
        Command::Undo(args) => order::undo(&args, &global),
        Command::Redo(args) => order::redo(&args, &global),
        Command::Block(args) => order::block(&args, &global),
        Command::Response(args) => response::run(&args, &global),
        Command::Notify(args) => notify::run(&args, &global),
        Command::Playbook(args) => playbook::run(&args, &global),
        Command::Waf(args) => waf::run(&args, &global),
        Command::Generate(args) => generate::run(&args, &global),
        Command::Geo(args) => geo::run(&args, &global),
        Command::Search(args) => search::run(&args, &global),
        Command::Privacy(args) => privacy::run(&args, &global),
        Command::Audit(args) => audit::run(&args, &global),
        Command::Log(args) => log::run(&args, &global),
        Command::Backup(args) => backup::backup(&args, &global),
        Command::Restore(args) => backup::restore(&args, &global),
        Command::Template(args) => template::run(&args, &global),
        Command::Series(args) => series::run(&args, &global),
        Command::Forecast(args) => forecast::run(&args, &global),
        Command::Rule(args) => rule::run(&args, &global),
        Command::Model(args) => model::run(&args, &global),
        Command::Console(args) => console::run(&args, &global),
    };
    let exit = done.unwrap_or_else(|fail| {
        report(&fail, global.json);
        fail.exit
    });
    ExitCode::from(exit as u8)
}

fn report(fail: &Fail, json: bool) {
    out::note(fail.to_string());
    if json {
        out::json(&serde_json::json!({
            "schema": "bartizan.error/1", "code": fail.code, "text": fail.text,
            "path": fail.path.as_ref().map(|p| p.display().to_string()), "fix": fail.fix,
        }));
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_whole() {
        super::Cli::command().debug_assert();
    }
}
