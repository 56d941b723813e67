/** Scripts inside Unreal, in a Puerts host without the engine: test/unreal-host. */
import { existsSync } from "node:fs";
import type { Delivery } from "@moq-game/core";
import type { Stage } from "../cell/stage.js";
import type { Load } from "../load.js";
import type { Through } from "../roles/puerts-publisher.js";
import { type Contender, UDP } from "./contender.js";

function missing(): string | undefined {
  return existsSync(process.env.MOQ_PUERTS_DIR ?? "")
    ? undefined
    : "the Puerts host is not built: run npm run bench from the top";
}

/** A relay, and what all roles are told of it. */
async function relay(stage: Stage, load: Load) {
  const { url, certificateHash } = await stage.role("server", "relay", { load });
  return {
    load,
    url: String(url).replace(/^https:/, "moqt:"),
    certificateHash: String(certificateHash),
  };
}

/** `callback`: a binding that calls a script function for each object, instead of the package. */
export function puerts(delivery: Delivery, callback = false): Contender {
  return {
    id: `puerts-${callback ? "callback-" : ""}${delivery}`,
    label: callback
      ? `a Puerts binding with a call for each object, \`${delivery}\``
      : `@moq-game/unreal in a Puerts host, \`${delivery}\``,
    headers: UDP,
    missing,
    async start(stage, load) {
      const peer = {
        ...(await relay(stage, load)),
        delivery,
        callback,
        ...(load.rate === 0 ? { acks: stage.acks } : {}),
      };
      const publisher = load.tracks === undefined ? "node-publisher" : "tracks-publisher";
      await stage.role("publisher", publisher, peer);
      await stage.role("subscriber", "puerts-reader", peer);
    },
  };
}

const PUBLISHERS: Readonly<Record<Through, string>> = {
  package: "@moq-game/unreal in a Puerts host publishes, `latest`",
  native: "the native function of its binding alone, `latest`",
  refused: "as many calls that it refuses: what crossing costs",
  naive: "a Puerts binding that copies twice and sends each by itself, `latest`",
};

/** Scripts that publish. */
export const puertsPublishers: readonly Contender[] = (
  Object.entries(PUBLISHERS) as [Through, string][]
).map(([through, label]) => ({
  id: through === "package" ? "puerts-publish" : `puerts-publish-${through}`,
  label,
  headers: UDP,
  missing,
  async start(stage, load) {
    const peer = { ...(await relay(stage, load)), delivery: "latest", through };
    await stage.role("publisher", "puerts-publisher", peer);
    await stage.role("subscriber", "node-subscribers", peer);
  },
}));
