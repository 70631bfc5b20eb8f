// The first page: at most 4 requests, one script of 25 KB, one style sheet of 20 KB, nothing from elsewhere.
import { ok } from "../harness.mjs";

export default async function (run) {
  const context = await run.context();
  const page = await context.newPage();
  const sizes = {};
  page.on("response", async (answer) => {
    const name = new URL(answer.url()).pathname;
    if (name !== "/live") sizes[name] = (await answer.body().catch(() => Buffer.alloc(0))).length;
  });
  await page.goto(run.origin + "/");
  await page.waitForTimeout(1_000);
  const names = Object.keys(sizes);
  ok(names.length <= 4, `${names.length} requests: ${names.join(" ")}`);
  for (const [name, size] of Object.entries(sizes)) {
    ok(!name.endsWith(".js") || size <= 25 * 1024, `${name}: ${size} bytes`);
    ok(!name.endsWith(".css") || size <= 20 * 1024, `${name}: ${size} bytes`);
    ok(name !== "/" || size <= 100 * 1024, `${name}: ${size} bytes`);
  }
}
