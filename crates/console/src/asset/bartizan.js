// Bartizan's one script, served as written: live rows, keys, times. Every page works without it.
"use strict";
(() => {
  const $ = (s, root = document) => root.querySelector(s);
  const $$ = (s, root = document) => [...root.querySelectorAll(s)];
  const body = document.body;

  // ---- Times: in the viewer's zone, UTC stays in `datetime`.
  const two = (n) => String(n).padStart(2, "0");
  const clock = (d) => `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  const day = (d) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  // The server's clock is the one that counts: the demo's may run elsewhere than the browser's.
  const made = $("#live time");
  const skew = made ? new Date(made.dateTime).getTime() - Date.now() : 0;
  const now = () => Date.now() + skew;
  function span(s) {
    s = Math.max(0, Math.floor(s));
    const pair = (a, ua, b, ub) => (b ? `${a} ${ua} ${b} ${ub}` : `${a} ${ua}`);
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 86400) return pair(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
    return pair(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
  }
  function say(time) {
    const d = new Date(time.dateTime);
    if (isNaN(d)) return;
    const gap = (d.getTime() - now()) / 1000;
    const words = {
      clock: () => clock(d),
      moment: () => `${day(d)} ${clock(d)}`,
      lately: () => (day(d) === day(new Date(now())) ? clock(d) : `${day(d).slice(5)} ${clock(d).slice(0, 5)}`),
      hour: () => clock(d).slice(0, 5),
      left: () => (gap < 600 && gap > 0 ? `${Math.floor(gap / 60)}:${two(Math.floor(gap % 60))}` : span(gap)),
      ago: () => `${span(-gap)} ago`,
    }[time.dataset.as];
    const text = words && words();
    if (text && time.textContent !== text) time.textContent = text;
    if (!time.title) time.title = time.dateTime + " (UTC)";
  }
  const times = (root = document) => $$("time[data-as]", root).forEach(say);
  times();
  setInterval(() => $$('time[data-as="left"], time[data-as="ago"]').forEach(say), 1000);
  $$(".utc").forEach((e) => e.remove());
  // What was only said once does not come back on reload.
  if (location.search.includes("notice=")) {
    const url = new URL(location.href);
    url.searchParams.delete("notice");
    history.replaceState(null, "", url.pathname + url.search + url.hash);
  }

  // ---- Live: one stream a browser; the tab that holds the lock reads it and tells the others.
  const state = $("#live"), word = $("#live-word");
  let last = Number(body.dataset.end || 0), heard = 0, status = "off";
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("bartizan-live") : null;
  function show(s) {
    status = s;
    if (!state) return;
    const words = { on: "live", wait: "reconnecting", poll: "polling 10 s", off: "not live" };
    state.classList.toggle("on", s === "on");
    const dot = $(".dot", state);
    if (dot) dot.textContent = s === "on" ? "●" : "○";
    if (word && word.textContent !== words[s]) word.textContent = words[s];
  }
  let waiting = new Set(), timer = 0, running = false, again = false;
  const slow = new Map();
  function take(fact) {
    if (fact.offset < last) return;
    last = fact.offset + 1;
    heard = Date.now();
    for (const part of $$("[data-live]")) {
      if (!part.dataset.live.split(" ").includes(fact.kind)) continue;
      if (part.dataset.only && fact.kind === "incident" && fact.id !== part.dataset.only) continue;
      waiting.add(part.id);
    }
    if (fact.kind === "incident") waiting.add("need");
    if (fact.kind === "incident" && ["critical", "high"].includes(fact.severity)) announce(`${fact.severity}: ${fact.title}`);
    plan();
  }
  function plan() {
    if (!waiting.size || timer || document.hidden) return;
    timer = setTimeout(() => { timer = 0; refresh(); }, 150);
  }
  document.addEventListener("visibilitychange", plan);
  // Figures that change without news.
  setInterval(() => { if (status === "on") { $$("[data-every]").forEach((p) => waiting.add(p.id)); plan(); } }, 10000);
  // At most one announcement in 10 s.
  let announced = 0;
  const voice = document.createElement("div");
  voice.className = "hidden";
  voice.setAttribute("aria-live", "polite");
  body.append(voice);
  function announce(text) {
    if (Date.now() - announced < 10000) return;
    announced = Date.now();
    voice.textContent = text;
  }

  // Takes the page anew and puts in place what changed. Rows never move under the cursor.
  async function refresh() {
    if (running) { again = true; return; }
    const ids = [...waiting].filter((id) => {
      const every = Number(document.getElementById(id)?.dataset.every || 0) * 1000;
      return !every || Date.now() - (slow.get(id) || 0) >= every;
    });
    const later = [...waiting].some((id) => !ids.includes(id));
    ids.forEach((id) => { waiting.delete(id); slow.set(id, Date.now()); });
    if (later) setTimeout(plan, 2000);
    if (!ids.length) return;
    running = true;
    try {
      const answer = await fetch(location.pathname + location.search, { credentials: "same-origin", redirect: "manual", headers: { "X-Unattended": "1" } });
      if (answer.type === "opaqueredirect") { location.assign("/login"); return; }
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        ids.forEach((id) => swap(id, fresh.getElementById(id)));
      }
    } catch { ids.forEach((id) => waiting.add(id)); }
    running = false;
    if (again) { again = false; plan(); }
  }
  function swap(id, fresh) {
    const old = document.getElementById(id);
    if (id === "need") {
      if (old && fresh) old.replaceWith(fresh);
      else if (old) old.remove();
      else if (fresh) $('.menu a[data-go="i"]')?.append(" ", fresh);
      return;
    }
    if (!old || !fresh) return;
    const inUse = old.contains(document.activeElement) && document.activeElement !== body;
    const open = $("details.act[open]", old);
    if (open || inUse && $("input, select, textarea, .sheet", old)?.matches(":focus, :focus-within") || String(getSelection())) {
      waiting.add(id);
      setTimeout(plan, 2000);
      return;
    }
    const known = new Set($$("[data-row]", old).map((r) => r.dataset.row));
    const rows = $$("[data-row]", fresh).filter((r) => !known.has(r.dataset.row));
    if ("hold" in old.dataset && rows.length && (old.matches(":hover") || inUse || $(".at", old) || scrollY > 80)) {
      offer(old, rows.length);
      return;
    }
    put(old, fresh, rows);
  }
  function put(old, fresh, rows) {
    const open = $$("details[id][open]", old).map((d) => d.id);
    const at = $(".at", old)?.dataset.row;
    const focus = old.contains(document.activeElement) ? document.activeElement.closest("[data-row]")?.dataset.row : null;
    const scrolls = $$("[id], pre", old).filter((e) => e.scrollTop).map((e) => [e.id, e.scrollTop]);
    rows.forEach((r) => r.classList.add("fresh"));
    old.replaceWith(document.adoptNode(fresh));
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    scrolls.forEach(([id, top]) => { const e = id && document.getElementById(id); if (e) e.scrollTop = top; });
    if (at) $$("[data-row]", fresh).find((r) => r.dataset.row === at)?.classList.add("at");
    if (focus) $("a", $$("[data-row]", fresh).find((r) => r.dataset.row === focus) || fresh)?.focus({ preventScroll: true });
    times(fresh);
  }
  function offer(old, number) {
    let button = $(".fresh-rows", old);
    if (!button) {
      button = document.createElement("button");
      button.className = "fresh-rows";
      button.type = "button";
      button.addEventListener("click", () => { button.remove(); $(".at", old)?.classList.remove("at"); document.activeElement?.blur(); scrollTo(0, 0); delete old.dataset.hold; waiting.add(old.id); plan(); });
      old.prepend(button);
    }
    button.textContent = `${number} new – show`;
  }

  function listen(release) {
    const source = new EventSource("/live?from=" + last);
    const pass = (message) => { take(message); channel?.postMessage(message); };
    source.onopen = () => { show("on"); channel?.postMessage({ state: "on" }); };
    source.onmessage = (e) => pass({ ...JSON.parse(e.data), offset: Number(e.lastEventId) });
    source.addEventListener("reload", () => { $$("[data-live]").forEach((p) => waiting.add(p.id)); plan(); });
    source.onerror = () => {
      show("wait");
      channel?.postMessage({ state: "wait" });
      if (source.readyState !== 2) return;
      // Refused: too many streams, or logged out.
      source.close();
      show("poll");
      setTimeout(() => { $$("[data-live]").forEach((p) => waiting.add(p.id)); plan(); release(); }, 10000);
    };
    addEventListener("pagehide", () => { source.close(); release(); }, { once: true });
  }
  channel?.addEventListener("message", (e) => {
    if (e.data?.state) show(e.data.state);
    else if (e.data?.ask) { if (leading) channel.postMessage({ state: status }); }
    else if (e.data) take(e.data);
  });
  let leading = false;
  function lead() {
    if (navigator.locks && channel) {
      navigator.locks.request("bartizan-live", () => new Promise((release) => {
        leading = true;
        listen(() => { leading = false; release(); setTimeout(lead, 100); });
      }));
      channel.postMessage({ ask: 1 });
    } else if (!document.hidden) {
      listen(() => setTimeout(lead, 1000));
    }
  }
  if (state) { show("wait"); lead(); }

  // ---- A search goes on by itself until its page is full or the log ends.
  async function further() {
    const panel = $("#results"), full = Number(panel?.dataset.full);
    for (let more; panel && (more = $("[data-further]", panel)) && $$("tr[data-row]", panel).length < full;) {
      more.setAttribute("aria-busy", "true");
      const answer = await fetch($("a", more).href, { credentials: "same-origin", redirect: "manual" }).catch(() => null);
      if (!answer?.ok) { more.removeAttribute("aria-busy"); return; }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("results");
      if (!fresh) return;
      for (const sum of $$("[data-sum]", panel)) {
        sum.dataset.n = Number(sum.dataset.n) + Number($(`[data-sum="${sum.dataset.sum}"]`, fresh)?.dataset.n || 0);
        sum.textContent = Number(sum.dataset.n).toLocaleString("en");
      }
      const rows = $$("tbody tr", fresh), body = $("tbody", panel), table = $("table", fresh);
      const next = $(".more", fresh), nothing = $(".empty", fresh);
      times(fresh);
      if (body) body.append(...rows.map((row) => document.adoptNode(row)));
      else if (table) { $$(".muted", panel).forEach((e) => e.remove()); more.before(document.adoptNode(table)); }
      else if (nothing && !next) { $$(".muted", panel).forEach((e) => e.remove()); more.before(document.adoptNode(nothing)); }
      more.remove();
      if (next) panel.append(document.adoptNode(next));
    }
  }
  further();

  // ---- Marks: a line of the list lights its bytes, and back.
  function light(place, on) {
    $$("mark[data-m]").forEach((m) => m.dataset.m.split(" ").includes(place) && m.classList.toggle("lit", on));
    $$("[data-marks]").forEach((r) => r.dataset.marks === place && r.classList.toggle("lit", on));
  }
  for (const [kind, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
    document.addEventListener(kind, (e) => {
      const row = e.target.closest?.("[data-marks]");
      const mark = e.target.closest?.("mark[data-m]");
      if (row) light(row.dataset.marks, on);
      if (mark) mark.dataset.m.split(" ").forEach((m) => light(m, on));
    });
  }

  // ---- Sheets: one open at a time, closed by Escape or a click elsewhere; the first control gets the focus.
  document.addEventListener("toggle", (e) => {
    if (!e.target.matches?.("details.act, details.user") || !e.target.open) return;
    $$("details.act[open], details.user[open]").forEach((d) => d !== e.target && (d.open = false));
    if (e.target.matches(".act") && !e.target.contains(document.activeElement.closest(".sheet"))) enter(e.target);
  }, true);
  const enter = (act) => $(".sheet input:not([type=hidden]):not([type=radio]), .sheet input[type=radio]:checked, .sheet button", act)?.focus();
  function press(target) {
    target.click();
    const act = target.closest("details.act[open]");
    if (act) enter(act);
  }
  document.addEventListener("click", (e) => {
    $$("details.act[open], details.user[open]").forEach((d) => !d.contains(e.target) && (d.open = false));
    const row = e.target.closest?.("tr[data-row]");
    if (row && !e.target.closest("a, button, details, input, summary") && !String(getSelection())) $("a.title, .what a", row)?.click();
  });

  // ---- Files to check: chosen, or dropped anywhere on the page.
  const chosen = $("input[data-check]");
  async function check(file) {
    const out = $("#checked");
    if (!file) return;
    if (file.size > 32 * 1024 * 1024) { out.textContent = "larger than 32 MB: use bartizan check on the command line"; return; }
    out.textContent = "checking " + file.name;
    try {
      const reply = await fetch(chosen.dataset.check + "?name=" + encodeURIComponent(file.name), {
        method: "POST", body: file, headers: { "x-csrf-token": chosen.dataset.csrf, "content-type": "application/octet-stream" },
      });
      if (!reply.ok) throw new Error("answer " + reply.status);
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      out.replaceChildren(...page.body.childNodes);
    } catch (e) { out.textContent = "not checked: " + e.message; }
  }
  if (chosen) {
    chosen.addEventListener("change", () => check(chosen.files[0]));
    document.addEventListener("dragover", (e) => e.preventDefault());
    document.addEventListener("drop", (e) => { e.preventDefault(); check(e.dataTransfer.files[0]); });
  }

  // ---- Keys.
  let gone = 0;
  const rows = () => $$("tr[data-row]").filter((r) => r.offsetParent !== null);
  function move(step) {
    const all = rows();
    if (!all.length) return;
    const from = all.findIndex((r) => r.classList.contains("at"));
    const to = from < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, from + step));
    all.forEach((r, i) => r.classList.toggle("at", i === to));
    const link = $("a.title, .what a, a", all[to]);
    link ? link.focus({ preventScroll: true }) : 0;
    all[to].scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") {
      const open = $("details.act[open], details.user[open]");
      if (open) { open.open = false; $("summary", open).focus(); }
      return;
    }
    if (e.ctrlKey || e.altKey || e.metaKey || e.isComposing || e.target.closest?.("input, select, textarea, [contenteditable], dialog[open]")) return;
    const dialog = $("dialog#keys");
    if (Date.now() - gone < 1500) {
      gone = 0;
      const link = $$(".menu a[data-go]").find((a) => a.dataset.go === e.key);
      if (link) { e.preventDefault(); link.click(); }
      return;
    }
    const does = {
      "/": () => $("#go")?.focus(),
      g: () => { gone = Date.now(); },
      j: () => move(1),
      k: () => move(-1),
      "?": () => (dialog ? dialog.showModal() : 0),
    }[e.key];
    if (does) { e.preventDefault(); does(); return; }
    const row = $("tr.at");
    if (e.key === "u" && row && $(".undo summary", row)) { e.preventDefault(); press($(".undo summary", row)); return; }
    const target = $$("[data-key]").find((t) => t.dataset.key === e.key);
    if (target) { e.preventDefault(); press(target); }
  });
})();
