// Made-up data says so on every page and in every title.
import { PAGES, ok } from "../harness.mjs";

export default async function (run) {
  const page = await run.page("/");
  const incident = await run.incident();
  for (const where of [...PAGES, `/incidents/${incident.metadata.correlation_uid}`, "/nothing-here"]) {
    await page.goto(run.origin + where);
    ok(await page.locator("header .demo").isVisible(), `${where} has no badge`);
    ok((await page.title()).includes("DEMO DATA"), `${where}: ${await page.title()}`);
    ok((await page.locator("h1").count()) === 1, `${where} has one h1`);
  }
  ok((await run.api("/api/v1/incidents")).demo === true, "the API says it too");
}
