// The story's attack: its row appears in an open Overview without a reload.
import { ok } from "../harness.mjs";

export default async function (run) {
  const page = await run.page("/");
  await page.locator("#live.on").waitFor({ timeout: 10_000 });
  const before = await page.locator("#needs [data-row]").evaluateAll((rows) => rows.map((r) => r.dataset.row));
  await page.evaluate(() => (window.notReloaded = true));
  const known = await run.api("/api/v1/incidents");
  const story = known.items.some((i) => Date.now() - i.end_time < 15_000);
  await page
    .waitForFunction((before) => [...document.querySelectorAll("#needs [data-row]")].some((r) => !before.includes(r.dataset.row)), before, { timeout: story ? 20_000 : 90_000 })
    .catch(() => ok(false, `no new row within the time; there were ${before.join(", ")}`));
  ok(await page.evaluate(() => window.notReloaded), "without a reload");
}
