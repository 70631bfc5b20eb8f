// One-time link: opens once, leaves the address bar, is dead on second use; without a login there is nothing to see.
import { ok } from "../harness.mjs";

export default async function (run) {
  const stranger = await run.page("/incidents/INC-1");
  ok(new URL(stranger.url()).pathname === "/login", `a stranger is at ${stranger.url()}`);

  const context = await run.context();
  const page = await context.newPage();
  await page.goto(run.link);
  ok(page.url() === run.origin + "/", `the token left the address bar: ${page.url()}`);
  ok(await page.locator("nav.menu").isVisible(), "the menu is there");
  run.session = await context.storageState();
  const cookie = run.session.cookies[0];
  ok(cookie.httpOnly && cookie.sameSite === "Strict" && cookie.path === "/", "the cookie is HttpOnly, SameSite=Strict, Path=/");

  const second = await (await run.browser.newContext()).newPage();
  const answer = await second.goto(run.link);
  ok(answer.status() === 410, `the link is dead on second use: ${answer.status()}`);
}
