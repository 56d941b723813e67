// The test of the SDK's archives for other platforms (test/sdk/src/cross.test.ts), with what it needs.

import { aptInstall } from "../debian.mjs";
import { vitest } from "../runners.mjs";
import { skip } from "../steps.mjs";
import { withEmulators } from "./emulators.mjs";

/** Compiling the release build for five platforms from nothing, and what emulators take. */
const CROSS_LIMIT_MS = 90 * 60_000;

/** Archives for every platform that Linux can build for; elsewhere the workflow builds each on its own system. */
export async function crossArchives(env) {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return skip("archives for other platforms are made on Linux x64.");
  }
  // Its sources, too, for the tests are compiled for other platforms.
  await aptInstall("libgtest-dev", env);
  return vitest(["sdk"], withEmulators, ["cross"], CROSS_LIMIT_MS)(env);
}
