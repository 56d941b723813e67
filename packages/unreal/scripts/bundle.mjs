// dist/index.js: one flat CommonJS file of ES2021 with the core in it, for a loader that knows neither "exports" nor
// nested packages. Beside it the types, which need nothing but what TypeScript 4.7 knows.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { plainMembers } from "./plain-members.mjs";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const core = join(here, "..", "core");

const outfile = join(here, "dist", "index.js");
const { outputFiles } = await build({
  entryPoints: [join(here, "src", "index.ts")],
  outfile,
  bundle: true,
  write: false,
  format: "cjs",
  platform: "node",
  // As it is written; it is made older below.
  target: "esnext",
  // Puerts' own module with the classes that C++ registered.
  external: ["cpp"],
  sourcemap: "external",
  legalComments: "none",
  logLevel: "warning",
});
const [map, bundle] = [".map", ".js"].map((end) => {
  return outputFiles.find(({ path }) => path.endsWith(end)).text;
});

/** The names of exports, written down where Node looks for them; dead code, which the second step would leave out. */
const [exportNames] = /^0 && \(module\.exports = \{[^}]*\}\);$/m.exec(bundle) ?? [];
if (exportNames === undefined) throw new Error("esbuild wrote no names of exports.");
const inline = Buffer.from(map).toString("base64");
const plain = `${plainMembers(bundle)}\n//# sourceMappingURL=data:application/json;base64,${inline}`;
const older = await transform(plain, {
  // ES2021 without its newest syntax (`??=`, `||=`, `&&=`): the oldest V8 of Puerts, 8.4, lacks just that.
  target: "es2020",
  platform: "node",
  // Fields become assignments in the constructor. Defined one by one, as of JavaScript, they make reading slower, and
  // so do private ones that `{ ...object }` does not see.
  loader: "ts",
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  sourcefile: "index.js",
  sourcemap: "external",
  legalComments: "none",
  logLevel: "warning",
  footer: exportNames,
});
mkdirSync(dirname(outfile), { recursive: true });
writeFileSync(outfile, `${older.code.trimEnd()}\n//# sourceMappingURL=index.js.map\n`);
writeFileSync(`${outfile}.map`, older.map);

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
  "engine/rotation",
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
