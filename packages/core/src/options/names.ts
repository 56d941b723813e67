/** Validation of namespaces and track names, with the limits of draft-18. */
import type { NamespaceLike, TrackRef } from "../api.js";
import { invalid, show } from "./check.js";

/** Draft-18, section "Representing Namespace and Track Names": most fields of a namespace. */
export const MAX_NAMESPACE_FIELDS = 32;
/** Draft-18: most bytes of namespace fields and track name together. */
export const MAX_FULL_NAME_BYTES = 4096;

/** A validated track name. */
export interface ResolvedTrack {
  readonly namespace: readonly string[];
  readonly name: string;
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

/** Whether each surrogate has its other half. */
export function isWellFormed(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text);
}

/** One of a track's display forms: fields joined with `/`, then the name. */
export function trackLabel(track: ResolvedTrack): string {
  return `${track.namespace.join("/")}/${track.name}`;
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
  let bytes = 0;
  for (const text of name === undefined ? namespace : [...namespace, name]) {
    if (!isWellFormed(text)) {
      throw invalid(
        `${show(text)} in the name of a track has half a surrogate pair, which UTF-8 cannot carry.`,
      );
    }
    bytes += utf8Length(text);
  }
  if (bytes > MAX_FULL_NAME_BYTES) {
    throw invalid(
      `Namespace and track name together have ${bytes} bytes; at most ${MAX_FULL_NAME_BYTES} are allowed.`,
    );
  }
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
