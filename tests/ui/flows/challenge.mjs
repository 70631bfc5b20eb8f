// A gateway that challenges an address: the browser does the work and sees the page; a program with the same address is refused in JSON.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { PICTURES, ok, sleep } from "../harness.mjs";

const CLIENT = "203.0.113.77";

export default async function (run) {
  const bin = process.env.BARTIZAN_BIN && path.resolve(process.env.BARTIZAN_BIN);
  if (!bin) return console.log("SKIPPED: challenge needs BARTIZAN_BIN");
  const seen = [];
  const shop = http.createServer((request, answer) => {
    if (request.url === "/") seen.push(request.headers.cookie ?? "");
    answer.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Shop</title><h1>Welcome to the shop</h1>");
  });
  shop.listen(0, "127.0.0.1");
  await once(shop, "listening");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "bartizan-ui-"));
  const data = ["--data-dir", dir];
  const args = ["protect", `http://127.0.0.1:${shop.address().port}`, "--listen", "127.0.0.1:0", "--no-console", "--enforce", "--trusted-proxy", "127.0.0.1"];
  const gateway = spawn(bin, [...args, ...data], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, NO_COLOR: "1" } });
  let output = "";
  gateway.stdout.on("data", (text) => (output += text));
  try {
    let origin;
    for (let tries = 0; !origin && tries < 300; tries++) {
      await sleep(100);
      origin = output.match(/^\s*gateway\s+(http:\S+)/m)?.[1];
    }
    ok(origin, `no address within 30 s:\n${output}`);
    const order = spawn(bin, ["block", CLIENT, "--challenge", "--for", "1h", "--yes", ...data], { stdio: "inherit" });
    const [code] = await once(order, "exit");
    ok(code === 0, `block --challenge ended with ${code}`);

    const program = await fetch(origin, { headers: { "x-forwarded-for": CLIENT } });
    ok(program.status === 403 && (await program.json()).title === "Browser check needed", "a program is told in JSON");
    ok(seen.length === 0, "a program went through");

    const context = await run.browser.newContext({ extraHTTPHeaders: { "x-forwarded-for": CLIENT } });
    const page = await context.newPage();
    const wrong = [];
    page.on("console", (message) => message.type() === "error" && !/status of 403/.test(message.text()) && wrong.push(message.text()));
    page.on("pageerror", (error) => wrong.push(error.message));
    await page.goto(origin + "/", { waitUntil: "commit" });
    await page.screenshot({ path: path.join(PICTURES, "challenge.png") });
    await page.getByRole("heading", { name: "Welcome to the shop" }).waitFor({ timeout: 30_000 });
    ok(wrong.length === 0, `the page wrote ${wrong.join("; ")}`);
    const asked = seen.length;
    await page.reload();
    await page.getByRole("heading", { name: "Welcome to the shop" }).waitFor({ timeout: 5_000 });
    ok(seen.length === asked + 1, "who has passed is asked again");
    ok(seen.every((cookies) => !cookies.includes("bartizan_")), `the application sees our cookies: ${seen}`);

    const bare = await run.browser.newContext({ extraHTTPHeaders: { "x-forwarded-for": CLIENT }, javaScriptEnabled: false });
    const without = await bare.newPage();
    await without.goto(origin + "/");
    ok((await without.textContent("body")).includes("needs JavaScript"), "without scripts it is said what is missing");
  } finally {
    gateway.kill("SIGKILL");
    shop.closeAllConnections();
    shop.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
