/** Our relay with well-behaved clients, and somebody who floods it. */
import { spawnSync } from "node:child_process";
import { type Contender, UDP } from "./contender.js";
import { built, missingProgram, startOurRelay, startRustClients } from "./ours.js";

/** Kinds of `moqt-bench attack`. */
export const ATTACKS = [
  "streams",
  "datagrams",
  "subscribe",
  "fetch",
  "slow-read",
  "garbage",
  "reconnect",
  "handshakes",
  "mixed",
] as const;

const LOWEST_PRIORITY = process.platform === "win32" ? [] : ["nice", "-n", "19"];

export function attacked(kind: string): Contender {
  return {
    id: `attacked-${kind}`,
    label: `under attack: ${kind}`,
    headers: UDP,
    missing() {
      const lacks = missingProgram("moqt-bench") ?? missingProgram("moq-game-relay");
      if (lacks !== undefined) return lacks;
      const { status } = spawnSync(built("moqt-bench"), ["attack", "--help"]);
      return status === 0 ? undefined : "moqt-bench has no attacks";
    },
    async start(stage, load) {
      const relay = await startOurRelay(stage);
      await startRustClients(stage, load, "reliable", relay);
      const args = [
        "attack",
        "--kind",
        kind,
        "--url",
        relay.url,
        "--sha256",
        relay.certificateHash,
      ];
      // An attacker has a machine of its own: here it gets what the others leave of the processors.
      const [program = "", ...before] = [...LOWEST_PRIORITY, built("moqt-bench")];
      const attacker = stage.spawn("attacker", program, [
        ...before,
        ...args,
        ...["--track", "bench/cell/updates", "--seconds", "600"],
      ]);
      await attacker.line("attacking");
      attacker.tells = false;
    },
  };
}
