/** Maps what peers and transports report to the closed list of errors, with advice. */
import { MoqError, type MoqErrorCode } from "../errors.js";
import { type SessionEnd, SessionError } from "../session/types.js";
import type { CloseReason } from "../transport.js";
import { PublishDoneCode, RequestErrorCode, SessionCode } from "../wire/error.js";
import type { PublishDone, RequestError } from "../wire/message.js";
import { isPeerLeaving } from "./tolerances.js";

type Entry = readonly [code: MoqErrorCode, advice: string];

const REQUEST_ERRORS: ReadonlyMap<number, Entry> = new Map<number, Entry>([
  [RequestErrorCode.InternalError, ["internal", "The peer failed; its log says why."]],
  [
    RequestErrorCode.Unauthorized,
    ["unauthorized", "Check that the token allows this namespace and action."],
  ],
  [
    RequestErrorCode.Timeout,
    ["timeout", "No publisher answered in time; try again, or raise the option wait."],
  ],
  [RequestErrorCode.NotSupported, ["unsupported", "This relay does not offer it."]],
  [RequestErrorCode.MalformedAuthToken, ["unauthorized", "The relay cannot read the token."]],
  [RequestErrorCode.ExpiredAuthToken, ["unauthorized", "The token has expired; get a new one."]],
  [RequestErrorCode.GoingAway, ["going_away", "The relay is shutting down; connect again."]],
  [RequestErrorCode.ExcessiveLoad, ["limit_exceeded", "The relay is at its limit; try later."]],
  [
    RequestErrorCode.DoesNotExist,
    [
      "not_found",
      "Nobody publishes it here now; check the names, or subscribe with the option wait.",
    ],
  ],
  [RequestErrorCode.InvalidRange, ["not_found", "Nothing has been published in that range (yet)."]],
  [
    RequestErrorCode.MalformedTrack,
    ["malformed_track", "Its publisher sends contradictory objects."],
  ],
  [
    RequestErrorCode.DuplicateSubscription,
    ["duplicate", "This connection has such a request already."],
  ],
  [RequestErrorCode.Uninterested, ["unsupported", "The peer takes no publications of this kind."]],
  [
    RequestErrorCode.PrefixOverlap,
    ["duplicate", "Another discovery on this connection overlaps with it."],
  ],
  [
    RequestErrorCode.NamespaceTooLarge,
    ["limit_exceeded", "Too many namespaces match; discover a longer prefix."],
  ],
  [RequestErrorCode.InvalidJoiningRequestId, ["internal", "The subscription to join is gone."]],
  [
    RequestErrorCode.UnsupportedExtension,
    ["unsupported", "The track needs an extension that the relay lacks."],
  ],
  [RequestErrorCode.Redirect, ["unsupported", "The relay points elsewhere; connect there."]],
]);

/** `what` names the request, for example `subscribe to match/42/poses`. */
export function requestError(what: string, error: RequestError): MoqError {
  const code = Number(error.code);
  const [name, advice] = REQUEST_ERRORS.get(code) ?? ["internal" as const, "Its code is unknown."];
  const said = error.reason === "" ? "" : ` (“${error.reason}”)`;
  const where = error.redirect === undefined ? "" : ` Redirected to ${error.redirect.uri}.`;
  return new MoqError(name, `The peer refused to ${what}${said}. ${advice}${where}`, {
    peerCode: code,
    retryable: error.retryAfter === undefined ? undefined : true,
  });
}

const DONE_ERRORS: ReadonlyMap<number, Entry> = new Map<number, Entry>([
  [PublishDoneCode.InternalError, ["internal", "The peer failed; its log says why."]],
  [PublishDoneCode.Unauthorized, ["unauthorized", "The token no longer allows it."]],
  [PublishDoneCode.GoingAway, ["going_away", "The relay is shutting down; connect again."]],
  [
    PublishDoneCode.TooFarBehind,
    [
      "too_far_behind",
      "Read faster, or publish less; subscribing again starts at the newest group.",
    ],
  ],
  [PublishDoneCode.Expired, ["unauthorized", "The subscription expired; subscribe again."]],
  [PublishDoneCode.UpdateFailed, ["internal", "Changing the subscription failed."]],
  [PublishDoneCode.ExcessiveLoad, ["limit_exceeded", "The relay is at its limit; try later."]],
  [
    PublishDoneCode.MalformedTrack,
    ["malformed_track", "Its publisher sends contradictory objects."],
  ],
]);

/** `undefined` when the track or the asked range simply ended. */
export function doneError(track: string, done: PublishDone): MoqError | undefined {
  const code = Number(done.status);
  if (code === PublishDoneCode.TrackEnded || code === PublishDoneCode.SubscriptionEnded) {
    return undefined;
  }
  const [name, advice] = DONE_ERRORS.get(code) ?? ["internal" as const, "Its code is unknown."];
  const said = done.reason === "" ? "" : ` (“${done.reason}”)`;
  return new MoqError(name, `The peer ended the subscription to ${track}${said}. ${advice}`, {
    peerCode: code,
  });
}

