/**
 * Validation of everything that applications pass in, shared by all clients. Each message names the
 * option, what is accepted and what came; nothing has changed when one of these throws.
 */
import type {
  ClientOptions,
  CloseOptions,
  Delivery,
  FetchOptions,
  NamespaceLike,
  PublishOptions,
  Signal,
  SubscribeOptions,
  TrackRef,
} from "./api.js";
import { MoqError } from "./errors.js";

/** Draft-18, section "Representing Namespace and Track Names": most fields of a namespace. */
export const MAX_NAMESPACE_FIELDS = 32;
/** Draft-18: most bytes of namespace fields and track name together. */
export const MAX_FULL_NAME_BYTES = 4096;
/** Largest setting of `maxObjectSize` in bytes. */
export const MAX_OBJECT_SIZE = 64 * 1024 * 1024;

export const DELIVERIES: readonly Delivery[] = ["reliable", "latest", "deadline", "datagram"];

/** Validated {@link ClientOptions} with defaults filled in. */
export interface ResolvedClientOptions {
  readonly token: string | Uint8Array | undefined;
  /** SHA-256 values of 32 bytes each. */
  readonly serverCertificateHashes: readonly Uint8Array[];
  readonly connectTimeout: number;
  readonly keepAlive: number;
  readonly idleTimeout: number;
  readonly maxObjectSize: number;
  readonly signal: Signal | undefined;
}

/** Validated {@link PublishOptions} with defaults filled in. */
export interface ResolvedPublishOptions {
  readonly delivery: Delivery;
  readonly deadline: number;
  readonly priority: number;
  readonly queueBytes: number;
  readonly retainBytes: number;
  readonly maxDatagramSize: number;
}

/** Validated {@link SubscribeOptions} with defaults filled in. */
export interface ResolvedSubscribeOptions {
  readonly start: "latest-group" | "next" | "now";
  readonly delivery: Delivery;
  readonly unordered: boolean;
  readonly priority: number;
  readonly wait: number;
  readonly maxAge: number | undefined;
  readonly queueBytes: number;
  readonly gapTimeout: number;
  readonly signal: Signal | undefined;
}

/** Validated {@link FetchOptions} with defaults filled in. */
export interface ResolvedFetchOptions {
  readonly fromGroup: number;
  readonly toGroup: number;
  readonly order: "ascending" | "descending";
  readonly priority: number;
  readonly signal: Signal | undefined;
}

/** A validated track name. */
export interface ResolvedTrack {
  readonly namespace: readonly string[];
  readonly name: string;
}

/**
 * Validates options of `connect`. `hostOptions` are names that a host adds; it validates their
 * values itself.
 */
export function resolveClientOptions(
  options: ClientOptions | undefined,
  hostOptions: readonly string[] = [],
): ResolvedClientOptions {
  const o = asObject("connect", options, [...CLIENT_NAMES, ...hostOptions]);
  const idleTimeout = integer("idleTimeout", o.idleTimeout, 15_000, 100, 600_000, "ms");
  const keepAlive = integer(
    "keepAlive",
    o.keepAlive,
    Math.min(4_000, idleTimeout),
    0,
    600_000,
    "ms",
  );
  if (keepAlive > idleTimeout) {
    throw invalid(
      `keepAlive (${keepAlive} ms) must not be above idleTimeout (${idleTimeout} ms): ` +
        "the connection would be lost before the first keep-alive. Lower keepAlive or raise idleTimeout.",
    );
  }
  return {
    token: token(o.token),
    serverCertificateHashes: certificateHashes(o.serverCertificateHashes),
    connectTimeout: integer("connectTimeout", o.connectTimeout, 10_000, 1, 300_000, "ms"),
    keepAlive,
    idleTimeout,
    maxObjectSize: integer(
      "maxObjectSize",
      o.maxObjectSize,
      16 * 1024 * 1024,
      1,
      MAX_OBJECT_SIZE,
      "bytes",
    ),
    signal: signal(o.signal),
  };
}

