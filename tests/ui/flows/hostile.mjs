// Whatever attackers wrote is text: nothing runs, nothing opens, no element of theirs is in a page.
import { PAGES, noSidewaysScroll, ok } from "../harness.mjs";

export default async function (run) {
  const page = await run.page("/");
  const { items } = await run.api("/api/v1/incidents");
  const places = items.slice(0, 40).map((i) => `/incidents/${i.metadata.correlation_uid}`);
  const entities = items.slice(0, 20).map((i) => i.observables[0]).filter(Boolean).map((o) => `/entities/${o.name}/${encodeURIComponent(o.value)}`);
  for (const where of [...PAGES, "/web?verdict=all", "/search?q=alert", "/search?q=%3Cscript%3E", ...places, ...entities]) {
    await page.goto(run.origin + where);
    const strange = await page.evaluate(() => {
      const tags = [...document.querySelectorAll("img, iframe, object, embed, base, style, script:not([src^='/asset/']), form[action^='http']")].map((e) => e.outerHTML.slice(0, 80));
      const handlers = [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => a.name.startsWith("on") || a.name === "style")).map((e) => e.outerHTML.slice(0, 80));
      const links = [...document.querySelectorAll("a[href]")].filter((a) => a.origin !== location.origin).map((a) => a.href);
      return [...tags, ...handlers, ...links];
    });
    ok(!strange.length, `${where}: ${strange.join(" ")}`);
    ok((await page.title()) !== "owned", `${where}: a script ran`);
    await noSidewaysScroll(page, where);
  }
}
