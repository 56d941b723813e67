import type { Reader, Writer } from "./cursor.js";
import { violation } from "./error.js";

/** A track namespace: up to 32 fields of at least one byte (draft-18 "Track Naming"). */
export type Namespace = readonly Uint8Array[];

/** Namespace and name of a track, together at most 4,096 bytes. */
export interface FullTrackName {
  readonly namespace: Namespace;
  readonly name: Uint8Array;
}

/** Most fields in a namespace. */
export const MAX_NAMESPACE_FIELDS = 32;
/** Most bytes in a namespace, or in a namespace and a name. */
export const MAX_FULL_NAME_BYTES = 4096;

/** Sum of the lengths of the fields. */
export function namespaceBytes(namespace: Namespace): number {
  let total = 0;
  for (const field of namespace) total += field.length;
  return total;
}

/** Why a peer would refuse these names, or `undefined`. */
export function nameProblem(namespace: Namespace, name?: Uint8Array): string | undefined {
  if (namespace.length > MAX_NAMESPACE_FIELDS) {
    return `a namespace has ${namespace.length} fields; the limit is ${MAX_NAMESPACE_FIELDS}`;
  }
  if (namespace.some((field) => field.length === 0)) return "a namespace field is empty";
  const total = namespaceBytes(namespace) + (name === undefined ? 0 : name.length);
  if (total > MAX_FULL_NAME_BYTES) {
    return `namespace and name have ${total} bytes; the limit is ${MAX_FULL_NAME_BYTES}`;
  }
  return undefined;
}

export function decodeNamespace(reader: Reader): Namespace {
  const count = reader.varint();
  if (count > MAX_NAMESPACE_FIELDS) {
    throw violation(`a namespace has ${count} fields; the limit is ${MAX_NAMESPACE_FIELDS}`);
  }
  const fields: Uint8Array[] = [];
  let left = MAX_FULL_NAME_BYTES;
  for (let i = 0; i < Number(count); i++) {
    const length = reader.length(left, "a namespace field");
    if (length === 0) throw violation("a namespace field is empty");
    left -= length;
    fields.push(reader.bytes(length));
  }
  return fields;
}

/** Appends a namespace. Throws RangeError for one that a peer would refuse. */
export function encodeNamespace(writer: Writer, namespace: Namespace): void {
  checkName(namespace);
  writer.varint(namespace.length);
  for (const field of namespace) writer.prefixed(field);
}

export function decodeFullTrackName(reader: Reader): FullTrackName {
  const namespace = decodeNamespace(reader);
  const left = MAX_FULL_NAME_BYTES - namespaceBytes(namespace);
  return { namespace, name: reader.bytes(reader.length(left, "a track name")) };
}

/** Appends a full track name. Throws RangeError for one that a peer would refuse. */
export function encodeFullTrackName(writer: Writer, track: FullTrackName): void {
  checkName(track.namespace, track.name);
  encodeNamespace(writer, track.namespace);
  writer.prefixed(track.name);
}

function checkName(namespace: Namespace, name?: Uint8Array): void {
  const problem = nameProblem(namespace, name);
  if (problem !== undefined) throw new RangeError(problem);
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function namespacesEqual(a: Namespace, b: Namespace): boolean {
  return a.length === b.length && namespaceStartsWith(a, b);
}

/** Whether the fields of `prefix` are the first ones of `namespace`. */
export function namespaceStartsWith(namespace: Namespace, prefix: Namespace): boolean {
  if (prefix.length > namespace.length) return false;
  return prefix.every((field, i) => bytesEqual(field, namespace[i] as Uint8Array));
}

export function tracksEqual(a: FullTrackName, b: FullTrackName): boolean {
  return bytesEqual(a.name, b.name) && namespacesEqual(a.namespace, b.namespace);
}

/** The safe text form of a namespace (draft-18 "Representing Namespace and Track Names"). */
export function formatNamespace(namespace: Namespace): string {
  return namespace.map(formatField).join("-");
}

/** The safe text form of a full track name: unique, so that it serves as a map key. */
export function formatTrack(track: FullTrackName): string {
  return `${formatNamespace(track.namespace)}--${formatField(track.name)}`;
}

function formatField(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text += isLiteral(byte) ? String.fromCharCode(byte) : `.${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}

/** Reads the safe text form back; `undefined` when it is not the canonical form of any name. */
export function parseTrack(text: string): FullTrackName | undefined {
  const split = text.indexOf("--");
  if (split < 0) return undefined;
  const name = parseField(text.slice(split + 2));
  if (name === undefined) return undefined;
  const namespace: Uint8Array[] = [];
  if (split > 0) {
    for (const part of text.slice(0, split).split("-")) {
      const field = parseField(part);
      if (field === undefined || field.length === 0) return undefined;
      namespace.push(field);
    }
  }
  return nameProblem(namespace, name) === undefined ? { namespace, name } : undefined;
}

function parseField(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isLiteral(code)) {
      bytes.push(code);
      continue;
    }
    const hex = text.slice(i + 1, i + 3);
    if (text[i] !== "." || !/^[0-9a-f]{2}$/.test(hex)) return undefined;
    const byte = Number.parseInt(hex, 16);
    if (isLiteral(byte)) return undefined;
    bytes.push(byte);
    i += 2;
  }
  return Uint8Array.from(bytes);
}

function isLiteral(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f
  );
}
