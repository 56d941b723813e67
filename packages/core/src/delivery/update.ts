import type { StreamId } from "../transport.js";
import { ObjectStatus } from "../wire/object.js";
import type { SenderConfig } from "./sender.js";
import type { SourceObject } from "./source.js";

/**
 * Sends an update that is its own group on its own stream, FIN included. `undefined`: no stream
 * credit; `blockedBytes` above 0: that much waits in the session for the network.
 */
export function openUpdate(
  config: SenderConfig,
  update: SourceObject,
  priority: number,
): { readonly stream: StreamId; readonly blockedBytes: number } | undefined {
  const stream = config.session.openSubgroup(
    {
      trackAlias: config.trackAlias,
      group: update.group,
      subgroup: 0,
      hasProperties: update.properties.byteLength > 0,
      endOfGroup: true,
      firstObject: update.object === 0,
    },
    priority,
  );
  if (stream === undefined) return undefined;
  config.onStream(stream, true);
  const result = config.session.writeObject(stream, {
    object: update.object,
    status: ObjectStatus.Normal,
    properties: update.properties,
    payload: update.payload,
  });
  config.session.finishStream(stream);
  const blockedBytes = result === "blocked" ? Math.max(1, update.payload.byteLength) : 0;
  return { stream, blockedBytes };
}
