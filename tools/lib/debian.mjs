// Programs that a test needs and a game does not: found, or installed with apt-get where we may.

import { say } from "./log.mjs";
import { firstLine, run } from "./run.mjs";
import { SetupError } from "./setup.mjs";

/** Whether packages can be installed without asking anyone: Debian or Ubuntu, and root. */
export function mayInstall(env = process.env) {
  return process.getuid?.() === 0 && firstLine("apt-get", ["--version"], env) !== undefined;
}

/** Installs a Debian package. Returns whether that worked. */
export async function aptInstall(debianPackage, env) {
  if (!mayInstall(env)) return false;
  say(`Installing ${debianPackage} with apt-get`);
  const apt = { env: { ...env, DEBIAN_FRONTEND: "noninteractive" }, quiet: "always" };
  // The lists may be missing (fresh containers) or old.
  await run("apt-get", ["update", "-q"], apt);
  const install = ["install", "-y", "-q", "--no-install-recommends", debianPackage];
  return (await run("apt-get", install, apt)).code === 0;
}

/** The first of `names` that runs; installs the Debian package of the first name when none does. */
export async function ensureProgram(debianPackage, names, env) {
  const found = () => names.find((name) => firstLine(name, ["--version"], env) !== undefined);
  const present = found();
  if (present) return present;
  await aptInstall(debianPackage, env);
  const installed = found();
  if (installed) return installed;
  throw new SetupError(
    `${names[0]} is needed: install it with "apt-get install ${debianPackage}".`,
  );
}
