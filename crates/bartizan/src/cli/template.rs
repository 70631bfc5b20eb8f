//! `template eval`: the template of each line of a log, as the online miner finds them.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use learn::template::Source;
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};

/// Which lines of a log say the same with other values
#[derive(Args)]
pub(super) struct Template {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// The template of each line; without --json the templates with their number of lines
    Eval(Eval),
}

#[derive(Args)]
#[command(after_help = "Example:\n  bartizan template eval --data app.log --json\n\nExit codes: 0 read; 3 the file could not be read.")]
struct Eval {
    /// Text lines, also .zst
    #[arg(long)]
    data: PathBuf,
}

/// Lines are cut here; the rest is read and not looked at.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Output is written in pieces of this size.
const WRITE_BYTES: usize = 1 << 16;

pub(super) fn run(args: &Template, global: &Global) -> Result<Exit, Fail> {
    let Verb::Eval(args) = &args.verb;
    let (mut source, mut ids) = (Source::default(), Vec::new());
    each(&args.data, &mut |line| source.push(line, &mut ids))?;
    source.flush(&mut ids);
    let miner = &source.miner;
    // Templates are told as they are in the end: a line that was read early has the same name as its like that was read late.
    let ids: Vec<u32> = ids.into_iter().map(|id| miner.now(id)).collect();
    if global.json {
        let most = ids.iter().max().map_or(0, |id| *id as usize + 1);
        let mut texts: Vec<Option<String>> = vec![None; most];
        let mut lines = Vec::with_capacity(WRITE_BYTES * 2);
        for (line, id) in (1_u64..).zip(&ids) {
            let text = texts[*id as usize].get_or_insert_with(|| json!(miner.text(*id)).to_string());
            lines.extend_from_slice(format!("{{\"line\":{line},\"template\":{text},\"template_id\":\"T{id}\"}}\n").as_bytes());
            if lines.len() > WRITE_BYTES {
                out::raw(&lines);
                lines.clear();
            }
        }
        out::raw(&lines);
        return Ok(Exit::Fine);
    }
    let mut kinds: Vec<u32> = ids.clone();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.sort_by_key(|id| std::cmp::Reverse(miner.count(*id)));
    for id in &kinds {
        out::line(format!(" {:>8}  T{id:<6} {}", miner.count(*id), out::shown(&miner.text(*id))));
    }
    out::line(format!(" {} templates in {} lines", kinds.len(), ids.len()));
    Ok(Exit::Fine)
}

/// Every line of a file, empty ones too.
fn each(path: &Path, take: &mut dyn FnMut(&str)) -> Result<(), Fail> {
    let failed = |e: &std::io::Error| Fail::unreadable(path, e);
    let file = std::fs::File::open(path).map_err(|e| failed(&e))?;
    let plain: Box<dyn Read> = if path.extension().is_some_and(|e| e == "zst") {
        Box::new(zstd::stream::read::Decoder::new(file).map_err(|e| failed(&e))?)
    } else {
        Box::new(file)
    };
    let mut reader = BufReader::with_capacity(1 << 20, plain);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(|e| failed(&e))? == 0 {
            return Ok(());
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else {
            reader.skip_until(b'\n').map_err(|e| failed(&e))?;
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        take(&String::from_utf8_lossy(&line));
    }
}