export function resolvePublishOptions(options: PublishOptions | undefined): ResolvedPublishOptions {
  const o = asObject("publish", options, PUBLISH_NAMES);
  const delivery = oneOf("delivery", o.delivery, "reliable", DELIVERIES);
  if (o.deadline !== undefined && delivery !== "deadline") {
    throw invalid(
      `deadline applies to delivery "deadline" only, and this track is "${delivery}". Leave it out or change delivery.`,
    );
  }
  return {
    delivery,
    deadline: integer("deadline", o.deadline, 200, 1, 60_000, "ms"),
    priority: integer("priority", o.priority, 128, 0, 255),
    queueBytes: integer("queueBytes", o.queueBytes, 1024 * 1024, 1, 1024 * 1024 * 1024, "bytes"),
    retainBytes: integer(
      "retainBytes",
      o.retainBytes,
      8 * 1024 * 1024,
      0,
      1024 * 1024 * 1024,
      "bytes",
    ),
    maxDatagramSize: integer("maxDatagramSize", o.maxDatagramSize, 1_100, 64, 65_535, "bytes"),
  };
}

export function resolveSubscribeOptions(
  options: SubscribeOptions | undefined,
): ResolvedSubscribeOptions {
  const o = asObject("subscribe", options, SUBSCRIBE_NAMES);
  return {
    start: oneOf("start", o.start, "latest-group", ["latest-group", "next", "now"] as const),
    delivery: oneOf("delivery", o.delivery, "reliable", DELIVERIES),
    unordered: boolean("unordered", o.unordered, false),
    priority: integer("priority", o.priority, 128, 0, 255),
    wait: integer("wait", o.wait, 0, 0, 86_400_000, "ms"),
    maxAge:
      o.maxAge === undefined ? undefined : integer("maxAge", o.maxAge, 0, 1, 86_400_000, "ms"),
    queueBytes: integer(
      "queueBytes",
      o.queueBytes,
      8 * 1024 * 1024,
      1,
      1024 * 1024 * 1024,
      "bytes",
    ),
    gapTimeout: integer("gapTimeout", o.gapTimeout, 2_000, 0, 60_000, "ms"),
    signal: signal(o.signal),
  };
}

export function resolveFetchOptions(options: FetchOptions): ResolvedFetchOptions {
  const o = asObject("fetch", options, FETCH_NAMES);
  if (o.fromGroup === undefined || o.toGroup === undefined) {
    throw invalid(
      "fetch needs the options fromGroup and toGroup: the first and the last group, both inclusive.",
    );
  }
  const fromGroup = integer("fromGroup", o.fromGroup, 0, 0, Number.MAX_SAFE_INTEGER);
  const toGroup = integer("toGroup", o.toGroup, 0, 0, Number.MAX_SAFE_INTEGER - 1);
  if (toGroup < fromGroup) {
    throw invalid(
      `fetch: toGroup (${toGroup}) is below fromGroup (${fromGroup}). Give the lower group as fromGroup and use order for the direction.`,
    );
  }
  return {
    fromGroup,
    toGroup,
    order: oneOf("order", o.order, "ascending", ["ascending", "descending"] as const),
    priority: integer("priority", o.priority, 128, 0, 255),
    signal: signal(o.signal),
  };
}

/** For options that hold nothing but a signal: `discover` and `status`. */
export function resolveSignalOptions(
  call: string,
  options: { readonly signal?: Signal } | undefined,
): Signal | undefined {
  return signal(asObject(call, options, ["signal"]).signal);
}

/** Returns `flush` in ms. */
export function resolveCloseOptions(call: string, options: CloseOptions | undefined): number {
  const o = asObject(call, options, ["flush"]);
  return integer("flush", o.flush, 0, 0, 600_000, "ms");
}

/**
 * Fields of a namespace. A string is split on `/`, and one trailing slash is ignored. Other empty
 * fields are refused: on the wire they end the session.
 */
export function resolveNamespace(namespace: NamespaceLike): readonly string[] {
  const fields = namespaceFields(namespace);
  if (fields.length === 0) {
    throw invalid(
      'The namespace is empty. Give at least one field, for example "match/42" or ["match", "42"].',
    );
  }
  checkNameBytes(fields, undefined);
  return fields;
}

/** Like {@link resolveNamespace}, but the empty prefix, which means all namespaces, is allowed. */
export function resolveNamespacePrefix(prefix: NamespaceLike): readonly string[] {
  const fields = prefix === "" || prefix === "/" ? [] : namespaceFields(prefix);
  checkNameBytes(fields, undefined);
  return fields;
}

