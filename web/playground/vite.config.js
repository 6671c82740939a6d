import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

// The output is committed and embedded in the Go binary, so building twice must
// give the same bytes: names come from contents, and nothing depends on the
// time, the machine or the folder.
export default defineConfig({
  base: "/playground/",
  plugins: [notices()],
  build: {
    outDir: "../../internal/dashboard/playground",
    emptyOutDir: true,
    // Files instead of data: addresses, so that the content security policy can
    // keep them out.
    assetsInlineLimit: 0,
    // The bundle carries other people's work: their licences travel with it.
    license: { fileName: "licenses.md" },
    // The editor is one chunk of 2.8 MB (0.7 MB compressed), loaded after the page.
    chunkSizeWarningLimit: 3000,
    rolldownOptions: {
      // Libraries mark client components for servers; there is none here.
      checks: { moduleLevelDirective: false },
    },
  },
  worker: { format: "es" },
});

/** Licences that build.license does not see: what the editor contains, and a package of a worker alone. */
function notices() {
  const files = {
    "monaco-editor": "ThirdPartyNotices.txt",
    "picomatch-browser": "LICENSE",
  };
  return {
    name: "notices",
    generateBundle() {
      for (const [name, file] of Object.entries(files)) {
        const source = readFileSync(new URL(`node_modules/${name}/${file}`, import.meta.url));
        this.emitFile({ type: "asset", fileName: `notices/${name}.txt`, source });
      }
    },
  };
}
