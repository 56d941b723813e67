// cargo deny: licences, sources and versions of what we depend on, and known vulnerabilities.

import { withCargoTool } from "./cargo-tools.mjs";
import { noCounts } from "./counts.mjs";
import { say } from "./log.mjs";
import { run } from "./run.mjs";
import { finish, native } from "./runners.mjs";
import { skip } from "./steps.mjs";

const LIMIT_MS = 5 * 60_000;

/** The rules are in native/deny.toml. */
export async function deny(env) {
  const tools = await withCargoTool("cargo-deny", env);
  if (tools === undefined) return skip("no cargo-deny.");
  const check = async (name) => {
    const args = ["deny", "--all-features", "--locked", "check", "--hide-inclusion-graph", name];
    return run("cargo", args, { cwd: native, env: tools, timeoutMs: LIMIT_MS });
  };
  const counts = { ...noCounts(), outcomes: new Map() };
  for (const name of ["licenses", "bans", "sources"]) {
    const result = await check(name);
    counts.outcomes.set(name, result.code === 0);
    if (result.code === 0) counts.passed += 1;
    else counts.failed += 1;
  }
  const advisories = await check("advisories");
  if (
    advisories.code !== 0 &&
    /fetch|clone|network|resolve|connect/i.test(firstError(advisories))
  ) {
    counts.skipped += 1;
    counts.why = "advisories: the database of RustSec could not be fetched from here.";
    say(`skipped: ${counts.why}`);
  } else {
    counts.outcomes.set("advisories", advisories.code === 0);
    if (advisories.code === 0) counts.passed += 1;
    else counts.failed += 1;
  }
  const { outcomes } = counts;
  const done = finish({ code: counts.failed }, counts, "cargo deny");
  done.outcomes = outcomes;
  return done;
}

function firstError({ output }) {
  return output.split("\n").find((line) => /ERROR|^error/.test(line)) ?? "";
}
