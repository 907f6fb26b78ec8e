/** A page of Cruddur. Its address is in the URL's hash, because the server serves one document, at `/`. */
export type Route =
  | { readonly page: "home" }
  | { readonly page: "notifications" }
  | { readonly page: "user"; readonly handle: string }
  | { readonly page: "search"; readonly term: string };

/** An API address: `path` with its query, and `template`, which is the same for every handle and term. */
export interface Endpoint {
  readonly path: string;
  readonly template: string;
}

/** Parse a location's hash; an unknown one is home. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = partition(hash.replace(/^#/, ""), "?");
  if (path === "/notifications") return { page: "notifications" };
  if (path === "/search") return { page: "search", term: new URLSearchParams(query).get("term") ?? "" };
  const handle = path.startsWith("/@") ? decode(path.slice(2)) : "";
  return handle ? { page: "user", handle } : { page: "home" };
}

/** Return the hash that `parseRoute` parses as `route`. */
export function hashOf(route: Route): string {
  switch (route.page) {
    case "user":
      return `#/@${encodeURIComponent(route.handle)}`;
    case "search":
      return route.term ? `#/search?${new URLSearchParams({ term: route.term })}` : "#/search";
    default:
      return `#/${route.page}`;
  }
}

/** Return the route's template, which has a low cardinality: it names no handle and no term. */
export function routeTemplate(route: Route): string {
  return route.page === "user" ? "/@{handle}" : `/${route.page}`;
}

/** Return the page's title. */
export function titleOf(route: Route): string {
  if (route.page === "user") return `@${route.handle}`;
  return { home: "Home", notifications: "Notifications", search: "Search" }[route.page];
}

/** Return the API endpoint that serves the activities of `route`. */
export function endpointOf(route: Route): Endpoint {
  const root = "/api/activities";
  switch (route.page) {
    case "user":
      return { path: `${root}/@${encodeURIComponent(route.handle)}`, template: `${root}/@{handle}` };
    case "search":
      return { path: `${root}/search?${new URLSearchParams({ term: route.term })}`, template: `${root}/search` };
    default:
      return { path: `${root}/${route.page}`, template: `${root}/${route.page}` };
  }
}

/** Return the page's URL without any query, which could hold a search term. */
export function pageUrl(address: Pick<Location, "origin" | "pathname" | "hash">): string {
  const [hash = ""] = partition(address.hash, "?");
  return address.origin + address.pathname + hash;
}

function partition(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
