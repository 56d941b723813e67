/** Puerts without Unreal: what its script environments have, for the package and the binding under test. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";

/** The package as gameplay code sees it; its types from the source, so that they need no bundle. */
export type Unreal = typeof import("../../../packages/unreal/src/index.js");

/** The binding core of Puerts. */
interface Puerts {
  load(path: string): string;
  loadType(name: string): unknown;
  declaration(): string;
}

/** A Puerts environment with the module of MoqPuerts in it. */
export interface PuertsHost {
  /** The classes that C++ registered, as `require("cpp")` gives them. */
  readonly cpp: { readonly [name: string]: new () => unknown };
  /** The types of the registered classes, as Puerts writes them. */
  declaration(): string;
}

const require = createRequire(import.meta.url);
const here = dirname(dirname(fileURLToPath(import.meta.url)));
const repository = join(here, "..", "..");

/** The published bundle of `@moq-game/unreal`. */
export const BUNDLE = join(repository, "packages", "unreal", "dist", "index.js");

let host: PuertsHost | undefined;

/**
 * Starts Puerts in this process, once. `MOQ_FFI_LIBRARY` may name the native library, `MOQ_PUERTS_API` how the binding
 * talks to the engine: `v8`, as in Unreal, or `pesapi`.
 */
export function puertsHost(): PuertsHost {
  if (host !== undefined) return host;
  process.env.MOQ_FFI_LIBRARY ??= join(
    repository,
    "packages/node-native/build/Release/libmoq_ffi.so",
  );
  const build = process.env.MOQ_PUERTS_DIR ?? join(here, "build");
  const puerts = require(join(build, "puerts_node.node")) as Puerts;
  const module = puerts.load(join(build, `libmoq_puerts_${process.env.MOQ_PUERTS_API ?? "v8"}.so`));
  const classes: Record<string, new () => unknown> = {};
  const cpp = new Proxy(classes, {
    get: (known, name: string) => {
      known[name] ??= puerts.loadType(`${module}.${name}`) as new () => unknown;
      return known[name];
    },
  });
  host = { cpp, declaration: () => puerts.declaration() };
  return host;
}

/** Runs a CommonJS file the way Puerts' loader does: nothing but these three and the globals. */
export function runModule(path: string, load: (name: string) => unknown): unknown {
  const run = runInThisContext(
    `(function (exports, require, module) {${readFileSync(path, "utf8")}\n})`,
    { filename: path },
  ) as (exports: object, require: (name: string) => unknown, module: object) => void;
  const module = { exports: {} };
  run(module.exports, load, module);
  return module.exports;
}

let loaded: Unreal | undefined;

/** `@moq-game/unreal` in the Puerts host. */
export function unreal(): Unreal {
  loaded ??= runModule(BUNDLE, (name) => {
    if (name === "cpp") return puertsHost().cpp;
    throw new Error(`the bundle requires ${name}`);
  }) as Unreal;
  return loaded;
}
