import { describe, expect, it } from "vitest";
import { type Route, endpointOf, hashOf, routeTemplate, pageUrl, parseRoute } from "../src/routes";

const routes: [string, Route][] = [
  ["#/home", { page: "home" }],
  ["#/notifications", { page: "notifications" }],
  ["#/search", { page: "search", term: "" }],
  ["#/search?term=cloud+%26+fun", { page: "search", term: "cloud & fun" }],
  ["#/@worf", { page: "user", handle: "worf" }],
  ["#/@Andrew%20Brown", { page: "user", handle: "Andrew Brown" }],
];

describe("routes", () => {
  it.each(routes)("%s is parsed and formatted alike", (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
    expect(hashOf(route)).toBe(hash);
  });

  it.each(["", "#", "#/", "#main", "#/nowhere", "#/@"])("%j is the home page", (hash) => {
    expect(parseRoute(hash)).toEqual({ page: "home" });
  });

  it("may have an invalid percent-encoding", () => {
    expect(parseRoute("#/@100%")).toEqual({ page: "user", handle: "100%" });
  });

  it("have templates of low cardinality", () => {
    expect(routes.map(([, route]) => routeTemplate(route))).toEqual([
      "/home",
      "/notifications",
      "/search",
      "/search",
      "/@{handle}",
      "/@{handle}",
    ]);
  });

  it("encode the parameters of their endpoints", () => {
    expect(endpointOf({ page: "user", handle: "a/b?c" })).toEqual({
      path: "/api/activities/@a%2Fb%3Fc",
      template: "/api/activities/@{handle}",
    });
    expect(endpointOf({ page: "search", term: "a&b" }).path).toBe("/api/activities/search?term=a%26b");
  });

  it("have page URLs without a query", () => {
    const address = { origin: "https://cruddur.example", pathname: "/", hash: "#/search?term=secret" };
    expect(pageUrl(address)).toBe("https://cruddur.example/#/search");
  });
});
