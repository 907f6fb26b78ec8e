// Send every kind of request that a page can send to each target, and return what the page learns.
async (targets) => {
  const SECONDS = 20; // long enough for a machine under load
  const within = (promise) =>
    Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve("nothing"), SECONDS * 1000))]);

  const fetched = async (url, options) => {
    try {
      const response = await fetch(url, options);
      return response.type === "opaque" ? "opaque" : `${response.status} ${await response.text()}`;
    } catch {
      return "blocked";
    }
  };
  const element = (tag, properties) =>
    new Promise((resolve) => {
      const created = Object.assign(document.createElement(tag), properties);
      created.onload = () => resolve(`loaded ${created.contentDocument?.body?.innerText ?? ""}`.trim());
      created.onerror = () => resolve("blocked");
      document.body.append(created);
    });
  const form = (url, method, fields, enctype) => {
    const name = `frame-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
    const frame = element("iframe", { name });
    const sender = Object.assign(document.createElement("form"), { action: url, method, enctype, target: name });
    for (const [key, value] of Object.entries(fields)) {
      sender.append(Object.assign(document.createElement("input"), { name: key, value }));
    }
    document.body.append(sender);
    sender.submit();
    return frame;
  };
  const connection = (create) =>
    new Promise((resolve) => {
      const created = create();
      created.onopen = () => resolve("open");
      created.onmessage = () => resolve("open");
      created.onerror = () => { created.close(); resolve("blocked"); };
    });

  const ways = {
    "fetch": ({ url }) => fetched(url),
    "fetch with credentials": ({ url }) => fetched(url, { credentials: "include" }),
    "fetch without CORS": ({ url }) => fetched(url, { mode: "no-cors" }),
    "post": ({ url, body }) => fetched(url, { method: "POST", body }),
    "post without CORS": ({ url, body }) => fetched(url, { method: "POST", body, mode: "no-cors" }),
    "post a form without CORS": ({ url, fields }) =>
      fetched(url, { method: "POST", body: new URLSearchParams(fields), mode: "no-cors" }),
    "post with a preflight": ({ url, body, headers }) => fetched(url, { method: "POST", body, headers }),
    "put with a preflight": ({ url, body }) => fetched(url, { method: "PUT", body }),
    "delete with a preflight": ({ url }) => fetched(url, { method: "DELETE" }),
    "beacon": async ({ url, body }) => (navigator.sendBeacon(url, body) ? "sent" : "blocked"),
    "image": ({ url }) => element("img", { src: url }),
    "script": ({ url }) => element("script", { src: url }),
    "module": ({ url }) => element("script", { src: url, type: "module" }),
    "stylesheet": ({ url }) => element("link", { href: url, rel: "stylesheet" }),
    "frame": ({ url }) => element("iframe", { src: url }),
    "form": ({ url, fields }) => form(url, "POST", fields, "application/x-www-form-urlencoded"),
    "form as text": ({ url, body }) => form(url, "POST", { [body]: "" }, "text/plain"),
    "form by GET": ({ url, fields }) => form(url, "GET", fields, "application/x-www-form-urlencoded"),
    "WebSocket": ({ url }) => connection(() => new WebSocket(url.replace("http:", "ws:"))),
    "EventSource": ({ url }) => connection(() => new EventSource(url)),
  };
  const results = [];
  const origins = new Set();
  for (const target of targets) {
    const { origin } = new URL(target.url);
    // The browser delays a WebSocket after others to the same server have failed, so one for each server.
    const sent = Object.entries(ways).filter(([way]) => way !== "WebSocket" || !origins.has(origin));
    origins.add(origin);
    results.push(...await Promise.all(
      sent.map(async ([way, send]) => [`${way} ${target.url}`, await within(send(target))]),
    ));
  }
  return results;
}
