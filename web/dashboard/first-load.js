import { gzipSync } from "node:zlib";

/**
 * Prints what a browser loads, compressed, before it shows its first page, and
 * fails the build above a limit in kilobytes (1,000 bytes). It counts the page,
 * the entry and the first page's module with all that they import, their styles,
 * and the fonts of Latin texts.
 */
export function firstLoad({ page, most }) {
  return {
    name: "first-load",
    writeBundle(_options, bundle) {
      const files = new Set(["index.html"]);
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const add = (chunk) => {
        if (!chunk || files.has(chunk.fileName)) return;
        files.add(chunk.fileName);
        for (const css of chunk.viteMetadata?.importedCss ?? []) files.add(css);
        for (const name of chunk.imports) add(bundle[name]);
      };
      chunks.filter((chunk) => chunk.isEntry || chunk.facadeModuleId?.endsWith(page)).forEach(add);
      if (!chunks.some((chunk) => chunk.facadeModuleId?.endsWith(page))) this.error(`no chunk is made of ${page}`);
      for (const name of Object.keys(bundle)) {
        if (/-latin-wght-normal-[\w-]+\.woff2$/.test(name)) files.add(name);
      }
      let total = 0;
      for (const name of [...files].sort()) {
        const file = bundle[name];
        const bytes = Buffer.from(file.type === "chunk" ? file.code : file.source);
        const size = name.endsWith(".woff2") ? bytes.length : gzipSync(bytes, { level: 9 }).length;
        total += size;
        console.log(`  ${(size / 1000).toFixed(1).padStart(7)} kB  ${name}`);
      }
      console.log(`  ${(total / 1000).toFixed(1).padStart(7)} kB  first load, compressed; at most ${most}`);
      if (total > most * 1000) this.error(`the first load has ${Math.ceil(total / 1000)} kB: at most ${most}`);
    },
  };
}
