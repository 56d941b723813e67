// The contract suite in a Puerts host on another Node, such as one with exactly Unreal's engine:
//   node unreal-engine.mjs PROGRAM      PROGRAM is that Node; MOQ_PUERTS_DIR names the host that was built for it.
// The relay runs here, for its addon needs a newer Node than Unreal's engine is; both sides of a case run there.

import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startRelay } from "@moq-game/node-native";
import { build } from "esbuild";
import { makeCertificate } from "../../../tools/certificate.mjs";

const [program] = process.argv.slice(2);
if (program === undefined) throw new Error("usage: unreal-engine.mjs PROGRAM");

const folder = mkdtempSync(join(tmpdir(), "moq-game-unreal-"));
const { cert, key } = makeCertificate(folder);
const start = (port) => startRelay({ listen: `127.0.0.1:${port}`, certificate: cert, key });
let relay = await start(0);

// What plays the cases, in the language of that Node. The bundle under test is read as it is published.
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const player = here("../dist/unreal-engine-child.mjs");
await build({
  entryPoints: [here("./unreal-engine-child.mjs")],
  outfile: player,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node14.8",
  logLevel: "warning",
});
const child = fork(player, [], { execPath: program });
child.on("message", async (message) => {
  if (message !== "restart") return;
  const { port } = relay;
  await relay.close();
  relay = await start(port);
  child.send("restarted");
});
child.send({ url: relay.url.replace(/^https:/, "moqt:"), hash: relay.certificateHash });
const code = await new Promise((resolve) => child.on("exit", (status) => resolve(status ?? 1)));
await relay.close();
rmSync(folder, { recursive: true });
process.exit(code);
