import { beforeEach, expect, it, vi } from "vitest";

beforeEach(() => {
  vi.resetModules();
  vi.unstubAllGlobals();
  localStorage.clear();
  sessionStorage.clear();
});

it("survives a reload", async () => {
  const before = await import("../src/identity");
  before.setUser("worf");
  const session = before.sessionId();
  expect(session).toMatch(/^[0-9a-f]{32}$/);
  vi.resetModules();
  const after = await import("../src/identity");
  expect(after.currentUser()).toBe("worf");
  expect(after.sessionId()).toBe(session);
});

it("lasts as long as the page where the browser blocks storage", async () => {
  const blocked = { get: (): never => { throw new DOMException("blocked", "SecurityError"); } };
  vi.stubGlobal("localStorage", new Proxy({}, blocked));
  vi.stubGlobal("sessionStorage", new Proxy({}, blocked));
  const identity = await import("../src/identity");
  expect(identity.currentUser()).toBe("");
  identity.setUser("garek");
  expect(identity.currentUser()).toBe("garek");
  expect(identity.sessionId()).toBe(identity.sessionId());
});
