// One screen: five questions visible at 1440x900 without scrolling, reasons that add up, undo first.
import path from "node:path";
import fs from "node:fs";
import { PICTURES, ROOT, ok } from "../harness.mjs";

export default async function (run) {
  const incident = await run.incident();
  const where = `/incidents/${incident.metadata.correlation_uid}`;
  const page = await run.page(where);
  for (const question of ["what", "did", "why", "can", "proof"]) {
    const box = await page.locator(`[data-q="${question}"]`).boundingBox();
    ok(box && box.y >= 0 && box.y + Math.min(box.height, 120) <= 900, `“${question}” is not on the first screen: ${JSON.stringify(box)}`);
  }
  const proof = await page.locator('[data-q="proof"] pre').first().boundingBox();
  ok(proof && proof.y + proof.height <= 900, "the proof is not on the first screen");
  const pushes = await page.locator("[data-push]").evaluateAll((all) => all.map((e) => Number(e.dataset.push)));
  const shown = await page.locator("[data-push] .number").evaluateAll((all) => all.map((e) => Number(e.textContent.replace("−", "-"))));
  const score = Number(await page.locator("[data-score]").getAttribute("data-score"));
  const sum = (all) => all.reduce((a, b) => a + b, 0);
  ok(Math.abs(sum(pushes) - score) <= 0.01, `pushes add up to ${sum(pushes)}, the score is ${score}`);
  ok(Math.abs(sum(shown) - Number(await page.locator("[data-sum]").getAttribute("data-sum"))) < 0.006, `what is shown adds up to ${sum(shown)}`);
  const active = await page.locator("#act-undo").count();
  if (active) ok((await page.locator("#actions > *").first().getAttribute("id")) === "act-undo", "undo is the first thing to do");

  for (const look of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: look });
    const file = path.join(PICTURES, `incident-${look}.png`);
    await page.screenshot({ path: file });
    if (process.env.BARTIZAN_README_PICTURES === "1") {
      fs.mkdirSync(path.join(ROOT, "docs/img"), { recursive: true });
      fs.copyFileSync(file, path.join(ROOT, `docs/img/incident-${look}.png`));
    }
  }
}