export function resolveTrack(track: TrackRef): ResolvedTrack {
  if (!Array.isArray(track) || track.length !== 2) {
    throw invalid('A track is [namespace, name], for example ["match/42", "poses"].');
  }
  const [namespaceLike, name] = track as TrackRef;
  const namespace = resolveNamespace(namespaceLike);
  if (typeof name !== "string" || name === "") {
    throw invalid(`The track name must be a string that is not empty, got ${show(name)}.`);
  }
  checkNameBytes(namespace, name);
  return { namespace, name };
}

/** The bytes of `send` and `keyframe`. */
export function requireBytes(call: string, bytes: unknown): asserts bytes is Uint8Array {
  // Not instanceof: bytes may come from another realm (a worker's or vm context's Uint8Array).
  if (Object.prototype.toString.call(bytes) !== "[object Uint8Array]") {
    throw invalid(
      `${call} takes a Uint8Array, got ${show(bytes)}. Encode the value first, or wrap the buffer: new Uint8Array(buffer).`,
    );
  }
}

/** Bytes that `text` takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 4;
      i += 1;
    } else bytes += 3;
  }
  return bytes;
}

/** One of a track's display forms: fields joined with `/`, then the name. */
export function trackLabel(track: ResolvedTrack): string {
  return `${track.namespace.join("/")}/${track.name}`;
}

const CLIENT_NAMES = [
  "token",
  "serverCertificateHashes",
  "connectTimeout",
  "keepAlive",
  "idleTimeout",
  "maxObjectSize",
  "signal",
] as const;
const PUBLISH_NAMES = [
  "delivery",
  "deadline",
  "priority",
  "queueBytes",
  "retainBytes",
  "maxDatagramSize",
] as const;
const SUBSCRIBE_NAMES = [
  "start",
  "delivery",
  "unordered",
  "priority",
  "wait",
  "maxAge",
  "queueBytes",
  "gapTimeout",
  "signal",
] as const;
const FETCH_NAMES = ["fromGroup", "toGroup", "order", "priority", "signal"] as const;

function invalid(message: string): MoqError {
  return new MoqError("invalid_argument", message);
}

/** A short picture of a wrong value. */
function show(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string")
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "object") return Object.prototype.toString.call(value).slice(8, -1);
  return `${String(value)} (${typeof value})`;
}

function asObject<T extends object>(
  call: string,
  options: T | undefined,
  names: readonly string[],
): T {
  if (options === undefined) return {} as T;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalid(`The options of ${call} must be an object, got ${show(options)}.`);
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const close =
      names.find((known) => known.toLowerCase() === name.toLowerCase()) ?? nearest(name, names);
    const hint = close === undefined ? "" : ` Did you mean ${close}?`;
    throw invalid(
      `${call} has no option ${JSON.stringify(name)}.${hint} Known options: ${names.join(", ")}.`,
    );
  }
  return options;
}

/** The known name with at most two edits, if there is one. */
function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > 64) return undefined;
  return names.find((known) => editDistance(name.toLowerCase(), known.toLowerCase()) <= 2);
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(swap, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

function integer(
  name: string,
  value: unknown,
  fallback: number,
  min: number,
  max: number,
  unit = "",
): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    const what = unit === "" ? "a whole number" : `a whole number of ${unit}`;
    throw invalid(`${name} must be ${what} from ${min} to ${max}, got ${show(value)}.`);
  }
  return value;
}

function boolean(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== "boolean")
    throw invalid(`${name} must be true or false, got ${show(value)}.`);
  return value;
}

function oneOf<T extends string>(
  name: string,
  value: unknown,
  fallback: T,
  accepted: readonly T[],
): T {
  if (value === undefined) return fallback;
  if (typeof value !== "string" || !accepted.includes(value as T)) {
    throw invalid(
      `${name} must be one of ${accepted.map((a) => JSON.stringify(a)).join(", ")}, got ${show(value)}.`,
    );
  }
  return value as T;
}

