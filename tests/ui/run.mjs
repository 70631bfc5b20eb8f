// End-to-end tests of the console in a real browser.
//
//   BARTIZAN_BIN=target/release/bartizan node run.mjs    the real binary: `demo` with seed 42
//   BARTIZAN_CONSOLE_URL=http://127.0.0.1:.../once/..    a console that runs already (its one-time link)
//   node run.mjs                                         `target/debug/examples/preview`, hand-made events
//   node run.mjs incident axe                            only these flows (login always runs)
//
// Pictures go to target/ui/; docs/img/incident-*.png only with BARTIZAN_README_PICTURES=1. Last line: `N passed, M failed`.
import fs from "node:fs";
import { Run } from "./harness.mjs";

const FLOWS = ["login", "live", "badge", "incident", "request", "undo", "keyboard", "noscript", "hostile", "weight", "tabs", "looks", "axe", "challenge"];
const only = process.argv.slice(2);
const wanted = FLOWS.filter((f) => !only.length || f === "login" || only.includes(f));

if (!fs.existsSync("/usr/bin/chromium") && !process.env.BARTIZAN_CHROMIUM) {
  console.log("SKIPPED: no browser at /usr/bin/chromium; install chromium, fonts-dejavu-core and fonts-liberation");
  console.log("0 passed, 0 failed");
  process.exit(process.env.CI ? 1 : 0);
}
const run = await Run.start();
try {
  for (const name of wanted) {
    const { default: flow } = await import(`./flows/${name}.mjs`);
    await run.flow(name, flow);
  }
} finally {
  await run.stop();
}
console.log(`${run.passed} passed, ${run.failed} failed`);
process.exit(run.failed ? 1 : 0);
