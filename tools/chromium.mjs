// Chromium for the browser tests: found, or Debian's package (as root), or Playwright's download.

import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { aptInstall } from "./lib/debian.mjs";
import { say } from "./lib/log.mjs";
import { root } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { main, SetupError } from "./lib/setup.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const MAC = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/**
 * Command-line switches with which headless Chromium runs as root, in containers, and without talking to anyone.
 * No QUIC switch is needed: pages pass `serverCertificateHashes`.
 */
export const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function playwrightDirectory() {
  // Only the browser tests depend on playwright-core: ask from there.
  return createRequire(join(root, "test", "browser", "package.json"));
}

function playwrightChromium() {
  try {
    return playwrightDirectory()("playwright-core").chromium.executablePath();
  } catch {
    return undefined;
  }
}

/** The path of a Chromium, or undefined. `MOQ_CHROMIUM` names one and wins. */
export function findChromium(env = process.env) {
  if (env.MOQ_CHROMIUM) {
    if (isProgram(env.MOQ_CHROMIUM)) return env.MOQ_CHROMIUM;
    throw new SetupError(`MOQ_CHROMIUM: ${env.MOQ_CHROMIUM} is not a program that can be run.`);
  }
  const folders = (env.PATH ?? "").split(delimiter).filter(Boolean);
  const candidates = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  if (process.platform === "darwin") candidates.push(...MAC);
  const downloaded = playwrightChromium();
  if (downloaded) candidates.push(downloaded);
  return candidates.find(isProgram);
}

/** As `findChromium`, but installs one when there is none. Throws one actionable line when that fails. */
export async function ensureChromium(env = process.env) {
  const present = findChromium(env);
  if (present) return present;
  await aptInstall("chromium", env);
  const packaged = findChromium(env);
  if (packaged) return packaged;
  say("Downloading Chromium with Playwright");
  const cli = join(playwrightDirectory().resolve("playwright-core/package.json"), "..", "cli.js");
  await run(process.execPath, [cli, "install", "chromium"], { env });
  const downloaded = findChromium(env);
  if (downloaded) return downloaded;
  throw new SetupError(
    'the browser tests need Chromium: install it ("apt-get install chromium" on Debian) or set MOQ_CHROMIUM to its path.',
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(async () => say(await ensureChromium()));
}
