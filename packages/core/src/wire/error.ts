/** Error codes of draft-18 ("Error Codes" in its IANA section) and the error that decoding throws. */

/** Codes that end a session (draft-18 "Termination"). */
export const SessionCode = {
  NoError: 0x0,
  InternalError: 0x1,
  Unauthorized: 0x2,
  ProtocolViolation: 0x3,
  InvalidRequestId: 0x4,
  DuplicateTrackAlias: 0x5,
  KeyValueFormattingError: 0x6,
  InvalidPath: 0x8,
  MalformedPath: 0x9,
  GoawayTimeout: 0x10,
  ControlMessageTimeout: 0x11,
  DataStreamTimeout: 0x12,
  AuthTokenCacheOverflow: 0x13,
  DuplicateAuthTokenAlias: 0x14,
  VersionNegotiationFailed: 0x15,
  MalformedAuthToken: 0x16,
  UnknownAuthTokenAlias: 0x17,
  ExpiredAuthToken: 0x18,
  InvalidAuthority: 0x19,
  MalformedAuthority: 0x1a,
} as const;

/** Codes of REQUEST_ERROR (draft-18 "REQUEST_ERROR"). */
export const RequestErrorCode = {
  InternalError: 0x0,
  Unauthorized: 0x1,
  Timeout: 0x2,
  NotSupported: 0x3,
  MalformedAuthToken: 0x4,
  ExpiredAuthToken: 0x5,
  GoingAway: 0x6,
  ExcessiveLoad: 0x9,
  DoesNotExist: 0x10,
  InvalidRange: 0x11,
  MalformedTrack: 0x12,
  DuplicateSubscription: 0x19,
  Uninterested: 0x20,
  PrefixOverlap: 0x30,
  NamespaceTooLarge: 0x31,
  InvalidJoiningRequestId: 0x32,
  UnsupportedExtension: 0x33,
  Redirect: 0x34,
} as const;

/** Status codes of PUBLISH_DONE (draft-18 "PUBLISH_DONE"). */
export const PublishDoneCode = {
  InternalError: 0x0,
  Unauthorized: 0x1,
  TrackEnded: 0x2,
  SubscriptionEnded: 0x3,
  GoingAway: 0x4,
  TooFarBehind: 0x5,
  Expired: 0x6,
  UpdateFailed: 0x8,
  ExcessiveLoad: 0x9,
  MalformedTrack: 0x12,
} as const;

/** Codes for resetting a stream or asking the peer to (draft-18 "Stream Reset Error Codes"). */
export const StreamCode = {
  InternalError: 0x0,
  Cancelled: 0x1,
  DeliveryTimeout: 0x2,
  SessionClosed: 0x3,
  GoingAway: 0x4,
  TooFarBehind: 0x5,
  UnknownObjectStatus: 0x6,
  ExpiredAuthToken: 0x7,
  ExcessiveLoad: 0x9,
  MalformedTrack: 0x12,
} as const;

/** Malformed input: `code` is the session termination code that the draft names for it. */
export class WireError extends Error {
  override readonly name = "WireError";
  /** A {@link SessionCode}. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Input that breaks the text where it names no other code. */
export function violation(message: string): WireError {
  return new WireError(SessionCode.ProtocolViolation, message);
}
