//! `generate logins`: made-up sign-ins with the truth beside them, for training, measuring and trying out.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use learn::generate::logins;
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};

/// Made-up data with the truth beside it: same seed, same bytes
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan generate logins --seed 1 --users 200 --days 30 --out logins.jsonl\n  bartizan replay logins.jsonl --format json --emit decisions\n\nExit codes: 0 written; 3 could not."
)]
pub(super) struct Generate {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Logins(Logins),
}

/// Sign-ins and uses of sessions as JSON, one a line; FILE.truth holds one line for each that is not by the account's owner
///
/// Modelled: addresses and devices that change at each user's own pace, shared office and carrier addresses, VPN users, journeys, browser
/// releases, cleared cookies, errors and resets, machines, newcomers, hours and weekdays; attackers naive, VPN and targeted; stuffing and
/// spraying campaigns, fast and slow; stolen sessions. Not modelled: accounts shared by several people, seasons, real geography.
/// Addresses are of 240.0.0.0/4, users of example.org.
#[derive(Args)]
struct Logins {
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 1_000)]
    users: usize,
    #[arg(long, default_value_t = 60)]
    days: u32,
    /// How people live: home, office or roaming
    #[arg(long, default_value = "home")]
    mix: String,
    /// Attackers of each kind per hundred accounts
    #[arg(long, default_value_t = 15.0)]
    attacks: f64,
    /// Stuffing and spraying campaigns
    #[arg(long, default_value_t = 4)]
    campaigns: usize,
    /// Without device cookie and round trip
    #[arg(long)]
    plain: bool,
    /// Write a table of the features of the model `login` instead: CSV, a line for each sign-in that got in and each use of a session
    #[arg(long)]
    features: bool,
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn run(args: &Generate, global: &Global) -> Result<Exit, Fail> {
    let Verb::Logins(args) = &args.verb;
    const USERS_MAX: usize = 200_000;
    if args.users == 0 || args.users > USERS_MAX || args.days == 0 || args.days > 730 {
        return Err(Fail::new("E0112", format!("expected 1..={USERS_MAX} users and 1..=730 days")).exit(Exit::Usage));
    }
    let config = logins::Config {
        seed: args.seed,
        users: args.users,
        days: args.days,
        mix: args.mix.clone(),
        attacks_per_100: args.attacks,
        campaigns: args.campaigns,
        plain: args.plain,
    };
    let rows = logins::logins(&config).ok_or_else(|| {
        Fail::new("E0113", format!("no mix {}", args.mix)).fix(format!("one of {}", logins::mixes().join(", "))).exit(Exit::Usage)
    })?;
    if args.features {
        return features(args, &rows, global);
    }
    let mut truth_name = args.out.clone().into_os_string();
    truth_name.push(".truth");
    let truth_name = PathBuf::from(truth_name);
    let create = |path: &PathBuf| std::fs::File::create(path).map(std::io::BufWriter::new).map_err(|e| Fail::unreadable(path, &e));
    let (mut file, mut truth) = (create(&args.out)?, create(&truth_name)?);
    let mut odd = 0_u64;
    for row in &rows {
        writeln!(file, "{}", row.to_json()).map_err(|e| Fail::unreadable(&args.out, &e))?;
        if let Some(line) = row.truth() {
            odd += 1;
            writeln!(truth, "{line}").map_err(|e| Fail::unreadable(&truth_name, &e))?;
        }
    }
    file.flush().map_err(|e| Fail::unreadable(&args.out, &e))?;
    truth.flush().map_err(|e| Fail::unreadable(&truth_name, &e))?;
    if global.json {
        let path = args.out.display().to_string();
        out::json(
            &json!({"schema": "bartizan.generate/1", "rows": rows.len(), "not_by_owner": odd, "path": path, "truth": truth_name.display().to_string()}),
        );
    } else {
        out::line(format!(" {} rows to {}, {odd} of them not by the owner: {}", rows.len(), args.out.display(), truth_name.display()));
    }
    Ok(Exit::Fine)
}

/// The rows as the memory of accounts sees them, in their order.
fn features(args: &Logins, rows: &[logins::Row], global: &Global) -> Result<Exit, Fail> {
    let fault = |e: std::io::Error| Fail::unreadable(&args.out, &e);
    let mut file = std::io::BufWriter::new(std::fs::File::create(&args.out).map_err(fault)?);
    let names: Vec<&str> = learn::login::FEATURES.iter().map(|feature| feature.name).collect();
    writeln!(file, "{},kind,user,source,label", names.join(",")).map_err(fault)?;
    let examples = learn::login::evaluate::examples(rows);
    let known = examples.iter().filter(|example| example.features.prior >= learn::login::evaluate::PRIOR_MIN);
    let mut count = 0_u64;
    for example in known {
        let value = |value: &f32| if value.is_finite() { value.to_string() } else { String::new() };
        let values: Vec<String> = example.features.values.iter().map(value).collect();
        let kind = if example.is_session { format!("{} session", example.kind.word()) } else { example.kind.word().to_owned() };
        let (user, label) = (example.user, u8::from(example.kind != logins::Kind::Owner));
        writeln!(file, "{},{kind},{}-{user:x},generated {},{label}", values.join(","), args.seed, args.mix).map_err(fault)?;
        count += 1;
    }
    file.flush().map_err(fault)?;
    let path = args.out.display().to_string();
    if global.json {
        out::json(&json!({"schema": "bartizan.generate/1", "rows": count, "path": path}));
    } else {
        out::line(format!(" {count} rows of features to {path}"));
    }
    Ok(Exit::Fine)
}
