// npm run demo: builds what changed, then runs the arena's backend. Arguments are passed on; progress goes to stderr,
// so that stdout is the demonstration's own (its last line is a JSON summary with --headless).

import { spawn } from "node:child_process";
import { join } from "node:path";
import { buildAll } from "./build.mjs";
import { dim, logToStderr, say, seconds } from "./lib/log.mjs";
import { root } from "./lib/paths.mjs";
import { main, setUp } from "./lib/setup.mjs";

logToStderr();
main(async () => {
  const started = Date.now();
  const args = process.argv.slice(2);
  const env = await setUp();
  await buildAll(env);
  say(dim(`ready in ${seconds(Date.now() - started)}, starting the arena`));

  const entry = join(root, "examples", "arena", "dist", "backend", "main.js");
  const child = spawn(process.execPath, [entry, ...args], { stdio: "inherit", env, cwd: root });
  // Ctrl-C reaches the whole process group; a signal sent to us alone has to be passed on.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  process.exitCode = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 0 : 1)));
  });
});
