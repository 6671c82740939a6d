import { firstLoad } from "./first-load.js";
import { defineConfig } from "vite";

// The output is committed and embedded in the Go binary, so building twice must
// give the same bytes: names come from contents, and nothing depends on the
// time, the machine or the folder.
export default defineConfig({
  base: "/",
  plugins: [firstLoad({ page: "src/pages/overview.tsx", most: 300 })],
  build: {
    outDir: "../../internal/dashboard/dist/dashboard",
    emptyOutDir: true,
    // Files instead of data: addresses, so that the content security policy can
    // keep them out.
    assetsInlineLimit: 0,
    // The bundle carries other people's work: their licences travel with it.
    license: { fileName: "licenses.md" },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      // Libraries mark client components for servers; there is none here.
      checks: { moduleLevelDirective: false },
    },
  },
  server: {
    // npm run dev beside a server on its default port.
    proxy: Object.fromEntries(
      ["/graphql", "/session", "/healthz", "/readyz"].map((path) => [path, { target: "http://127.0.0.1:8000", ws: true }]),
    ),
  },
});
