// Without script: pages, forms, sheets and toggles work.
import { ok } from "../harness.mjs";

export default async function (run) {
  const page = await run.page("/incidents?state=all", { javaScriptEnabled: false });
  await page.locator("td.what a.title").first().click();
  await page.waitForURL("**/incidents/INC-*");
  const note = page.locator("#act-note");
  await note.locator("summary").click();
  await note.locator("input[name=text]").fill("written without script");
  await note.locator("button").click();
  ok(page.url().includes("notice="), "the answer comes back");
  ok(await page.locator("#notice").isVisible(), "and is shown");
  await page.locator(".toggle a", { hasText: "decoded" }).click();
  ok(page.url().includes("view=decoded"), "the toggle is a link");
  await page.goto(`${run.origin}/go?q=203.0.113.9`);
  ok(page.url().endsWith("/entities/address/203.0.113.9"), page.url());
}
