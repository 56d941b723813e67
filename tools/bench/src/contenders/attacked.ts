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
      const attacker = stage.spawn("attacker", built("moqt-bench"), [
        ...args,
        ...["--track", "bench/cell/updates", "--seconds", "600"],
      ]);
      await attacker.line("attacking");
      attacker.tells = false;
    },
  };
}
