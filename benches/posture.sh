#!/usr/bin/env bash
# Posture rules against the shared examples, and the speed of a scan. Figures in README and notes come from here.
#   benches/posture.sh [bartizan]      the binary, default a release build
# Examples are labelled for one check each (BARTIZAN_DATA/posture/iac_trivy_examples.jsonl.zst); benches/posture-pairs.csv says which of our rules means the same.
# Half A (by the hash of the check's name) may be looked at while rules are written, half B may not. Checkov runs beside when it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${BARTIZAN_DATA:-$PWD/../shared/data}/posture/iac_trivy_examples.jsonl.zst
[ -f "$data" ] || { echo "skipped: no data iac_trivy_examples"; exit 0; }
bin=${1:-}
if [ -z "$bin" ]; then
  cargo build --release --locked --quiet --bin bartizan
  bin=${CARGO_TARGET_DIR:-$PWD/target}/release/bartizan
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
zstd -dc "$data" > "$work/rows.jsonl"
python3 - "$work" "$bin" benches/posture-pairs.csv <<'PY'
import collections, csv, hashlib, json, os, shutil, subprocess, sys, time
work, binary, pairs = sys.argv[1:]
rule_of = {row["check"]: row["rule"] for row in csv.DictReader(open(pairs))}
name = {"terraform": "main.tf", "cloudformation": "t.yaml", "kubernetes": "t.yaml", "dockerfile": "Dockerfile"}
rows = [json.loads(line) for line in open(f"{work}/rows.jsonl")]
root = f"{work}/scan"
for n, row in enumerate(rows):
    os.makedirs(f"{root}/{n:04d}")
    with open(f"{root}/{n:04d}/{name[row['format']]}", "w") as out:
        out.write(row["content"])
start = time.time()
said = json.loads(subprocess.run([binary, "posture", root, "--json", "--fail-on", "never"], capture_output=True, text=True, check=True).stdout)
wall = time.time() - start
fired = collections.defaultdict(set)
for found in said["findings"]:
    fired[int(found["file"].split("/")[0])].add(found["rule"])
print(f"scan: {said['files']} files, {said['resources']} resources, {len(said['findings'])} findings, {said['undecoded']} not read, {said['not_evaluated']} not evaluated, {wall:.2f} s")
print(f"{'half':<6}{'format':<16}{'bad':>5}{'good':>6}{'precision':>11}{'recall':>8}   always saying bad: precision")
for half in "AB":
    for kind in ["terraform", "cloudformation", "kubernetes", "dockerfile", "all"]:
        tp = fp = fn = tn = 0
        for n, row in enumerate(rows):
            if row["check"] not in rule_of or kind not in ("all", row["format"]):
                continue
            if (hashlib.sha256(row["check"].encode()).digest()[0] % 2 == 0) != (half == "A"):
                continue
            hit = rule_of[row["check"]] in fired[n]
            if row["label"] == "bad":
                tp, fn = tp + hit, fn + (not hit)
            else:
                fp, tn = fp + hit, tn + (not hit)
        if tp + fp + fn + tn:
            print(f"{half:<6}{kind:<16}{tp + fn:>5}{fp + tn:>6}{tp / max(1, tp + fp):>11.3f}{tp / max(1, tp + fn):>8.3f}   {(tp + fn) / (tp + fp + fn + tn):.3f}")
if shutil.which("checkov"):
    start = time.time()
    out = subprocess.run(["checkov", "-d", root, "--compact", "-o", "json"], capture_output=True, text=True).stdout
    rival = time.time() - start
    print(f"Checkov over the same files: {rival:.1f} s, {rival / wall:.0f} times as long")
    parsed = json.loads(out)
    theirs = collections.defaultdict(lambda: [set(), set()])
    for part in parsed if isinstance(parsed, list) else [parsed]:
        for word, at in (("failed_checks", 0), ("passed_checks", 1)):
            for one in part.get("results", {}).get(word, []):
                theirs[one["check_id"]][at].add((one["file_path"].strip("/"), one["resource"]))
    aliases = {r["id"]: r["aliases"] for r in json.loads(subprocess.run([binary, "posture", "--list-rules", "--json"], capture_output=True, text=True).stdout)["rules"]}
    ours = collections.defaultdict(set)
    for found in said["findings"]:
        for alias in found["aliases"]:
            ours[alias].add((found["file"], found["resource"]))
    both = only_ours = only_theirs = 0
    for alias in {a for all in aliases.values() for a in all if a.startswith("CKV")}:
        failed, passed = theirs[alias]
        both += len(failed & ours[alias])
        only_theirs += len(failed - ours[alias])
        # What it never looked at says nothing about either.
        only_ours += len(passed & ours[alias])
    print(f"aliases, per (check, resource): {both} both, {only_ours} ours alone where it passes, {only_theirs} its alone: precision {both / max(1, both + only_ours):.3f}, recall {both / max(1, both + only_theirs):.3f}")
else:
    print("Checkov: skipped, not installed")
PY
