import { describe, expect, it } from "vitest";
import { type Route, endpointOf, hashOf, pageRoute, pageUrl, routeOf } from "../src/routes";

const routes: [string, Route][] = [
  ["#/home", { page: "home" }],
  ["#/notifications", { page: "notifications" }],
  ["#/search", { page: "search", term: "" }],
  ["#/search?term=cloud+%26+fun", { page: "search", term: "cloud & fun" }],
  ["#/@worf", { page: "user", handle: "worf" }],
  ["#/@Andrew%20Brown", { page: "user", handle: "Andrew Brown" }],
];

describe("routes", () => {
  it.each(routes)("%s is read and written the same", (hash, route) => {
    expect(routeOf(hash)).toEqual(route);
    expect(hashOf(route)).toBe(hash);
  });

  it.each(["", "#", "#/", "#main", "#/nowhere", "#/@"])("%j is home", (hash) => {
    expect(routeOf(hash)).toEqual({ page: "home" });
  });

  it("survive an address that is not well-formed", () => {
    expect(routeOf("#/@100%")).toEqual({ page: "user", handle: "100%" });
  });

  it("have names of low cardinality for spans", () => {
    expect(routes.map(([, route]) => pageRoute(route))).toEqual([
      "/home",
      "/notifications",
      "/search",
      "/search",
      "/@{handle}",
      "/@{handle}",
    ]);
  });

  it("ask the API with everything encoded", () => {
    expect(endpointOf({ page: "user", handle: "a/b?c" })).toEqual({
      path: "/api/activities/@a%2Fb%3Fc",
      template: "/api/activities/@{handle}",
    });
    expect(endpointOf({ page: "search", term: "a&b" }).path).toBe("/api/activities/search?term=a%26b");
  });

  it("leave every query out of the address that spans carry", () => {
    const address = { origin: "https://cruddur.example", pathname: "/", hash: "#/search?term=secret" };
    expect(pageUrl(address)).toBe("https://cruddur.example/#/search");
  });
});
