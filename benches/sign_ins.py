#!/usr/bin/env python3
"""What is decided about made-up sign-ins, kind by kind: python3 benches/sign_ins.py [BINARY]

Two seeds that no model was trained on (the model `login` was trained on the same generator: this is no other source). Owners should be
allowed, others asked again or refused; `told` is the share that becomes a finding when a second sign agrees. Cold accounts have fewer
than five earlier sign-ins.
"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

binary = sys.argv[1] if len(sys.argv) > 1 else "target/release/bartizan"
TOLD = 0.97


def run(*args):
    return subprocess.run([binary, *args], check=False, capture_output=True, text=True).stdout


for seed in ("77", "78"):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "logins.jsonl"
        run("generate", "logins", "--seed", seed, "--users", "300", "--days", "60", "--out", str(file))
        truth = {row["id"]: row["kind"] for row in map(json.loads, open(f"{file}.truth"))}
        rows, seen = collections.Counter(), collections.Counter()
        for line in run("replay", str(file), "--format", "json", "--emit", "decisions").splitlines():
            said = json.loads(line)
            if said.get("schema") != "bartizan.login/1":
                continue
            kind = truth.get(said["id"], "owner") + (", cold" if said["prior_logins"] < 5 else "")
            rows[kind] += 1
            seen[kind, said["decision"]] += 1
            seen[kind, "told"] += said["risk"] >= TOLD
    print(f"seed {seed:<13} {'sign-ins':>8} {'allow':>8} {'step up':>8} {'block':>8} {'told':>8}")
    for kind in sorted(rows, key=lambda kind: (kind.endswith("cold"), kind != "owner", kind)):
        shares = "".join(f" {100 * seen[kind, word] / rows[kind]:7.2f}%" for word in ("allow", "step_up", "block", "told"))
        print(f"  {kind:<16} {rows[kind]:>8}{shares}")
