// From the incident to its request: the bytes that matched are marked, raw and decoded, and light up with what marked them.
import { ok } from "../harness.mjs";

export default async function (run) {
  const incident = await run.incident();
  const page = await run.page(`/incidents/${incident.metadata.correlation_uid}`);
  const link = page.locator('a[href^="/requests/"]').first();
  ok(await link.count(), "the incident names no request");
  await link.click();
  await page.waitForURL("**/requests/**");
  const mark = page.locator("pre.bytes mark").first();
  ok(await mark.count(), "no byte is marked");
  const raw = await mark.textContent();
  const row = page.locator("[data-marks]").first();
  await row.hover();
  ok(await page.locator("mark.lit").count(), "hovering a line lights its bytes");
  await page.locator(".toggle a", { hasText: "decoded" }).click();
  ok(page.url().includes("view=decoded"), "the view is in the address");
  const decoded = await page.locator("pre.bytes mark").first().textContent();
  ok(decoded && !/%[0-9a-f]{2}/i.test(decoded.replace(/%25/g, "")) , `decoded: ${decoded} (raw: ${raw})`);
}
