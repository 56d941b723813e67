/** Requests with the answers that accept them, and what tests ask of a session. */
import { type OutgoingRequest, SessionError } from "../src/session/index.js";
import type { RequestMessage, ResponseMessage } from "../src/wire/index.js";
import { namespace, type Pair, track } from "./session-pair.js";

export const kindOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof SessionError) return error.kind;
    throw error;
  }
};

export const params = {};
export const properties = [{ type: 0x3800, value: 1 }];

/** Every request with an answer that accepts it. */
export const REQUESTS: [OutgoingRequest, ResponseMessage][] = [
  [
    { type: "subscribe", track: track("a", "t"), params },
    { type: "subscribe_ok", trackAlias: 1, params, properties },
  ],
  [
    { type: "publish", track: track("a", "t"), trackAlias: 2, params, properties },
    { type: "request_ok", params: { forward: true }, properties: [] },
  ],
  [
    {
      type: "fetch",
      range: {
        kind: "standalone",
        track: track("a", "t"),
        start: { group: 1, object: 0 },
        end: { group: 2, object: 0 },
      },
      params,
    },
    { type: "fetch_ok", endOfTrack: false, end: { group: 2, object: 0 }, params, properties },
  ],
  [
    { type: "track_status", track: track("a", "t"), params },
    { type: "request_ok", params: { largestObject: { group: 4, object: 1 } }, properties },
  ],
  [
    { type: "publish_namespace", namespace: namespace("a"), params },
    { type: "request_ok", params, properties: [] },
  ],
  [
    { type: "subscribe_namespace", namespace: namespace(), params },
    { type: "request_ok", params, properties: [] },
  ],
  [
    { type: "subscribe_tracks", namespace: namespace("a", "b"), params },
    { type: "request_ok", params, properties: [] },
  ],
];
export const CASES = REQUESTS.map(([request, ok]) => [request.type, request, ok] as const);

/** Whether a request stays open after it was accepted. */
export const stays = (type: RequestMessage["type"]) => type !== "track_status";

export function closedWith(pair: Pair, side: "client" | "server"): number | undefined {
  const [end] = pair[side].last("closed");
  return end.kind === "transport" ? undefined : end.code;
}
