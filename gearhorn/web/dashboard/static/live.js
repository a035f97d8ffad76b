// Keeps the page up to date: the server sends what stands between <main> and </main> anew whenever it has changed.
// Without this file the page is the same, and the reader reloads it.
"use strict";

(() => {
  const RETRY_MS = 5000;
  const main = document.querySelector("main[data-live]");
  const pulse = document.querySelector(".pulse");
  let source = null;
  let retry = 0;

  const tell = (state, text) => {
    pulse.dataset.state = state;
    pulse.textContent = text;
  };

  // Changes `old` into what `fresh` is and touches nothing that is the same: so the focus, a selection and what
  // somebody is typing stay.
  const become = (old, fresh) => {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    if (old.hasAttribute("data-keep")) return;
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of [...fresh.attributes]) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const before = [...old.childNodes];
    const after = [...fresh.childNodes];
    after.forEach((node, place) => {
      if (place < before.length) become(before[place], node);
      else old.append(node);
    });
    before.slice(after.length).forEach((node) => node.remove());
  };

  const show = (html) => {
    const fresh = new DOMParser().parseFromString(`<!doctype html><main>${html}</main>`, "text/html");
    const wanted = fresh.querySelector("main");
    for (const { name, value } of [...main.attributes]) wanted.setAttribute(name, value);
    become(main, document.importNode(wanted, true));
    const heading = main.querySelector("h1");
    if (heading) document.title = `${heading.textContent.trim()} · gearhorn`;
  };

  const connect = () => {
    clearTimeout(retry);
    if (source || document.hidden) return;
    const url = new URL(location.href);
    url.searchParams.set("format", "events");
    source = new EventSource(url);
    source.addEventListener("open", () => tell("live", "live"));
    source.addEventListener("page", (event) => {
      tell("live", "live");
      show(event.data);
    });
    source.addEventListener("error", () => {
      tell("lost", "connection lost, trying again");
      if (source.readyState === EventSource.CLOSED) {
        disconnect();
        retry = setTimeout(connect, RETRY_MS);
      }
    });
  };

  // Who does not look needs no news; the server then asks nobody.
  const disconnect = () => {
    if (source) source.close();
    source = null;
    clearTimeout(retry);
  };

  if (!main || !pulse || !window.EventSource) return;
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
  connect();
})();
