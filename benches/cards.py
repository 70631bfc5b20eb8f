#!/usr/bin/env python3
"""Writes the figures of the whole product on every source into the card of mail-phish or url-phish; sign the folder afterwards.

    benches/cards.py NAME [BINARY]     default: target/release/bartizan
It runs `bartizan model eval NAME --sources DIR --json` on the measuring sets under BARTIZAN_DATA (default ../shared/data) and keeps each share
with its interval: the product, its rules without any model, and the best one-line rule. Run it after each training.
"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("BARTIZAN_DATA", ROOT / "../shared/data"))
FOLDERS = {"mail-phish": "mail", "url-phish": "url"}
# How each of these figures begins; a later run replaces them.
MARK = "across sources: "

name = sys.argv[1]
binary = sys.argv[2] if len(sys.argv) > 2 else str(ROOT / "target/release/bartizan")
path = ROOT / "content/models" / name / "card.json"
card = json.loads(path.read_text())
said = subprocess.run([binary, "model", "eval", name, "--sources", str(DATA / FOLDERS[name]), "--json"], check=True, capture_output=True).stdout
result = json.loads(said)
trained = {source["name"] for source in card["sources"]}

figures = [figure for figure in card["figures"] if not figure["what"].startswith(MARK)]
for mode in result["sources"]:
    for row in mode["by_source"]:
        kind = "bad" if row["bad"] else "good"
        seen = "trained on" if row["source"].split(" ")[0] in trained else "never trained on"
        where = f"{MARK}{kind} rows of {row['source']} ({seen})"
        who = {"both": "flagged by rules and models", "rules": "flagged by rules alone"}[mode["mode"]]
        figures.append({"what": f"{where} {who}", "share": row["flagged"]})
        if mode["mode"] == "both":
            figures.append({"what": f"{where} where no word is dared", "share": row["abstained"]})
            figures.append({"what": f"{where} flagged by the best one-line rule", "share": row["trivial"]})
card["figures"] = figures
path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
for figure in figures:
    if figure["what"].startswith(MARK):
        share = figure["share"]
        print(f"{100 * share['share']:6.2f} %  {100 * share['low']:6.2f} .. {100 * share['high']:6.2f}  of {share['of']:<7} {figure['what'][len(MARK):]}")
