import { RequestErrorCode } from "../wire/error.js";
import type { RequestMessage } from "../wire/message.js";
import type { Namespace } from "../wire/name.js";
import { mandatoryProperties } from "../wire/properties.js";
import { decodeUtf8 } from "../wire/utf8.js";
import { prefixesOverlap, type RequestState } from "./request-state.js";

/** Why the session itself refuses a request of the peer, before its owner sees it. */
export function refusal(
  state: RequestState,
  live: Iterable<RequestState>,
  going: boolean,
): { readonly code: number; readonly reason: string } | undefined {
  const { message } = state;
  if (going) return { code: RequestErrorCode.GoingAway, reason: "going away" };
  // ".session" is the implementation's and knows no tracks yet, "." alone is reserved.
  const first = namespaceOf(message)?.[0];
  if (first !== undefined && first.length <= 8 && /^\.(session)?$/.test(decodeUtf8(first))) {
    return { code: RequestErrorCode.DoesNotExist, reason: "the namespace is reserved" };
  }
  if (message.type === "publish" && mandatoryProperties(message.properties).length > 0) {
    const reason = "the track needs a property that is not supported";
    return { code: RequestErrorCode.UnsupportedExtension, reason };
  }
  for (const other of live) {
    if (other.own || other.silent || other.done !== undefined) continue;
    if (state.key !== undefined && other.key === state.key) {
      const reason = "a subscription to this track exists";
      return { code: RequestErrorCode.DuplicateSubscription, reason };
    }
    if (prefixesOverlap(message, other.message)) {
      const reason = "the prefix overlaps with another one of this session";
      return { code: RequestErrorCode.PrefixOverlap, reason };
    }
  }
  return undefined;
}

function namespaceOf(message: RequestMessage): Namespace | undefined {
  if ("track" in message) return message.track.namespace;
  if ("namespace" in message) return message.namespace;
  return message.range.kind === "standalone" ? message.range.track.namespace : undefined;
}
