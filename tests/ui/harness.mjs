// Starts a console and a browser, and fails a flow on whatever a page may not do: leave its origin, break the content security policy,
// write an error to the browser's console.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

export const ROOT = path.resolve(import.meta.dirname, "../..");
export const PICTURES = path.join(ROOT, "target/ui");
export const PAGES = ["/", "/incidents", "/incidents?state=all", "/web", "/entities", "/identity", "/network", "/posture", "/search", "/search?q=class:incident", "/response", "/models", "/settings", "/keys"];
export const LOOKS = [
  ["light", { viewport: { width: 1440, height: 900 }, colorScheme: "light" }],
  ["dark", { viewport: { width: 1440, height: 900 }, colorScheme: "dark" }],
  ["390", { viewport: { width: 390, height: 844 }, colorScheme: "light", isMobile: true, hasTouch: true }],
];

export function ok(what, why) {
  if (!what) throw new Error(why);
}
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
// What `promise` gives, or nothing when it takes longer.
function within(ms, promise) {
  let timer;
  const late = new Promise((done) => (timer = setTimeout(done, ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Run {
  passed = 0;
  failed = 0;
  faults = [];

  static async start() {
    const run = new Run();
    fs.mkdirSync(PICTURES, { recursive: true });
    run.link = process.env.BARTIZAN_CONSOLE_URL || (await run.launch());
    run.origin = new URL(run.link).origin;
    await run.open();
    return run;
  }

  async open() {
    const args = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
    if (process.getuid?.() === 0) args.push("--no-sandbox");
    this.browser = await chromium.launch({ executablePath: process.env.BARTIZAN_CHROMIUM || "/usr/bin/chromium", args });
  }

  // Chromium on a busy machine may never answer that a context is closed: then it is killed and another is opened.
  async tidy() {
    const closed = Promise.all(this.browser.contexts().map((context) => context.close())).then(() => true, () => false);
    if (await within(20_000, closed)) return;
    const dead = this.browser;
    await this.open();
    within(20_000, dead.close());
  }

  // The line that begins with `console`, after spaces, has the one-time link.
  async launch() {
    const bin = process.env.BARTIZAN_BIN && path.resolve(process.env.BARTIZAN_BIN);
    const preview = path.join(ROOT, "target/debug/examples/preview");
    this.demo = Boolean(bin);
    const [command, args] = bin ? [bin, ["demo", "--no-browser", "--console-listen", "127.0.0.1:0", "--seed", "42"]] : [preview, []];
    ok(fs.existsSync(command), `${path.relative(ROOT, command)} is not built: cargo build -p console --example preview`);
    const env = { ...process.env, BARTIZAN_PREVIEW_STORY_S: process.env.BARTIZAN_PREVIEW_STORY_S || "25", NO_COLOR: "1" };
    this.child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    this.output = "";
    return new Promise((found, failed) => {
      const late = setTimeout(() => failed(new Error(`no console line within 120 s:\n${this.output}`)), 120_000);
      this.child.on("exit", (code) => failed(new Error(`ended with ${code}:\n${this.output}`)));
      this.child.stdout.on("data", (data) => {
        this.output += data;
        const line = this.output.match(/^\s*console\s+(http:\S+)/m);
        if (line) {
          clearTimeout(late);
          this.child.removeAllListeners("exit");
          this.child.on("exit", (code, signal) => this.faults.push(`the console ended by itself: ${code ?? signal}\n${this.output.slice(-2_000)}`));
          found(line[1]);
        }
      });
    });
  }

  // A context of its own; logged in once the login flow has run.
  async context(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options, storageState: this.session });
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (e) => console.error(`CSP violation: ${e.violatedDirective} ${e.blockedURI}`));
    });
    context.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(this.origin + "/") && !url.startsWith("data:")) this.faults.push(`request to another origin: ${url}`);
    });
    context.on("dialog", (dialog) => {
      this.faults.push(`a dialog opened: ${dialog.message()}`);
      dialog.dismiss();
    });
    context.on("weberror", (e) => this.faults.push(`script error: ${e.error().message}`));
    context.on("console", (message) => {
      const expected = /status of (404|410|401)/.test(message.text());
      if (message.type() === "error" && !expected) this.faults.push(`${message.page()?.url()}: ${message.text()}`);
    });
    return context;
  }

  async page(where, options) {
    const context = await this.context(options);
    const page = await context.newPage();
    await page.goto(this.origin + where);
    return page;
  }

  // JSON of the API with this login.
  async api(where) {
    const page = await this.page("/keys");
    const answer = await page.evaluate(async (where) => (await fetch(where)).json(), where);
    await page.context().close();
    return answer;
  }

  // The incident with the most to show: answered, with bytes of a request marked, strongest first.
  async incident() {
    const weight = (i) =>
      (i.unmapped.responses.length ? 4 : 0) + (i.unmapped.evidences.some((e) => e.data.matches.length && e.data.raw.includes(" HTTP/1.1\r\n")) ? 2 : 0) + i.severity_id / 10 + (i.unmapped.reasons.length ? 1 : 0);
    // The demo's attack comes after 20 s: a flow that runs alone waits for it.
    for (let begun = Date.now(); ; await sleep(1_000)) {
      const { items } = await this.api("/api/v1/incidents");
      items.sort((a, b) => weight(b) - weight(a));
      if (items.length && (weight(items[0]) > 6 || this.waited || Date.now() - begun > 45_000)) {
        this.waited = true;
        return items[0];
      }
      ok(Date.now() - begun < 60_000, "there is no incident");
    }
  }

  async flow(name, flow) {
    const begun = Date.now();
    this.faults = [];
    let fault, ended;
    try {
      await within(240_000, flow(this).then(() => (ended = true)));
      ok(ended, "it did not end within four minutes");
      if (this.faults.length) fault = this.faults.join("\n    ");
    } catch (e) {
      fault = [e.message, ...this.faults].join("\n    ");
    }
    await this.tidy();
    const took = `${((Date.now() - begun) / 1000).toFixed(1)} s`;
    if (fault) this.failed += 1;
    else this.passed += 1;
    console.log(fault ? `✗ ${name} (${took})\n    ${fault}` : `✓ ${name} (${took})`);
  }

  async stop() {
    if (this.browser) await within(20_000, this.browser.close());
    if (this.child && this.child.exitCode === null) {
      this.child.removeAllListeners("exit");
      this.child.kill("SIGINT");
      await Promise.race([once(this.child, "exit"), sleep(5_000)]);
      if (this.child.exitCode === null) this.child.kill("SIGKILL");
    }
  }
}

export async function noSidewaysScroll(page, where) {
  const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  ok(wide <= width, `${where} is ${wide} px wide in a window of ${width} px`);
}