function signal(value: unknown): Signal | undefined {
  if (value === undefined) return undefined;
  const s = value as Partial<Signal> | null;
  if (
    typeof s !== "object" ||
    s === null ||
    typeof s.aborted !== "boolean" ||
    typeof s.addEventListener !== "function"
  ) {
    throw invalid(
      `signal must be an AbortSignal or have aborted, addEventListener and removeEventListener, got ${show(value)}.`,
    );
  }
  return value as Signal;
}

function token(value: unknown): string | Uint8Array | undefined {
  if (value === undefined) return undefined;
  const length =
    typeof value === "string" ? utf8Length(value) : isBytes(value) ? value.byteLength : -1;
  if (length < 0) throw invalid(`token must be a string or a Uint8Array, got ${show(value)}.`);
  if (length > 32_768) throw invalid(`token has ${length} bytes; at most 32,768 are accepted.`);
  return value as string | Uint8Array;
}

function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === "[object Uint8Array]";
}

function certificateHashes(value: unknown): readonly Uint8Array[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw invalid(
      `serverCertificateHashes must be an array, got ${show(value)}. Example: ["<64 hexadecimal digits>"].`,
    );
  }
  if (value.length > 64)
    throw invalid(`serverCertificateHashes has ${value.length} entries; at most 64 are accepted.`);
  return value.map((entry: unknown, index) => certificateHash(entry, index));
}

function certificateHash(entry: unknown, index: number): Uint8Array {
  const name = `serverCertificateHashes[${index}]`;
  if (typeof entry === "string") {
    // Tools print fingerprints with colons between the bytes.
    const digits = entry.replace(/:/g, "").trim();
    if (!/^[0-9a-fA-F]{64}$/.test(digits)) {
      throw invalid(
        `${name} must have 64 hexadecimal digits (SHA-256 of the certificate), got ${show(entry)}.`,
      );
    }
    const bytes = new Uint8Array(32);
    for (let i = 0; i < 32; i++) bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16);
    return bytes;
  }
  const hash = entry as { readonly algorithm?: unknown; readonly value?: unknown } | null;
  if (typeof hash !== "object" || hash === null || hash.algorithm !== "sha-256") {
    throw invalid(
      `${name} must be 64 hexadecimal digits or { algorithm: "sha-256", value: bytes }, got ${show(entry)}.`,
    );
  }
  const bytes = copyBuffer(hash.value);
  if (bytes?.byteLength !== 32) {
    throw invalid(
      `${name}.value must be 32 bytes (SHA-256), got ${bytes === undefined ? show(hash.value) : `${bytes.byteLength} bytes`}.`,
    );
  }
  return bytes;
}

function copyBuffer(value: unknown): Uint8Array | undefined {
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]")
    return new Uint8Array(value as ArrayBuffer).slice();
  if (!ArrayBuffer.isView(value)) return undefined;
  return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength).slice();
}

function namespaceFields(namespace: NamespaceLike): readonly string[] {
  let fields: readonly unknown[];
  if (typeof namespace === "string") {
    const text = namespace.endsWith("/") ? namespace.slice(0, -1) : namespace;
    fields = text === "" ? [] : text.split("/");
  } else if (Array.isArray(namespace)) fields = namespace.slice();
  else
    throw invalid(
      `A namespace is a string such as "match/42" or an array of strings, got ${show(namespace)}.`,
    );
  if (fields.length > MAX_NAMESPACE_FIELDS) {
    throw invalid(
      `The namespace has ${fields.length} fields; at most ${MAX_NAMESPACE_FIELDS} are allowed.`,
    );
  }
  fields.forEach((field, index) => {
    if (typeof field !== "string")
      throw invalid(`Namespace field ${index} must be a string, got ${show(field)}.`);
    if (field === "") {
      throw invalid(
        `Namespace field ${index} of ${show(namespace)} is empty. Remove the extra "/" or fill the field.`,
      );
    }
  });
  return fields as readonly string[];
}

function checkNameBytes(namespace: readonly string[], name: string | undefined): void {
  let bytes = name === undefined ? 0 : utf8Length(name);
  for (const field of namespace) bytes += utf8Length(field);
  if (bytes > MAX_FULL_NAME_BYTES) {
    throw invalid(
      `Namespace and track name together have ${bytes} bytes; at most ${MAX_FULL_NAME_BYTES} are allowed.`,
    );
  }
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
