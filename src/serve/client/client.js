// Keeps an open page up with the site: styles swap in place, everything else is morphed, and what
// is wrong is shown over the last good page.
(() => {
  const own = document.currentScript;
  let at = own.dataset.at;
  let panel;

  const here = () => location.pathname + location.search;
  const ask = (what) => fetch(`/_frieze/${what}?path=${encodeURIComponent(here())}`, { cache: "no-store" });

  // Listening. A browser opens few connections to one server, so one tab listens for all of them:
  // the one that holds the lock. When it goes, the next one takes over.
  let leave = () => {};
  function listen() {
    if (!navigator.locks || !window.BroadcastChannel) return listenWhileSeen();
    const channel = new BroadcastChannel("frieze");
    const aborted = new AbortController();
    let heard = null;
    const say = () => heard && channel.postMessage({ kind: "at", at: heard });
    channel.onmessage = ({ data }) => (data === "who" ? say() : take(data));
    channel.postMessage("who");
    // The page that was here before gives the lock back a moment after this one began; whoever asks
    // for it while that page still has it keeps the browser from keeping that page for the way back.
    const lock = () => navigator.locks.request("frieze", { signal: aborted.signal }, () => new Promise((done) => {
      if (aborted.signal.aborted) return done();
      heard = at;
      const close = connect((event) => {
        if (event.at) heard = event.at;
        channel.postMessage(event);
        take(event);
      });
      say();
      leave = () => { close(); channel.close(); done(); };
    })).catch(() => {});
    const waiting = setTimeout(lock, 200);
    leave = () => { clearTimeout(waiting); aborted.abort(); channel.close(); };
  }

  // Where tabs cannot agree, as over the network without encryption, each listens while it is seen.
  function listenWhileSeen() {
    let close = null;
    const look = () => {
      if (!document.hidden) close ??= connect(take);
      else if (close) close = void close();
    };
    document.addEventListener("visibilitychange", look);
    leave = () => { document.removeEventListener("visibilitychange", look); close?.(); };
    look();
  }

  function connect(tell) {
    let events, waiting;
    const open = () => {
      events = new EventSource(`/_frieze/events?${new URLSearchParams({ at })}`);
      events.onmessage = (message) => tell(JSON.parse(message.data));
      // What the browser gave up on is tried again; the page may have changed meanwhile.
      events.onerror = () => {
        if (events.readyState === EventSource.CLOSED) waiting = setTimeout(open, 500);
      };
    };
    open();
    return () => { clearTimeout(waiting); events.close(); };
  }

  let queue = Promise.resolve();
  function take(event) {
    queue = queue.then(() => handle(event)).catch((error) => console.warn("frieze:", error));
  }

  async function handle(event) {
    // Another tab's state: where it is this one's, nothing was missed.
    if (event.kind === "at" && event.at === at) return;
    if (event.at) at = event.at;
    if (event.kind === "swap") await Promise.all(event.files.map(([from, to]) => swap(from, to)));
    else if (event.kind !== "fault") await renew();
    await faults();
    document.dispatchEvent(new CustomEvent("frieze:changed", { detail: event.kind === "at" ? "page" : event.kind }));
  }

  // The new style sheet takes over when it is there, so that nothing flashes.
  function swap(from, to) {
    const sheets = [...document.querySelectorAll("link[rel~=stylesheet]")];
    const loads = sheets.filter((link) => link.getAttribute("href") === from).map((link) => new Promise((done) => {
      const next = link.cloneNode();
      next.href = to;
      next.onload = next.onerror = () => { link.remove(); done(); };
      link.after(next);
    }));
    for (const element of document.querySelectorAll(`[src="${from}"], [href="${from}"]`)) {
      if (element.matches("link[rel~=stylesheet]")) continue;
      for (const name of ["src", "href"]) if (element.getAttribute(name) === from) element.setAttribute(name, to);
    }
    return Promise.all(loads);
  }

  async function renew() {
    const response = await fetch(location.href, { cache: "no-store", headers: { Accept: "text/html" } });
    if (!response.headers.get("content-type")?.startsWith("text/html")) return;
    // The server is there, and the site is not yet: it will say when.
    if (response.status === 503) return;
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    // Where scripts run, what is inside is text.
    for (const element of next.querySelectorAll("noscript")) element.textContent = element.innerHTML;
    // The page's policy knows only the scripts and styles it came with.
    if (runs(document) !== runs(next)) return location.reload();
    const script = [...next.scripts].find(ours);
    morph(document.documentElement, next.documentElement);
    if (script) at = script.dataset.at;
    await near(script?.dataset.missing !== undefined);
  }

  function runs(page) {
    const running = [...page.querySelectorAll("script, style")].filter((element) =>
      !ours(element) && !/json/.test(element.type));
    return running.map((element) => `${element.tagName} ${element.getAttribute("src")} ${element.textContent}`).join("\n");
  }

  const ours = (node) =>
    node.nodeName === "FRIEZE-DEV" || (node.nodeName === "SCRIPT" && node.getAttribute("src") === "/_frieze/client.js");

  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");

  function morph(from, to) {
    if (from.nodeType !== Node.ELEMENT_NODE) {
      if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
      return;
    }
    if (ours(from) || from.isEqualNode(to)) return;
    attributes(from, to);
    if (from.nodeName === "TEMPLATE") return void (from.innerHTML = to.innerHTML);
    if (from.nodeName === "TEXTAREA" && from.value !== from.defaultValue) return;
    children(from, to);
  }

  function attributes(from, to) {
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    // What scripts and people set on the page as a whole, or open, stays.
    if (from.matches("html, body")) return;
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && !(name === "open" && from.matches("details, dialog"))) from.removeAttribute(name);
    }
  }

  // What is moved by `moveBefore` keeps its focus and its state.
  const put = (parent, node, place) =>
    (node.isConnected && parent.moveBefore ? parent.moveBefore(node, place) : parent.insertBefore(node, place));

  function children(from, to) {
    const named = new Map([...from.children].filter((child) => child.id).map((child) => [child.id, child]));
    const coming = [...to.childNodes].filter((next) => !ours(next));
    let place = from.firstChild;
    coming.forEach((next, index) => {
      while (place && ours(place)) place = place.nextSibling;
      const found = next.id && named.has(next.id) && alike(named.get(next.id), next)
        ? named.get(next.id)
        : same(place, next);
      named.delete(next.id);
      if (!found) {
        put(from, document.importNode(next, true), place);
        return;
      }
      // What stands before it and is not wanted goes, rather than that this one moves.
      while (place && follows(place, found) && !ours(place) && !wanted(place, coming, index)) {
        const gone = place;
        place = place.nextSibling;
        gone.remove();
      }
      if (found === place) place = place.nextSibling;
      else put(from, found, place);
      morph(found, next);
    });
    while (place) {
      const rest = place;
      place = place.nextSibling;
      if (!ours(rest)) rest.remove();
    }
  }

  const follows = (one, other) => one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;

  // So far ahead it is looked for what is the same.
  const AHEAD = 12;

  function wanted(node, coming, index) {
    return coming.slice(index + 1, index + 1 + AHEAD).some((next) =>
      (node.id && node.id === next.id) || node.isEqualNode(next));
  }

  // One that is the same a little further on, so that what is inserted moves nothing else; or the
  // one that stands here.
  function same(place, next) {
    for (let other = place, ahead = 0; other && ahead < AHEAD; other = other.nextSibling, ahead += 1) {
      if (!ours(other) && other.isEqualNode(next)) return other;
    }
    return place && alike(place, next) && !ours(place) ? place : null;
  }

  async function faults() {
    const response = await ask("fault");
    await show("fault", response.status === 200 ? await response.text() : "");
  }

  async function near(missing) {
    const response = missing && (await ask("near"));
    await show("near", response && response.status === 200 ? await response.text() : "");
  }

  let sheet;
  async function styled() {
    const text = await (await fetch("/_frieze/frieze.css")).text();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  }

  async function show(kind, html) {
    if (!panel && !html) return;
    sheet ??= styled();
    const known = await sheet.catch(() => (sheet = undefined));
    if (!panel?.isConnected) {
      panel = document.createElement("frieze-dev");
      panel.attachShadow({ mode: "open" });
      document.documentElement.append(panel);
    }
    const root = panel.shadowRoot;
    if (known) root.adoptedStyleSheets = [known];
    const before = root.querySelector(`.${kind}s`);
    if (!html) before?.remove();
    else if (!before || before.said !== html) {
      before?.remove();
      root.append(opened(kind, html));
    }
    tidy();
  }

  function tidy() {
    if (!panel?.shadowRoot.querySelector(".panel")) panel?.remove();
  }

  function opened(kind, html) {
    const section = document.createElement("section");
    section.className = `panel ${kind}s`;
    section.said = html;
    section.setAttribute("role", kind === "fault" ? "alert" : "status");
    section.innerHTML = `<button type="button" aria-label="Close">×</button>${html}`;
    section.querySelector("button").onclick = () => { section.remove(); tidy(); };
    // What is wider than the panel can be scrolled without a mouse, too.
    for (const wide of section.querySelectorAll("pre")) wide.tabIndex = 0;
    return section;
  }

  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    panel?.shadowRoot.querySelectorAll(".panel").forEach((open) => open.remove());
    tidy();
  });
  // Nothing stays open, so that the browser can keep the page for the way back.
  addEventListener("pagehide", () => leave());
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); take({ kind: "page" }); } });

  listen();
  queue = queue.then(faults).then(() => near(own.dataset.missing !== undefined)).catch(() => {});
})();
