// Running what was built for other platforms: qemu-user with Debian's arm64 libraries, and Wine.

import { existsSync } from "node:fs";
import { aptInstall } from "../debian.mjs";
import { say } from "../log.mjs";
import { firstLine } from "../run.mjs";

const ARM64_LIBRARIES = "/usr/aarch64-linux-gnu";
/** Debian's package does not put it on the path. */
const WINE = ["wine64", "/usr/lib/wine/wine64"];

async function qemu(env) {
  const there = () => firstLine("qemu-aarch64", ["--version"], env) !== undefined;
  if (!there()) await aptInstall("qemu-user", env);
  const libraries = () => existsSync(`${ARM64_LIBRARIES}/lib/libc.so.6`);
  if (!libraries()) await aptInstall("libc6-arm64-cross", env);
  if (there() && libraries()) return ["qemu-aarch64", "-L", ARM64_LIBRARIES];
  say('The arm64 library is not run: "apt-get install qemu-user libc6-arm64-cross".');
  return undefined;
}

async function wine(env) {
  const there = () => WINE.find((name) => firstLine(name, ["--version"], env) !== undefined);
  if (there() === undefined) await aptInstall("wine64", env);
  const found = there();
  if (found) return [found];
  say('The Windows library is not run: "apt-get install wine64".');
  return undefined;
}

/**
 * What starts a program of another platform, for the tests of cross-built archives: in MOQ_SDK_QEMU and MOQ_SDK_WINE,
 * as JSON lists of words. What cannot be had is said and left out.
 */
export async function withEmulators(env) {
  const found = { MOQ_SDK_QEMU: await qemu(env), MOQ_SDK_WINE: await wine(env) };
  const words = Object.entries(found).filter(([, command]) => command !== undefined);
  return {
    ...env,
    ...Object.fromEntries(words.map(([name, command]) => [name, JSON.stringify(command)])),
  };
}
