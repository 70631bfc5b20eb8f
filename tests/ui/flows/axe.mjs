// No violation of WCAG 2.2 AA on any page in light, dark and at 390 px.
import fs from "node:fs";
import { createRequire } from "node:module";
import { LOOKS, PAGES, ok } from "../harness.mjs";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export default async function (run) {
  const incident = await run.incident();
  const found = [];
  const id = incident.metadata.correlation_uid;
  for (const [look, options] of LOOKS) {
    // Our policy forbids the injected script: this context alone does without it.
    const page = await run.page("/", { ...options, bypassCSP: true });
    const request = await (async () => {
      await page.goto(`${run.origin}/incidents/${id}`);
      return page.locator('a[href^="/requests/"]').first().getAttribute("href", { timeout: 1_000 }).catch(() => null);
    })();
    for (const where of [...PAGES, `/incidents/${id}`, ...(request ? [request] : []), "/models/web-payload", "/nothing-here", "/login"]) {
      await page.goto(run.origin + where);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
      for (const v of violations) found.push(`${look} ${where}: ${v.id}: ${v.nodes.slice(0, 2).map((n) => n.target.join(" ") + " " + (n.any[0]?.message || n.failureSummary)).join(" | ")}`);
    }
    await page.context().close();
  }
  ok(!found.length, `${found.length} violations\n    ${found.slice(0, 20).join("\n    ")}`);
}
