#!/usr/bin/env python3
"""One bench table over all senses: what is read a second, and the peak memory; a rival beside it where it is installed.

    benches/senses.py [BINARY]        default: target/release/bartizan
Inputs are the scenarios, repeated, and the measuring sets under BARTIZAN_DATA (default ../shared/data) where they are there.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("BARTIZAN_DATA", ROOT / "../shared/data"))
BIN = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/bartizan").resolve())
WORK = pathlib.Path(tempfile.mkdtemp(prefix="bartizan-senses-"))


def measure(command, cwd=None):
    """Seconds, CPU seconds, peak RSS in MB and standard output of a command."""
    out = tempfile.TemporaryFile(dir=WORK)
    begun = time.monotonic()
    child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd=cwd)
    # `ru_maxrss` would count this interpreter's own memory, from which the child was forked.
    peak, done, usage = 0, 0, None
    while not done:
        try:
            status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
            peak = max(peak, int(status.partition("VmHWM:")[2].split()[0]))
        except (OSError, IndexError):
            pass
        done, _, usage = os.wait4(child.pid, os.WNOHANG)
        time.sleep(0.002)
    wall = time.monotonic() - begun
    out.seek(0)
    return wall, usage.ru_utime + usage.ru_stime, peak / 1024, out.read()


def row(what, unit, count, size, measured, note=""):
    wall, cpu, rss, _ = measured
    print(f"{what:<34} {count / wall:>12,.0f} {unit:<10} {size / wall / 1e6:>8.1f} MB/s {cpu:>7.2f} CPU s {rss:>7.0f} MB   {note}", flush=True)


def size_of(folder):
    return sum(p.stat().st_size for p in pathlib.Path(folder).rglob("*") if p.is_file())


def unpacked(archive):
    path = DATA / archive
    if not path.exists():
        return None
    folder = WORK / path.name.split(".")[0]
    folder.mkdir(exist_ok=True)
    subprocess.run(["tar", "-I", "zstd", "-xf", path, "-C", folder], check=True)
    return folder


def repeated(scenario, name, times):
    """A file of the scenario, its lines `times` times."""
    text = (ROOT / "scenarios" / scenario / name).read_bytes()
    path = WORK / f"{scenario}-{name}"
    path.write_bytes(text * times)
    return path


def replay(what, unit, path, *more):
    measured = measure([BIN, "replay", str(path), "--ndjson", *more])
    last = json.loads(measured[3].splitlines()[-1])
    size = path.stat().st_size if path.is_file() else size_of(path)
    row(what, unit, last["events"], size, measured, f"{last['findings']:,} findings, {last['incidents']:,} incidents, {last['undecoded']:,} undecoded")


def rival(name, command, unit, count, size):
    if shutil.which(command[0]) is None:
        print(f"  {name:<32} not installed")
        return
    row(f"  {name}", unit, count, size, measure(command))


print(f"{'':<34} {'a second':>12} {'':<10}")
replay("web: access log", "lines", repeated("sql-injection-to-data-theft", "access.log", 200))
replay("identity: sign-ins as JSON", "sign-ins", repeated("stolen-passwords-tried", "logins.jsonl", 40))
replay("hosts: audit log", "events", repeated("a-web-server-taken-over", "audit.log", 100))
replay("hosts: Windows JSON", "events", repeated("an-office-document-that-runs-code", "windows.jsonl", 100))
if evtx := unpacked("logs/evtx-attack-samples.tar.zst"):
    replay("hosts: EVTX files", "events", evtx)
    if rules := unpacked("logs/sigma-rules.tar.zst"):
        replay("hosts: EVTX files, 3,780 rules", "events", evtx, "--rules", str(rules))
replay("cloud: CloudTrail", "events", repeated("a-stolen-cloud-key", "cloudtrail.jsonl", 100))
replay("network: Zeek connections", "flows", repeated("a-workstation-calls-home", "conn.log", 40))
if traces := unpacked("net/zeek-traces-dev.tar.zst"):
    replay("network: captures", "events", traces, "--format", "pcap")
    captures = [str(p) for p in traces.rglob("*.pcap")]
    if shutil.which("tshark"):
        script = 'for f in "$@"; do tshark -r "$f" -T fields -e frame.number >/dev/null 2>&1; done'
        row("  tshark", "captures", len(captures), size_of(traces), measure(["bash", "-c", script, "-", *captures]))
    else:
        print(f"  {'tshark':<32} not installed")

mails = WORK / "mails"
mails.mkdir()
for n in range(500):
    for mail in (ROOT / "scenarios/a-payment-change-by-mail").glob("*.eml"):
        (mails / f"{n}-{mail.name}").write_bytes(mail.read_bytes())
row("content: mails", "mails", 2_000, size_of(mails), measure([BIN, "check", str(mails), "--ndjson"]))
if shutil.which("spamassassin"):
    few = [str(p) for p in sorted(mails.glob("0-*.eml"))]
    row("  spamassassin -L -t", "mails", len(few), sum(os.path.getsize(p) for p in few),
        measure(["bash", "-c", 'for f in "$@"; do spamassassin -L -t < "$f" >/dev/null; done', "-", *few]))
else:
    print(f"  {'spamassassin':<32} not installed")
links = WORK / "links.jsonl"
links.write_text("".join(json.dumps({"id": n, "kind": "url", "url": f"https://shop{n % 997}.example.org/a/{n}?q=lantern"}) + "\n" for n in range(100_000)))
row("content: links", "links", 100_000, links.stat().st_size, measure([BIN, "check", "--list", str(links), "--ndjson"]))
programs = [p for p in sorted(pathlib.Path("/usr/bin").iterdir()) if p.is_file() and not p.is_symlink()][:400]
row("content: programs of /usr/bin", "files", len(programs), sum(p.stat().st_size for p in programs), measure([BIN, "check", "--ndjson", *map(str, programs)]))
rival("clamscan", ["clamscan", "--no-summary", "-i", *map(str, programs)], "files", len(programs), sum(p.stat().st_size for p in programs))

infra = WORK / "infra"
for n in range(400):
    shutil.copytree(ROOT / "scenarios/a-public-bucket", infra / str(n), ignore=shutil.ignore_patterns("expected.json"))
measured = measure([BIN, "posture", str(infra), "--json"])
said = json.loads(measured[3])
row("posture: files of 400 folders", "files", said["files"], size_of(infra), measured, f"{len(said['findings']):,} findings")
if shutil.which("checkov"):
    one = infra / "0"
    row("  checkov (one folder)", "files", 4, size_of(one), measure(["checkov", "-d", str(one), "--quiet", "--compact"]))
else:
    print(f"  {'checkov':<32} not installed")
row("forecast", "answers", 1, 0, measure([BIN, "forecast", "--techniques", "T1059,T1003", "--json"]))
shutil.rmtree(WORK)
