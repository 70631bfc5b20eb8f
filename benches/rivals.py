#!/usr/bin/env python3
"""Log lines to findings: Bartizan against crowdsec 1.4 and fail2ban (both Debian), on the same files in the same run.

    benches/rivals.py [LINES]        lines of the access log, 300,000 unless told; a tenth of them for the sign-ins by ssh

The rivals' Debian packages are unpacked beside the build's output; nothing is installed, started or changed on the machine. Each runs with the
rules its package ships, reads the whole file once, and is measured from start to end: CPU by the kernel's count, findings by its own output.
Everybody is handed the file alone: no community lists, no network.
"""

import calendar
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
RIVALS = TARGET / "bench-rivals"
START = 1_772_582_400  # 2026-03-04 00:00 UTC


def bartizan():
    """Of the environment, or built."""
    if "BARTIZAN_BIN" in os.environ:
        return os.environ["BARTIZAN_BIN"]
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--bin", "bartizan"], cwd=ROOT, check=True)
    return str(TARGET / "release/bartizan")


def unpacked(package):
    """The Debian package in a folder, or None where there is no apt."""
    folder = RIVALS / package
    if not folder.exists():
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            return None
        with tempfile.TemporaryDirectory() as scratch:
            if subprocess.run(["apt-get", "download", "-qq", package], cwd=scratch, capture_output=True).returncode:
                return None
            deb = next(Path(scratch).glob("*.deb"))
            subprocess.run(["dpkg", "-x", deb, folder], check=True)
            (folder / "version").write_text(deb.name.split("_")[1])
    return folder


def version(folder):
    return (folder / "version").read_text().split("-")[0]


def measured(command, **more):
    """Wall seconds, CPU seconds of it and its children, and what it said."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, done.stdout, done.returncode


AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
]
PATHS = ["/", "/style.css", "/app.js", "/cart", "/product/1", "/product/2", "/img/a.png", "/api/items", "/search?q=lantern", "/search?q=O%27Brien"]
ATTACKS = {
    "SQL injection": lambda r: f"/search?q=x%27%20UNION%20SELECT%20{r.randrange(99)}%2Cpassword%20FROM%20users--",
    "script in a parameter": lambda r: f"/search?q=%3Cscript%3Ealert({r.randrange(99)})%3C/script%3E",
    "path traversal": lambda r: "/download?f=../../../../../../etc/passwd",
    "probing for files": lambda r: r.choice(["/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/backup.sql", "/admin.php"]) + f"?{r.randrange(999)}",
}


def access_log(path, lines):
    """Ordinary visitors, and for each kind of attack twenty addresses that send twelve requests each. Returns the attackers."""
    r = random.Random(7)
    attackers = {kind: [f"203.0.{n}.{i + 1}" for i in range(20)] for n, kind in enumerate(ATTACKS, 113)}
    due = sorted((r.randrange(lines), kind, address) for kind, all in attackers.items() for address in all for _ in range(12))
    # An attacker's requests come one after the other: scenarios of all rivals count within seconds.
    begin = {}
    for at, kind, address in due:
        begin.setdefault((kind, address), at)
    attack_at = sorted((at + k, kind, address) for (kind, address), at in begin.items() for k in range(12))
    with open(path, "w") as out:
        n = 0
        for i in range(lines):
            when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(START + i // 50))
            while n < len(attack_at) and attack_at[n][0] <= i:
                _, kind, address = attack_at[n]
                status = 404 if kind == "probing for files" else 200
                out.write(f'{address} - - [{when}] "GET {ATTACKS[kind](r)} HTTP/1.1" {status} 512 "-" "{AGENTS[0]}"\n')
                n += 1
            out.write(f'10.{r.randrange(4)}.{r.randrange(256)}.{r.randrange(256)} - - [{when}] "GET {r.choice(PATHS)} HTTP/1.1" 200 {r.randrange(20000)} "-" "{r.choice(AGENTS)}"\n')
    return attackers


def ssh_log(path, lines):
    """People who sign in, some of them with a wrong password first; forty addresses that guess in different ways. Returns the guessers
    with the time of their first try."""
    r = random.Random(8)
    guessers, rows = {}, []
    span = lines * 2
    for i in range(40):
        address = f"198.51.100.{i + 1}"
        # From fast to one try every eight minutes.
        gap = [1, 5, 30, 120, 480][i % 5]
        at = r.randrange(span // 4)
        guessers[address] = at
        for k in range(30):
            user = r.choice(["root", "admin", "test", "oracle"])
            form = [f"Failed password for {user} from", f"Failed password for invalid user {user}{k} from", f"Connection closed by authenticating user {user}"][i % 3]
            tail = " [preauth]" if i % 3 == 2 else " ssh2"
            rows.append((at + k * gap, f"{form} {address} port {40000 + k}{tail}"))
    while len(rows) < lines:
        at, address, user = r.randrange(span), f"10.1.{r.randrange(4)}.{r.randrange(256)}", f"user{r.randrange(60)}"
        if r.random() < 0.05:
            rows.append((at - 3, f"Failed password for {user} from {address} port 5022 ssh2"))
        rows.append((at, f"Accepted password for {user} from {address} port 5022 ssh2"))
    rows.sort()
    with open(path, "w") as out:
        for at, text in rows:
            out.write(f"{time.strftime('%b %e %H:%M:%S', time.gmtime(START + at))} gate sshd[{r.randrange(9999)}]: {text}\n")
    return guessers, len(rows)


def ours(binary, path):
    wall, cpu, said, _ = measured([binary, "replay", str(path), "--ndjson", "--emit", "responses"])
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    found = {}
    for row in rows:
        if row.get("class_uid") == 2004:
            for seen in row.get("observables", []):
                first = row["finding_info"].get("first_seen_time", row["time"])
                last = row["finding_info"].get("last_seen_time", first)
                found.setdefault(seen["value"], (first / 1e3, last / 1e3))
    blocked = {}
    for row in rows:
        if row.get("class_uid") == 7001:
            for seen in row.get("observables", []) or []:
                blocked.setdefault(seen["value"], row["time"] / 1e3)
    return wall, cpu, found, blocked


CROWDSEC = """
common: {{daemonize: false, log_media: stdout, log_level: info, working_dir: {dir}}}
config_paths: {{config_dir: {dir}/, data_dir: {dir}/data/, simulation_path: {dir}/simulation.yaml, hub_dir: {dir}/hub/, index_path: {dir}/hub/.index.json,
  notification_dir: {dir}/notifications/, plugin_dir: {dir}/plugins/}}
