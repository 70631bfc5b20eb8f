#!/usr/bin/env python3
"""The table of docs/benchmarks.md, ratios from the same run on the same machine: one command.

    benches/all.py                        everything, about half an hour on two quiet cores
    benches/all.py --small                the same with small inputs: shows that the commands work, its figures mean little
    benches/all.py proxy rivals hunts requests idle console          some of it

`BARTIZAN_BIN` names a binary to measure; otherwise it is built. Rivals come from Debian and PyPI: what is not there is printed as such.
"""

import http.cookiejar
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import rivals

ROOT = rivals.ROOT
PAGES = ["/", "/incidents", "/incidents?state=all", "/web", "/entities", "/identity", "/search", "/search?q=class:http+status:404",
         "/search?q=union+select", "/search?q=%7C+count+by+status", "/response", "/models", "/settings"]


def title(text):
    print(f"\n== {text}", flush=True)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read())[1]) // 1024
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores ({model}), {memory} MB, load before the run {load:.1f}{' (not quiet)' if load > 0.5 else ''}")


def proxy(small):
    title("proxy: requests a second beside nginx proxy_pass, same upstream and client")
    for tool in ["nginx", "wrk", "curl"]:
        if not shutil.which(tool):
            return print(f"{tool}: not installed")
    subprocess.run(["benches/proxy.sh", os.environ.get("BARTIZAN_PROXY", ""), "1" if small else "10"], cwd=ROOT, check=True)


def logs(small):
    title("log lines to findings")
    subprocess.run([sys.executable, "benches/rivals.py", "20000" if small else "1000000"], cwd=ROOT, check=True)


def hunts(small):
    title("hunts in the store beside DuckDB")
    subprocess.run([sys.executable, "benches/hunts.py", "100000" if small else "10000000"], cwd=ROOT, check=True)


def requests(_small):
    title("inspection and web model: ns a request")
    env = {**os.environ, "BARTIZAN_MODEL": str(ROOT / "content/models/web-payload")}
    subprocess.run(["cargo", "bench", "--locked", "--quiet", "-p", "detect", "--bench", "web"], cwd=ROOT, env=env, check=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def started(command, want, out):
    """The process, once a line of its output matches."""
    process = subprocess.Popen(command, stdout=open(out, "w"), stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1"})
    for _ in range(1200):
        found = re.search(want, Path(out).read_text(errors="replace"), re.M)
        if found:
            return process, found
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise SystemExit(f"{' '.join(map(str, command))}: no line like {want}\n{Path(out).read_text(errors='replace')[-2000:]}")


def stopped(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def rss_mb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def idle(small):
    title("idle memory")
    binary = rivals.bartizan()
    with tempfile.TemporaryDirectory() as work:
        command = [binary, "protect", f"http://127.0.0.1:{free_port()}", "--listen", f"127.0.0.1:{free_port()}", "--data-dir", f"{work}/data",
                   "--console-listen", "127.0.0.1:0"]
        process, _ = started(command, r"console\s+http", f"{work}/out")
        time.sleep(2 if small else 10)
        mine = rss_mb(process.pid)
        stopped(process)
    theirs = None
    if shutil.which("nginx"):
        with tempfile.TemporaryDirectory() as work:
            Path(f"{work}/c").write_text(f"pid {work}/p; error_log {work}/e; daemon off; worker_processes 2; events {{}}\n"
                                         f"http {{ access_log off; server {{ listen 127.0.0.1:{free_port()}; }} }}")
            process = subprocess.Popen(["nginx", "-e", f"{work}/e", "-c", f"{work}/c"])
            time.sleep(1)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            theirs = sum(rss_mb(pid) for pid in [process.pid, *children])
            stopped(process)
    rivals.row("", "bartizan", "nginx", "ratio")
    rivals.row("protect with console and model, RSS MB", f"{mine:.1f}", f"{theirs:.1f}" if theirs else "not installed", rivals.ratio(mine, theirs))


def console(small):
    lines = 50_000 if small else 1_000_000
    title(f"console: answer times of pages over a log of {lines:,} events")
    binary = rivals.bartizan()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        log = Path(work) / "access.log"
        rivals.access_log(log, lines)
        subprocess.run([binary, "watch", log, "--data-dir", f"{work}/data", "--no-console"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        more = Path(work) / "more.log"
        more.touch()
        process, found = started([binary, "watch", "--follow", more, "--data-dir", f"{work}/data", "--console-listen", "127.0.0.1:0"],
                                 r"console\s+(http:\S+)", f"{work}/out")
        try:
            ask = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
            link = found[1]
            origin = re.match(r"http://[^/]+", link)[0]
            page = ask.open(link).read().decode()
            form = re.search(r'<form[^>]*action="(/once/[^"]*)"', page)
            if form:
                ask.open(urllib.request.Request(origin + form[1], data=b"", method="POST", headers={"origin": origin})).read()
            every = []
            for path in PAGES:
                times = []
                for _ in range(5 if small else 40):
                    begun = time.perf_counter()
                    with ask.open(origin + path) as answer:
                        if "/login" in answer.geturl():
                            raise SystemExit("the console did not let us in")
                        answer.read()
                    times.append((time.perf_counter() - begun) * 1e3)
                every += times
                times.sort()
                print(f"{path:<46}p50 {times[len(times) // 2]:8.1f} ms   p99 {times[min(len(times) - 1, int(len(times) * 0.99))]:8.1f} ms")
            every.sort()
            print(f"{'all pages':<46}p50 {every[len(every) // 2]:8.1f} ms   p99 {every[min(len(every) - 1, int(len(every) * 0.99))]:8.1f} ms; RSS {rss_mb(process.pid):.0f} MB")
        finally:
            stopped(process)


PARTS = {"proxy": proxy, "rivals": logs, "hunts": hunts, "requests": requests, "idle": idle, "console": console}


def main():
    asked = [a for a in sys.argv[1:] if a != "--small"]
    unknown = [a for a in asked if a not in PARTS]
    if unknown:
        raise SystemExit(f"{unknown[0]} is no part; parts are {', '.join(PARTS)}")
    machine()
    for name in asked or PARTS:
        PARTS[name]("--small" in sys.argv)


if __name__ == "__main__":
    main()
