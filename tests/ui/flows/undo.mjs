// Undo by click: plan first, receipt after, the response is over and stays over; then the site answers again.
import { ok, sleep } from "../harness.mjs";

export default async function (run) {
  const incident = await run.incident();
  const where = `/incidents/${incident.metadata.correlation_uid}`;
  const page = await run.page(where);
  // The demo's gateway takes the client from X-Forwarded-For: we come as the one that is blocked.
  const site = run.output?.match(/^\s*(?:site|protects)\s+(http:\S+)/m)?.[1];
  const client = incident.observables[0]?.value;
  const visit = async () => (await fetch(site, { headers: { "x-forwarded-for": client } })).status;
  if (site) ok((await visit()) === 403, `${client} is not refused before the undo`);

  const act = page.locator("#act-undo");
  ok(await act.count(), `${where} has nothing to undo`);
  await act.locator("summary").click();
  ok(await act.locator(".plan").isVisible(), "the plan is shown first");
  await act.locator("button.primary").click();
  await page.waitForURL((url) => url.pathname === where);
  const notice = page.locator("#notice.good");
  ok(await notice.isVisible(), `the answer is shown: ${await page.locator("#notice").textContent().catch(() => "nothing")}`);
  ok(/receipt/i.test(await notice.textContent()), "with its receipt");
  ok(!page.url().includes("notice="), "what was said once does not stay in the address");
  await page.waitForFunction(() => !document.querySelector("#act-undo") && document.querySelector("#incident")?.textContent.includes("undone"), null, { timeout: 5_000 });
  await page.screenshot({ path: `${(await import("../harness.mjs")).PICTURES}/undone.png` });

  if (site) {
    const begun = Date.now();
    while ((await visit()) >= 400 && Date.now() - begun < 1_000) await sleep(50);
    const status = await visit();
    ok(status < 400, `${client} gets ${status} a second after the undo`);
  }
  await page.goto(`${run.origin}/response`);
  ok((await page.locator("#past").textContent()).includes("undone"), "Response lists it as undone");
}
