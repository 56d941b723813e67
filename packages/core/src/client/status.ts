import type { Signal, TrackStatus } from "../api.js";
import { decodeTrackClass } from "../delivery/class.js";
import { MoqError } from "../errors.js";
import { StreamCode } from "../wire/error.js";
import type { RequestOk } from "../wire/message.js";
import { deferred } from "./deferred.js";
import { callError, requestError } from "./errors.js";
import { toPlace } from "./incoming.js";
import type { Link } from "./link.js";
import type { TrackId } from "./names.js";

/** Asks the next hop what it knows of a track (draft-18 "TRACK_STATUS"). */
export async function askStatus(
  link: Link,
  track: TrackId,
  signal: Signal | undefined,
): Promise<TrackStatus> {
  const what = `ask for the status of ${track.label}`;
  const answer = deferred<RequestOk>();
  try {
    const id = link.request(
      { type: "track_status", track: track.wire, params: {} },
      {
        response: (response) => {
          if (response.type === "request_ok") answer.resolve(response);
          else if (response.type === "request_error") answer.reject(requestError(what, response));
        },
        closed: (end) => {
          const message = `The request to ${what} ended without an answer. Try again.`;
          const peerCode = end.by === "peer" ? end.code : undefined;
          answer.reject(new MoqError("closed", message, { peerCode, retryable: true }));
        },
      },
    );
    if (signal !== undefined) {
      const abort = (): void => {
        link.cancel(id, StreamCode.Cancelled);
        const message = `The request to ${what} was aborted by its signal.`;
        answer.reject(new MoqError("cancelled", message));
      };
      const stop = (): void => signal.removeEventListener("abort", abort);
      signal.addEventListener("abort", abort);
      answer.promise.then(stop, stop);
      if (signal.aborted) abort();
    }
  } catch (error) {
    throw callError(what, error);
  }
  const { params, properties } = await answer.promise;
  const largest = params.largestObject === undefined ? undefined : toPlace(params.largestObject);
  if (largest === "too_large") {
    throw new MoqError(
      "malformed_track",
      `A group or object id of ${track.label} is above 2^53 − 1. Its publisher must use smaller ids.`,
    );
  }
  return { largest, delivery: decodeTrackClass(properties).delivery };
}
