/**
 * The closed list of error codes, the same in TypeScript, C and Rust (`native/moq-ffi`), where they
 * are numbers. A test keeps the three in step.
 */
export const ERROR_CODES = {
  ok: 0,
  invalid_argument: 1,
  connection_failed: 2,
  not_connected: 3,
  timeout: 4,
  internal: 5,
  unsupported: 6,
  buffer_too_small: 7,
  closed: 8,
  would_block: 9,
  too_large: 10,
  limit_exceeded: 11,
  unauthorized: 12,
  certificate: 13,
  protocol_mismatch: 14,
  protocol_violation: 15,
  not_found: 16,
  cancelled: 17,
  going_away: 18,
  too_far_behind: 19,
  malformed_track: 20,
  duplicate: 21,
  busy: 22,
  unavailable: 23,
  rate_limited: 24,
} as const;

/** One of the closed list of codes. */
export type MoqErrorCode = Exclude<keyof typeof ERROR_CODES, "ok">;

/** Codes after which trying the same again later can succeed. */
const RETRYABLE: ReadonlySet<MoqErrorCode> = new Set<MoqErrorCode>([
  "connection_failed",
  "not_connected",
  "timeout",
  "would_block",
  "going_away",
  "too_far_behind",
  "busy",
  "rate_limited",
]);

/**
 * Why a certificate was not accepted, of errors with the code `certificate`; more may come.
 * `unknown_issuer` is said of self-signed ones too, `wrong_hash` of one that is not among
 * `serverCertificateHashes`. `client_missing`: the relay wants a certificate of this client, which
 * has none; `client_refused`: it does not take the one it was shown. `other`: see the message.
 */
export type CertificateReason =
  | "expired"
  | "not_yet_valid"
  | "wrong_name"
  | "unknown_issuer"
  | "wrong_hash"
  | "revoked"
  | "client_missing"
  | "client_refused"
  | "other";

/** What a {@link MoqError} is made from, beside code and message. */
export interface MoqErrorOptions {
  /** The peer's raw code, when the peer caused this error. */
  readonly peerCode?: number | undefined;
  /** Why a certificate was not accepted. */
  readonly reason?: CertificateReason | undefined;
  /** Overrides what the code says about retrying. */
  readonly retryable?: boolean | undefined;
  /** The error below this one. */
  readonly cause?: unknown;
}

const BRAND = "moq-game.MoqError";

/**
 * The only error class that this library throws or reports. The message says what happened and what
 * to do next.
 */
export class MoqError extends Error {
  override readonly name: string = "MoqError";
  /** Stable code to branch on. */
  readonly code: MoqErrorCode;
  /** Whether trying again later can help without changing anything. */
  readonly retryable: boolean;
  /** The peer's raw code, when the peer caused this error. */
  readonly peerCode: number | undefined;
  /**
   * Of the code `certificate`: why, to branch on. Browsers do not tell why a handshake failed, so
   * they have neither this code nor a reason.
   */
  readonly reason: CertificateReason | undefined;
  readonly cause: unknown;
  /** Marks the class across realms and duplicate installs: `instanceof` compares this. */
  readonly brand: typeof BRAND = BRAND;

  constructor(code: MoqErrorCode, message: string, options: MoqErrorOptions = {}) {
    super(message);
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    this.peerCode = options.peerCode;
    this.reason = options.reason;
    this.cause = options.cause;
  }

  /** Two copies of this package (an app's and a dependency's) recognise each other's errors. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return (
      typeof value === "object" && value !== null && (value as { brand?: unknown }).brand === BRAND
    );
  }

  /** The name of a numeric code of the C ABI; `internal` for a number not on the list. */
  static codeOf(number: number): MoqErrorCode {
    for (const [name, value] of Object.entries(ERROR_CODES)) {
      if (value === number && name !== "ok") return name as MoqErrorCode;
    }
    return "internal";
  }
}
