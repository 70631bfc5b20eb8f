// One screen: five questions visible at 1440x900 without scrolling, reasons that add up, undo first.
import path from "node:path";
import fs from "node:fs";
import { PICTURES, ROOT, ok } from "../harness.mjs";

export default async function (run) {
  const incident = await run.incident();
  const where = `/incidents/${incident.metadata.correlation_uid}`;
  const page = await run.page(where);
  // Measured in the page at one moment: live news may put a section anew between two questions from here.
  const boxes = await page.evaluate(() => {
    const bottom = (selector) => {
      const box = document.querySelector(selector)?.getBoundingClientRect();
      return box && { top: box.top, seen: box.top + Math.min(box.height, 120), bottom: box.bottom };
    };
    const questions = ["what", "did", "why", "can", "proof"].map((q) => [q, bottom(`[data-q="${q}"]`)]);
    return { questions, proof: bottom('[data-q="proof"] pre') };
  });
  for (const [question, box] of boxes.questions) ok(box && box.top >= 0 && box.seen <= 900, `“${question}” is not on the first screen: ${JSON.stringify(box)}`);
  ok(boxes.proof && boxes.proof.bottom <= 900, `the proof is not on the first screen: ${JSON.stringify(boxes.proof)}`);
  const { pushes, shown, score, total } = await page.evaluate(() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    return {
      pushes: all("[data-push]").map((e) => Number(e.dataset.push)),
      shown: all("[data-push] .number").map((e) => Number(e.textContent.replace("−", "-"))),
      score: Number(document.querySelector("[data-score]").dataset.score),
      total: Number(document.querySelector("[data-sum]").dataset.sum),
    };
  });
  const sum = (all) => all.reduce((a, b) => a + b, 0);
  ok(Math.abs(sum(pushes) - score) <= 0.01, `pushes add up to ${sum(pushes)}, the score is ${score}`);
  ok(Math.abs(sum(shown) - total) < 0.006, `what is shown adds up to ${sum(shown)}`);
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
