// dist/index.js: one flat CommonJS file with the core in it, for a loader that knows neither "exports" nor
// nested packages. Beside it the types, which need nothing but what TypeScript 4.7 knows.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const core = join(here, "..", "core");

await build({
  entryPoints: [join(here, "src", "index.ts")],
  outfile: join(here, "dist", "index.js"),
  bundle: true,
  format: "cjs",
  // Has the names of exports written down where Node looks for them; nothing else changes.
  platform: "node",
  target: "es2021",
  // Private members are younger than ES2021 and in every engine of Puerts; without them reading is five times slower.
  supported: {
    "class-field": true,
    "class-private-accessor": true,
    "class-private-field": true,
    "class-private-method": true,
    "class-private-static-field": true,
    "class-private-static-method": true,
    "class-static-field": true,
  },
  // Puerts' own module with the classes that C++ registered.
  external: ["cpp"],
  sourcemap: "linked",
  legalComments: "none",
  logLevel: "warning",
});

/** Types of the core that users see. What TypeScript 4.7 cannot read must go. */
const CORE = {
  "api.d.ts": { from: "api.d.ts", drop: "    [Symbol.asyncDispose](): Promise<void>;\n" },
  "errors.d.ts": { from: "errors.d.ts" },
  "utf8.d.ts": { from: "wire/utf8.d.ts" },
};
/** Types of this package that users see: not how the client gets to native code. */
const OWN = [
  "index",
  "connect",
  "engine/events",
  "engine/pose",
  "engine/replication",
  "engine/types",
  "tick",
];

mkdirSync(join(here, "dist", "core"), { recursive: true });
mkdirSync(join(here, "dist", "engine"), { recursive: true });
for (const [name, { from, drop = "" }] of Object.entries(CORE)) {
  const text = readFileSync(join(core, "dist", from), "utf8").replace(/\n\/\/# source.*/, "");
  if (!text.includes(drop)) throw new Error(`${from} lacks ${JSON.stringify(drop)}`);
  const wanted = [...text.matchAll(/from "\.\/(.*)\.js"/g)].map((match) => `${match[1]}.d.ts`);
  const missing = wanted.filter((file) => !(file in CORE));
  if (missing.length > 0) throw new Error(`${name} needs ${missing.join(", ")} as well`);
  writeFileSync(join(here, "dist", "core", name), text.replace(drop, ""));
}
const all = Object.keys(CORE).map((name) => `export * from "./${name.slice(0, -5)}.js";\n`);
writeFileSync(join(here, "dist", "core", "index.d.ts"), all.join(""));
for (const name of OWN) {
  const text = readFileSync(join(here, "build", "types", `${name}.d.ts`), "utf8");
  const to = name.includes("/") ? "../core" : "./core";
  const own = text
    .replaceAll('"@moq-game/core/api"', `"${to}/api.js"`)
    .replace(/"@moq-game\/core(\/native)?"/g, `"${to}/index.js"`);
  writeFileSync(join(here, "dist", `${name}.d.ts`), own);
}