/** The error behind the end of a session; `undefined` when we closed it without one. */
export function sessionError(end: SessionEnd, wasOpen: boolean): MoqError | undefined {
  switch (end.kind) {
    case "local":
      return undefined;
    case "error": {
      if (wasOpen && isPeerLeaving(end)) {
        return new MoqError(
          "connection_failed",
          `The connection was lost: ${end.reason}, as relays do that stop. Connect again.`,
          { peerCode: end.code },
        );
      }
      const slow = end.code === SessionCode.ControlMessageTimeout;
      return new MoqError(
        slow ? "timeout" : "protocol_violation",
        slow
          ? `The peer sent no SETUP in time (${end.reason}). Check that a MoQ relay listens there.`
          : `The peer broke the protocol: ${end.reason}. Check which relay and version it is.`,
        { peerCode: end.code },
      );
    }
    case "transport":
      return closeError(end.reason, wasOpen);
  }
}

const CLOSE_ERRORS: ReadonlyMap<number, Entry> = new Map<number, Entry>([
  [SessionCode.NoError, ["closed", "The peer closed the connection."]],
  [SessionCode.Unauthorized, ["unauthorized", "Check the option token."]],
  [SessionCode.MalformedAuthToken, ["unauthorized", "The relay cannot read the option token."]],
  [SessionCode.ExpiredAuthToken, ["unauthorized", "The token has expired; get a new one."]],
  [SessionCode.GoawayTimeout, ["going_away", "The relay went away; connect again."]],
  [
    SessionCode.VersionNegotiationFailed,
    ["protocol_mismatch", "The relay speaks no draft that this client speaks (18)."],
  ],
  [SessionCode.InvalidPath, ["connection_failed", "The relay serves nothing at this path."]],
  [SessionCode.MalformedPath, ["connection_failed", "The relay serves nothing at this path."]],
  [SessionCode.InternalError, ["internal", "The relay failed; its log says why."]],
]);

/** The error behind the end of a connection. */
export function closeError(reason: CloseReason, wasOpen: boolean): MoqError | undefined {
  switch (reason.kind) {
    case "local":
      return undefined;
    case "peer": {
      const [name, advice] = CLOSE_ERRORS.get(reason.code) ?? [
        "protocol_violation" as const,
        "The relay says that this client broke the protocol; check its version.",
      ];
      const said = reason.reason === "" ? "" : `: “${reason.reason}”`;
      return new MoqError(
        name,
        `The relay closed the connection with code ${reason.code}${said}. ${advice}`,
        { peerCode: reason.code },
      );
    }
    case "timed_out":
      return new MoqError(
        "timeout",
        wasOpen
          ? "The connection was lost: nothing was heard of the relay for the idle timeout. Connect again."
          : "The relay did not answer. Check address and port, and that UDP is not blocked.",
      );
    case "refused":
      return new MoqError(
        "connection_failed",
        `The connection was refused: ${reason.reason}. Check address, port and path, and that the relay runs.`,
      );
    case "certificate":
      return new MoqError(
        "certificate",
        `The relay's certificate was not accepted: ${reason.reason}. ` +
          "Pass its SHA-256 in serverCertificateHashes, or use a certificate that the host trusts.",
      );
    case "protocol":
      return new MoqError(
        "protocol_mismatch",
        `No protocol version in common: ${reason.reason}. Use a relay that speaks draft-18.`,
      );
    case "transport":
      return new MoqError(
        "connection_failed",
        wasOpen
          ? `The connection was lost: ${reason.reason}. Connect again.`
          : `The connection failed: ${reason.reason}. Check address and port, and that the relay runs.`,
      );
  }
}

/** What a session's refusal of a call means to the application. */
export function callError(what: string, error: unknown): MoqError {
  if (error instanceof MoqError) return error;
  if (!(error instanceof SessionError)) {
    return new MoqError("internal", `Failed to ${what}: ${String(error)}. Please report this.`, {
      cause: error,
    });
  }
  const options = { cause: error };
  switch (error.kind) {
    case "closed":
      return new MoqError(
        "not_connected",
        `Cannot ${what}: the connection is closed. Connect again.`,
        options,
      );
    case "going_away":
      return new MoqError(
        "going_away",
        `Cannot ${what}: the relay is going away. Connect again.`,
        options,
      );
    case "limit":
      return new MoqError(
        "limit_exceeded",
        `Cannot ${what}: ${error.message}. Close what is not needed.`,
        options,
      );
    case "unknown_request":
    case "invalid":
      return new MoqError("internal", `Cannot ${what}: ${error.message}.`, options);
  }
}

/** For calls on a client that is closed. */
export function closedError(what: string): MoqError {
  return new MoqError(
    "closed",
    `Cannot ${what}: the client is closed. Make a new one with connect.`,
  );
}

/** For calls that need a connection while there is none. */
export function reconnectingError(what: string): MoqError {
  return new MoqError(
    "not_connected",
    `Cannot ${what}: the connection was lost and is being made again. Wait for the state "open" (onState).`,
  );
}
