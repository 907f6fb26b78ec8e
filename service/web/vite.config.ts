import { defineConfig } from "vitest/config";
import { CONTAINER_PORT, RELAY_PATH } from "./src/contract.ts";

// The service that `npm run dev` forwards requests to. A built page calls the host that serves it.
const backend = process.env.BACKEND_URL ?? `http://127.0.0.1:${CONTAINER_PORT}`;

export default defineConfig({
  server: { proxy: { "/api": backend, [RELAY_PATH]: backend } },
  build: {
    target: "es2022",
    // Inlined assets would be data: URLs, which the content security policy forbids.
    assetsInlineLimit: 0,
    // Every browser that runs es2022 supports modulepreload.
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  worker: { format: "es" },
  test: { environment: "happy-dom", include: ["test/**/*.test.ts"] },
});
