/// <reference types="vitest/config" />
import { defineConfig } from "vite";

// The bridge serves what is built: `dist/index.html` for every page, and `dist/assets/` under names that change with
// what is in them. Nothing is inlined, because the pages' Content-Security-Policy allows no inline script or style.
export default defineConfig({
  // The pages use what front ends are given to copy.
  resolve: { alias: { "@contract": new URL("../../../docs/contract", import.meta.url).pathname } },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    // Many small files take more over the wire than few: what three pages or more share is one, and so is how a payment looks.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "shared", test: /\.io|\/contract\/|\/src\/(model|net|parts|pages)\/.*\.tsx?$/, minShareCount: 3 },
            { name: "pay", test: /\/styles\/(pay|line|receipt|refunds)\.css$/ },
          ],
        },
      },
    },
  },
  // A test reads what the styles are. What hangs is ended, and nothing is because a machine is slow.
  test: { css: true, testTimeout: 300_000, hookTimeout: 300_000 },
  // For working on the pages: `npx vite` beside a bridge on port 8000.
  server: {
    proxy: {
      "/brand": { target: "http://127.0.0.1:8000", changeOrigin: true },
      "/api": { target: "http://127.0.0.1:8000", changeOrigin: true },
      "/socket.io": { target: "http://127.0.0.1:8000", changeOrigin: true, ws: true },
    },
  },
});
