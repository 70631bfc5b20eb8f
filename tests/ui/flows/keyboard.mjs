// No mouse: go to the queue, pick a row, open it, close it with a word; ? and / work; nothing fires while typing.
import { ok } from "../harness.mjs";

export default async function (run) {
  const page = await run.page("/");
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await page.waitForURL("**/incidents");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  ok((await page.locator("tr.at").count()) === 1, "one row is picked");
  const picked = await page.locator("tr.at").getAttribute("data-row");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/incidents/${picked}`);

  await page.keyboard.press("e");
  ok(await page.locator("#act-close .sheet").isVisible(), "e asks how it ended");
  await page.keyboard.press("Escape");
  ok(!(await page.locator("#act-close .sheet").isVisible()), "Escape takes it back");
  await page.keyboard.press("n");
  await page.keyboard.type("looked at it: guess?");
  ok(!(await page.locator("dialog#keys").isVisible()), "keys do nothing while one types");
  await page.keyboard.press("Enter");
  await page.locator("#notice").waitFor();
  await page.waitForFunction(() => document.querySelector(".trail")?.textContent.includes("looked at it"), null, { timeout: 5_000 });

  await page.keyboard.press("?");
  ok(await page.locator("dialog#keys").isVisible(), "? lists the keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type(picked.toLowerCase());
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/incidents/${picked}`);
}
