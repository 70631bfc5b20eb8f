#!/usr/bin/env python3
"""Hunts over stored events: Bartizan against DuckDB (PyPI) on the same Parquet files, in the same run.

    benches/hunts.py [EVENTS]        10,000,000 unless told; needs 2 GB of disk

`cargo bench -p store` writes the log, seals it and hunts; then DuckDB reads the same files with as many threads. Best of three, warm.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = "1.4.1"


def duckdb():
    """A virtual environment with DuckDB, beside the build's output."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench-venv"
    python = target / "bin" / "python"
    if not python.exists():
        venv.create(target, with_pip=True)
    probe = subprocess.run([python, "-c", "import duckdb, pytz"], capture_output=True)
    if probe.returncode:
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"duckdb=={VERSION}", "pytz"], check=True)
    return python


INNER = """
import duckdb, os, sys, time
files, threads = sys.argv[1], os.cpu_count()
db = duckdb.connect()
db.execute(f"set threads={threads}")
db.execute("set enable_progress_bar=false")
table = f"read_parquet('{files}')"
for line in sys.stdin:
    name, sql = line.rstrip("\\n").split("\\t")
    best = 1e9
    for _ in range(3):
        started = time.perf_counter()
        rows = db.execute(sql.replace("LOG", table)).fetchall()
        best = min(best, time.perf_counter() - started)
    print(f"{name}\\t{best * 1e3:.3f}\\t{len(rows)}\\t{duckdb.__version__}", flush=True)
"""


def sql_of(text):
    """The same hunt in SQL."""
    where, _, tally = text.partition("|")
    tests = []
    for term in where.split():
        key, _, value = term.partition(":")
        if key == "class":
            tests.append(f"class = '{value}'")
        elif key == "from":
            tests.append(f"time >= timestamptz '{value}'")
        elif key == "to":
            tests.append(f"time < timestamptz '{value}'")
        elif key == "src_ip":
            tests.append(f"src_ip = '{value}'")
    if "union select" in where:
        tests = ["contains(lower(decode(raw)), 'union select')"]
    where = " where " + " and ".join(tests) if tests else ""
    tally = tally.strip()
    if tally == "count":
        return f"select count(*) from LOG{where}"
    if tally.startswith("count by "):
        by = tally.removeprefix("count by ")
        return f"select {by}, count(*) n from LOG{where} group by 1 order by n desc"
    if tally.startswith("top "):
        n, _ = tally.removeprefix("top ").split()
        return f"select split_part(target, '?', 1) p, count(*) n from LOG{where} group by 1 order by n desc limit {n}"
    if tally.startswith("timechart"):
        return f"select time_bucket(interval 1 hour, time) t, count(*) from LOG{where} group by 1 order by 1"
    return f"select * from LOG{where}"


def main():
    events = sys.argv[1] if len(sys.argv) > 1 else "10000000"
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as scratch:
        keep = Path(scratch) / "kept"
        env = {**os.environ, "BARTIZAN_BENCH_KEEP": str(keep)}
        bench = ["cargo", "bench", "-q", "--locked", "-p", "store", "--bench", "store", "--", events, "1000"]
        out = subprocess.run(bench, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
        ours = []
        for line in out.splitlines():
            if line.startswith("hunt\t"):
                _, name, ms, found, text = line.split("\t")
                ours.append((name, float(ms), int(found), text))
            else:
                print(line)
        files = sorted(keep.glob("log/*.parquet"))
        size = sum(f.stat().st_size for f in files)
        print(f"sealed: {len(files)} files, {size / int(events):.1f} bytes an event, raw included")
        asked = "".join(f"{name}\t{sql_of(text)}\n" for name, _, _, text in ours)
        run = [duckdb(), "-c", INNER, str(keep / "log" / "*.parquet")]
        theirs = subprocess.run(run, input=asked, check=True, stdout=subprocess.PIPE, text=True).stdout
        print(f"\n{'hunt':<30}{'bartizan ms':>12}{'duckdb ms':>12}{'ratio':>8}   found")
        for (name, ms, found, _), line in zip(ours, theirs.splitlines()):
            _, other, rows, version = line.split("\t")
            print(f"{name:<30}{ms:>12.1f}{float(other):>12.1f}{ms / float(other):>8.2f}   {found}")
        print(f"DuckDB {version}, {os.cpu_count()} threads each, {events} events; best of three, files in the page cache")


if __name__ == "__main__":
    main()
