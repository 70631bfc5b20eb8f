//! `cargo bench -p source`: bytes and lines a second from a file in memory to batches, one thread.

use std::hint::black_box;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Instant;

const BYTES: usize = 256 << 20;
const ROUNDS: u32 = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut file = tempfile::NamedTempFile::new()?;
    let line = |n: usize| {
        format!(
            "192.0.2.{} - - [01/May/2024:12:00:00 +0000] \"GET /{} HTTP/1.1\" 200 {n} \"-\" \"curl/8.5.0\"\n",
            n % 250,
            "x".repeat(n % 120)
        )
    };
    let block: Vec<u8> = (0..10_000).flat_map(|n| line(n).into_bytes()).collect();
    for _ in 0..BYTES.div_ceil(block.len()) {
        file.write_all(&block)?;
    }
    let mut best_s = f64::MAX;
    let mut last = source::Done::default();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        last = source::read_all(file.path(), &mut |batch| {
            for record in batch.records() {
                black_box(record);
            }
            ControlFlow::Continue(())
        })?;
        best_s = best_s.min(start.elapsed().as_secs_f64());
    }
    let (bytes, lines) = (last.bytes as f64, last.lines as f64);
    writeln!(
        std::io::stdout(),
        "split {:>7.0} MB/s {:>10.0} lines/s   {:.0} bytes a line",
        bytes / best_s / 1e6,
        lines / best_s,
        bytes / lines
    )?;
    Ok(())
}
