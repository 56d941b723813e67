import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Delivery } from "@moq-game/core";
import type { Stage } from "../cell/stage.js";
import type { Load } from "../load.js";
import { NAMESPACE, TRACK } from "../roles/track.js";
import { type Contender, UDP } from "./contender.js";

/** A program of the Rust workspace, where tools/bench.mjs has built it. */
export function built(name: string): string {
  return join(process.env.MOQ_BENCH_PROGRAMS ?? ".", name);
}

export function missingProgram(name: string): string | undefined {
  return existsSync(built(name))
    ? undefined
    : `${name} is not built: run npm run bench from the top`;
}

/** Our clients in Node and the relay embedded in Node. */
export function node(delivery: Delivery, group?: number): Contender {
  const groups = group === undefined ? "" : ", a group per update";
  return {
    id: group === undefined ? `node-${delivery}` : "node-groups",
    label: `moq-game in Node, \`${delivery}\`${groups}`,
    headers: UDP,
    missing: () => undefined,
    async start(stage, order) {
      const load = { ...order, group: group ?? order.group };
      const { acks } = stage;
      const relay = await stage.role("server", "relay", { load, acks });
      const peer = {
        load,
        acks,
        delivery,
        url: String(relay.url),
        certificateHash: String(relay.certificateHash),
      };
      await stage.role("publisher", "node-publisher", peer);
      if (load.subscribers === 0) return;
      await stage.role("subscriber", "node-subscribers", peer);
    },
  };
}

/** Where Rust clients connect to. */
export interface RelayAddress {
  readonly url: string;
  readonly certificateHash: string;
}

/** `moq-game-relay` as a process. */
export async function startOurRelay(stage: Stage): Promise<RelayAddress> {
  const args = ["--listen", "127.0.0.1:0", "--http", "off", "--log", "info"];
  const relay = stage.spawn("server", built("moq-game-relay"), args);
  relay.tells = false;
  const url = (await relay.prints(/url\s+https:\S+/)).split(/\s+/)[1] ?? "";
  const certificateHash = (await relay.prints(/sha-256\s+[0-9a-f]{64}/)).split(/\s+/)[1] ?? "";
  return { url: url.replace("https:", "moqt:"), certificateHash };
}

/** Arguments of the Rust load generator for any relay. */
function loadArguments(
  stage: Stage,
  load: Load,
  delivery: Delivery,
  relay: RelayAddress,
): readonly string[] {
  return [
    ...["--url", relay.url, "--sha256", relay.certificateHash],
    ...["--track", `${NAMESPACE}/${TRACK}`, "--class", delivery, "--stdio"],
    ...["--size", `${load.size}`, "--rate", `${load.rate}`, "--group", `${load.group}`],
    ...["--window", `${load.window}`],
    ...(load.keyframe === undefined ? [] : ["--keyframe", `${load.keyframe}`]),
    ...(load.rate === 0 ? ["--acks", stage.acks] : []),
  ];
}

/** The Rust load generator through any relay. */
export async function startRustClients(
  stage: Stage,
  load: Load,
  delivery: Delivery,
  relay: RelayAddress,
): Promise<void> {
  const common = loadArguments(stage, load, delivery, relay);
  const program = built("moqt-bench");
  await stage.spawn("publisher", program, ["publish", ...common]).line("ready");
  const subscribers = ["--connections", `${load.subscribers}`];
  await stage.spawn("subscriber", program, ["subscribe", ...common, ...subscribers]).line("ready");
}

/** The Rust caller of our library and the relay as a process. */
export function rust(delivery: Delivery): Contender {
  return {
    id: `rust-${delivery}`,
    label: `moq-game in Rust, \`${delivery}\``,
    headers: UDP,
    missing: () => missingProgram("moqt-bench") ?? missingProgram("moq-game-relay"),
    start: async (stage, load) =>
      startRustClients(stage, load, delivery, await startOurRelay(stage)),
  };
}

/**
 * What the binding costs: relay and publisher are those of {@link rust}, and send what they send there; only the
 * subscribers are scripts in Node.
 */
export function binding(delivery: Delivery): Contender {
  return {
    id: `binding-${delivery}`,
    label: `the same, read in Node, \`${delivery}\``,
    headers: UDP,
    missing: () => missingProgram("moqt-bench") ?? missingProgram("moq-game-relay"),
    async start(stage, load) {
      const relay = await startOurRelay(stage);
      const args = ["publish", ...loadArguments(stage, load, delivery, relay)];
      await stage.spawn("publisher", built("moqt-bench"), args).line("ready");
      await stage.role("subscriber", "node-subscribers", {
        load,
        acks: stage.acks,
        delivery,
        ...relay,
      });
    },
  };
}
