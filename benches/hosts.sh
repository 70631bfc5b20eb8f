#!/usr/bin/env bash
# Rules and detectors over logs of hosts and clouds: speed, noise, techniques; and the series score.
#   benches/hosts.sh DATA [LABELS]     DATA: the shared data folder; LABELS: lines of "file name TAB technique technique .." (optional)
# Rows: load of all rules (CPU, memory), regression cases, each data set with all rules and with our own alone, replay end to end.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1
labels=${2:-}
profile=${PROFILE:-release}
target=${CARGO_TARGET_DIR:-$PWD/target}/$([ "$profile" = dev ] && echo debug || echo "$profile")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --quiet --profile "$profile" --workspace --examples --bins
unpack() { mkdir -p "$work/$1" && zstd -dcq "$data/$2" | tar x -C "$work/$1"; }
unpack rules logs/sigma-rules.tar.zst
unpack regression logs/sigma-regression-dev.tar.zst
unpack evtx logs/evtx-attack-samples.tar.zst
unpack otrf logs/otrf-atomic-dev.tar.zst
unpack stratus logs/cloudtrail-stratus-dev.tar.zst
unpack nab series/nab-dev.tar.zst
mkdir "$work/invictus" && zstd -dq "$data/logs/cloudtrail-invictus-dev.jsonl.zst" -o "$work/invictus/invictus.jsonl"
cpu() { /usr/bin/time -f "  %U s user, %S s system, %M KiB" "$@"; }
echo "== load"
cpu "$target/bartizan" rule lint "$work/rules" | tail -1
echo "== regression cases"
"$target/examples/host_figures" "$work/rules" regression "$work/regression" | tail -4
for set in evtx otrf stratus invictus; do
    for rules in "$work/rules" -; do
        echo "== $set, $([ "$rules" = - ] && echo 'our own rules alone' || echo 'all rules')"
        "$target/examples/host_figures" "$rules" techniques "$work/$set" $labels | grep -v '^  '
    done
done
for set in evtx otrf; do
    echo "== replay of $set, all rules"
    cpu "$target/bartizan" replay "$work/$set" --rules "$work/rules" --ndjson 2>&1 >"$work/out" | tail -1
    tail -1 "$work/out"
done
echo "== series"
"$target/examples/series" "$work/nab/nab"
