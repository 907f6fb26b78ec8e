/** A page of Cruddur. The address keeps it behind the `#`: the server serves one document, at `/`. */
export type Route =
  | { readonly page: "home" }
  | { readonly page: "notifications" }
  | { readonly page: "user"; readonly handle: string }
  | { readonly page: "search"; readonly term: string };

/** What the API is asked: `path` with its query, and `template`, which is the same for every handle and term. */
export interface Endpoint {
  readonly path: string;
  readonly template: string;
}

/** Return the route that a location's hash names; home where it names none. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = split(hash.replace(/^#/, ""), "?");
  if (path === "/notifications") return { page: "notifications" };
  if (path === "/search") return { page: "search", term: new URLSearchParams(query).get("term") ?? "" };
  const handle = path.startsWith("/@") ? decoded(path.slice(2)) : "";
  return handle ? { page: "user", handle } : { page: "home" };
}

/** Return the hash that `routeOf` reads as `route`. */
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

/** Return the name that spans know the page by: low in cardinality, so without the handle. */
export function pageRoute(route: Route): string {
  return route.page === "user" ? "/@{handle}" : `/${route.page}`;
}

/** Return the page's title. */
export function titleOf(route: Route): string {
  if (route.page === "user") return `@${route.handle}`;
  return { home: "Home", notifications: "Notifications", search: "Search" }[route.page];
}

/** Return what the API is asked for `route`. */
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

/** Return the address of the page without any query, as spans carry it. */
export function pageUrl(address: Pick<Location, "origin" | "pathname" | "hash">): string {
  const [hash = ""] = split(address.hash, "?");
  return address.origin + address.pathname + hash;
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
