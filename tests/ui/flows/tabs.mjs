// Twelve tabs are one stream; when the tab that reads it closes, another takes over and all stay live.
import { ok, sleep } from "../harness.mjs";

export default async function (run) {
  const context = await run.context();
  const open = new Set();
  context.on("request", (r) => new URL(r.url()).pathname === "/live" && open.add(r));
  for (const over of ["requestfinished", "requestfailed"]) context.on(over, (r) => open.delete(r));
  const tabs = [];
  for (let i = 0; i < 12; i += 1) {
    const page = await context.newPage();
    await page.goto(run.origin + (i % 2 ? "/incidents" : "/"));
    tabs.push(page);
  }
  const streams = () => [...open].filter((r) => !r.frame().page().isClosed()).length;
  const live = async (pages) => {
    for (const page of pages) await page.locator("#live.on").waitFor({ timeout: 10_000 });
  };
  await live(tabs);
  ok(streams() === 1, `${streams()} streams for 12 tabs`);
  const leader = [...open][0].frame().page();
  await leader.close();
  await sleep(1_500);
  const rest = tabs.filter((t) => t !== leader);
  await live(rest);
  ok(streams() === 1, `${streams()} streams after the leader closed`);
}
