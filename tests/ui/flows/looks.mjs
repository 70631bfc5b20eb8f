// Pictures of every page in light, dark, 390 px and print; nothing scrolls sideways.
import path from "node:path";
import { LOOKS, PAGES, PICTURES, noSidewaysScroll, ok } from "../harness.mjs";

export default async function (run) {
  const incident = await run.incident();
  const id = incident.metadata.correlation_uid;
  for (const [look, options] of LOOKS) {
    const page = await run.page("/", options);
    for (const where of [...PAGES, `/incidents/${id}`]) {
      await page.goto(run.origin + where);
      await noSidewaysScroll(page, `${where} (${look})`);
      const name = where.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "overview";
      await page.screenshot({ path: path.join(PICTURES, `${name}-${look}.png`) });
    }
    if (look === "390") {
      const bar = await page.evaluate(() => document.querySelector("#actions")?.getBoundingClientRect().toJSON());
      ok(bar && Math.abs(bar.bottom - 844) < 2, `the action bar sticks to the bottom: ${JSON.stringify(bar)}`);
    }
    await page.context().close();
  }
  const page = await run.page(`/incidents/${id}`);
  await page.emulateMedia({ media: "print" });
  ok(!(await page.locator("nav.menu").isVisible()), "the menu is not printed");
  await page.screenshot({ path: path.join(PICTURES, "incident-print.png"), fullPage: true });
}
