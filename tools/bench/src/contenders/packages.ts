/** Packages of others that are too heavy for everybody's installation: tools/lib/contenders.mjs keeps them in the cache. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/** The module through which it can be imported. */
function moduleOf(name: string): string {
  return join(process.env.MOQ_BENCH_CONTENDERS ?? ".", name, "index.mjs");
}

/**
 * How Node starts for a role. Packages of the moq-dev project need a newer C library than some systems have; where
 * tools/lib/contenders.mjs has found one beside the system's, their roles run with it.
 */
export function nodeCommand(role: string): readonly string[] {
  const loader = process.env.MOQ_BENCH_LOADER;
  const newer = role.startsWith("web-transport") || role.startsWith("moq-net");
  if (loader === undefined || !newer) return [process.execPath];
  return [loader, "--library-path", dirname(loader), process.execPath];
}

const found = new Map<string, string | undefined>();

/** Why it cannot be used. It is tried in a process of its own: native parts do not load everywhere. */
export function missingPackage(name: string): string | undefined {
  if (!found.has(name)) found.set(name, tryPackage(name));
  return found.get(name);
}

function tryPackage(name: string): string | undefined {
  const file = moduleOf(name);
  if (!existsSync(file)) return "its package is not installed";
  const script = `import(${JSON.stringify(pathToFileURL(file).href)}).then(() => process.exit(0))`;
  const [program = "", ...before] = nodeCommand(name);
  const { status, stderr } = spawnSync(program, [...before, "-e", script], { encoding: "utf8" });
  if (status === 0) return undefined;
  const glibc = /version `GLIBC_([\d.]+)' not found/.exec(stderr)?.[1];
  return glibc === undefined ? "its package does not load" : `its package needs glibc ${glibc}`;
}

export async function loadContender<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(moduleOf(name)).href)) as T;
}