crowdsec_service: {{acquisition_path: {dir}/acquis.yaml, parser_routines: {cores}, buckets_routines: {cores}, output_routines: 1}}
cscli: {{output: human}}
db_config: {{log_level: error, type: sqlite, db_path: {dir}/data/crowdsec.db, use_wal: true}}
api:
  client: {{insecure_skip_verify: false, credentials_path: {dir}/local_api_credentials.yaml}}
  server: {{log_level: error, listen_uri: 127.0.0.1:19080, profiles_path: {dir}/profiles.yaml, console_path: {dir}/console.yaml}}
prometheus: {{enabled: false}}
"""


def crowdsec(path, kind, work):
    """Its offline hub, everything enabled as Debian does it, reading the file once."""
    folder = unpacked("crowdsec")
    if folder is None:
        return None
    there, dir = folder.resolve(), Path(work) / f"crowdsec-{kind}"
    shutil.copytree(there / "etc/crowdsec", dir)
    for name in ["data", "hub", "notifications", "plugins"]:
        (dir / name).mkdir()
    shutil.copytree(there / "usr/share/crowdsec/hub", dir / "hub", dirs_exist_ok=True)
    for source in [there / "usr/share/crowdsec/data", there / "var/lib/crowdsec/data"]:
        if source.exists():
            shutil.copytree(source, dir / "data", dirs_exist_ok=True)
    for item in sorted((dir / "hub").rglob("*.yaml")):
        inside = item.relative_to(dir / "hub")
        if inside.parts[0] in ("parsers", "scenarios", "postoverflows", "collections"):
            # hub/parsers/s01-parse/author/name.yaml -> parsers/s01-parse/name.yaml
            link = dir.joinpath(*inside.parts[:-2], inside.name)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(item)
    config = dir / "config.yaml"
    config.write_text(CROWDSEC.format(dir=dir, cores=os.cpu_count()))
    (dir / "acquis.yaml").write_text("")
    (dir / "console.yaml").write_text("")
    (dir / "local_api_credentials.yaml").write_text("")
    cscli = [there / "usr/bin/cscli", "-c", config]
    added = subprocess.run([*cscli, "machines", "add", "bench", "--password", "bench", "--force", "-f", dir / "local_api_credentials.yaml", "-u", "http://127.0.0.1:19080"],
                           capture_output=True, text=True)
    if added.returncode:
        return f"could not be set up: {added.stderr.strip()[-200:]}"
    wall, cpu, said, code = measured([there / "usr/bin/crowdsec", "-c", config, "-dsn", f"file://{path}", "-type", kind, "-no-capi"], timeout=3600)
    with sqlite3.connect(dir / "data/crowdsec.db") as db:
        rows = db.execute("select source_value, scenario, started_at, stopped_at from alerts").fetchall()
    if code and not rows:
        return f"ended with {code}: {said.strip()[-300:]}"
    found = {}
    for address, _scenario, _start, stop in rows:
        at = stamp(stop)
        found[address] = min(found.get(address, at), at)
    return wall, cpu, found, version(folder)


def stamp(text):
    return calendar.timegm(time.strptime(str(text)[:19].replace("T", " "), "%Y-%m-%d %H:%M:%S"))


def fail2ban(path):
    """Its sshd filter in the mode that finds most, over the file; bans by its own numbers (5 in 10 minutes, as its jail.conf says)."""
    folder = unpacked("fail2ban")
    if folder is None:
        return None
    library = folder.resolve() / "usr/lib/python3/dist-packages"
    # `-o row` gives what its server counts: address and time of each failure.
    command = [sys.executable, "-W", "ignore", folder / "usr/bin/fail2ban-regex", "-c", folder / "etc/fail2ban", "-o", "row", path, "sshd[mode=aggressive]"]
    wall, cpu, said, code = measured(command, env={**os.environ, "PYTHONPATH": str(library), "TZ": "UTC"})
    tries, found = {}, {}
    for line in said.splitlines():
        if not line.startswith("["):
            continue
        try:
            address, at = line[1:].split(",")[:2]
        except ValueError:
            continue
        address, at = address.strip(" '\""), float(at)
        recent = [t for t in tries.get(address, []) if at - t < 600] + [at]
        tries[address] = recent
        if len(recent) >= 5:
            found.setdefault(address, at)
    if code and not tries:
        return f"ended with {code}: {said.strip()[-300:]}"
    return wall, cpu, found, version(folder)


def row(what, mine, theirs, ratio=""):
    print(f"{what:<46}{mine:>16}{theirs:>16}{ratio:>9}", flush=True)


def ratio(mine, theirs):
    return f"{mine / theirs:.2f}x" if theirs else ""


def web(binary, lines, work):
    path = Path(work) / "access.log"
    attackers = access_log(path, lines)
    count = sum(1 for _ in open(path))
    wall, cpu, found, _ = ours(binary, path)
    rival = crowdsec(path, "nginx", work)
    if not isinstance(rival, tuple):
        row(f"access log, {count:,} lines", "bartizan", "crowdsec")
        row("  lines a second", f"{count / wall:,.0f}", rival or "not installed")
        return
    theirs_wall, theirs_cpu, theirs, name = rival
    row(f"access log, {count:,} lines", "bartizan", f"crowdsec {name}")
    row("  lines a second", f"{count / wall:,.0f}", f"{count / theirs_wall:,.0f}", ratio(theirs_wall, wall))
    row("  CPU us a line", f"{cpu / count * 1e6:.2f}", f"{theirs_cpu / count * 1e6:.2f}", ratio(cpu, theirs_cpu))
    for kind, all in attackers.items():
        row(f"  attackers found: {kind}", f"{sum(a in found for a in all)} of {len(all)}", f"{sum(a in theirs for a in all)} of {len(all)}")
    bad = {a for all in attackers.values() for a in all}
    row("  others called attackers", str(len({a for a in found if a.startswith("10.")} - bad)), str(len(set(theirs) - bad)))


def ssh(binary, lines, work):
    path = Path(work) / "auth.log"
    guessers, count = ssh_log(path, lines)
    wall, cpu, found, blocked = ours(binary, path)
    row(f"ssh log, {count:,} lines", "bartizan", "rival")
    for name, rival in [("fail2ban", fail2ban(path)), ("crowdsec", crowdsec(path, "syslog", work))]:
        if not isinstance(rival, tuple):
            row(f"  {name}", "", rival or "not installed")
            continue
        theirs_wall, theirs_cpu, theirs = rival[:3]
        label = f"{name} {rival[3]}"
        row(f"  lines a second ({label})", f"{count / wall:,.0f}", f"{count / theirs_wall:,.0f}", ratio(theirs_wall, wall))
        row("  CPU us a line", f"{cpu / count * 1e6:.2f}", f"{theirs_cpu / count * 1e6:.2f}", ratio(cpu, theirs_cpu))
        row("  guessers found", f"{sum(a in found for a in guessers)} of {len(guessers)}", f"{sum(a in theirs for a in guessers)} of {len(guessers)}")
        mine_s = sorted(blocked[a] - START - at for a, at in guessers.items() if a in blocked)
        their_s = sorted(theirs[a] - START - at for a, at in guessers.items() if a in theirs)
        middle = lambda all: f"{all[len(all) // 2]:.0f} s ({len(all)})" if all else "none"
        row("  first try to ban, median (how many)", middle(mine_s), middle(their_s))
        row("  others found", str(sum(a.startswith("10.1.") for a in found)), str(sum(a not in guessers for a in theirs)))


def main():
    lines = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 300_000
    binary = bartizan()
    row("", "", "", "ratio")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        web(binary, lines, work)
        ssh(binary, max(lines // 10, 2_000), work)


if __name__ == "__main__":
    main()
