// Bundles the verifier into one HTML file that needs nothing else: `npm run build:verifier [OUTPUT]`.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const output = process.argv[2] ?? join(here, "..", "verify.html");
const bundle = async (name) => {
  const made = await build({
    entryPoints: [join(here, name)],
    bundle: true,
    charset: "utf8",
    format: "iife",
    legalComments: "inline",
    minify: true,
    target: "es2020",
    write: false,
  });
  return made.outputFiles[0].text.trim();
};
const hash = (text) => `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`;

const [page, script, style] = await Promise.all([
  readFile(join(here, "page.html"), "utf8"), bundle("page.js"), bundle("page.css")]);
const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data: blob:; form-action 'none'; base-uri 'none'`;
const pieces = { "{{policy}}": policy, "{{style}}": style, "{{script}}": script };
await writeFile(output, page.replace(/\{\{(policy|style|script)\}\}/g, (name) => pieces[name]));
