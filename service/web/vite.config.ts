import { defineConfig } from "vitest/config";

// Where `npm run dev` finds the service; the built page asks the host that served it.
const backend = process.env.BACKEND_URL ?? "http://127.0.0.1:4567";

export default defineConfig({
  server: { proxy: { "/api": backend, "/v1": backend } },
  build: {
    target: "es2022",
    // An inlined asset would be a data: URL, which the content security policy forbids.
    assetsInlineLimit: 0,
    // Every browser that runs es2022 knows modulepreload.
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  worker: { format: "es" },
  test: { environment: "happy-dom", include: ["test/**/*.test.ts"] },
});
