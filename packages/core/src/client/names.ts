import { type ResolvedTrack, trackLabel } from "../options.js";
import { type FullTrackName, formatNamespace, formatTrack, type Namespace } from "../wire/name.js";
import type { Utf8 } from "../wire/utf8.js";

/** A track in the forms that the client needs: for people, for the wire and as a map key. */
export interface TrackId extends ResolvedTrack {
  readonly wire: FullTrackName;
  readonly key: string;
  readonly label: string;
}

export function trackId(track: ResolvedTrack, utf8: Utf8): TrackId {
  const wire = { namespace: encodeFields(track.namespace, utf8), name: utf8.encode(track.name) };
  return { ...track, wire, key: formatTrack(wire), label: trackLabel(track) };
}

export function encodeFields(fields: readonly string[], utf8: Utf8): Namespace {
  return fields.map((field) => utf8.encode(field));
}

/** Fields of other applications that are not UTF-8 show replacement characters. */
export function decodeFields(namespace: Namespace, utf8: Utf8): readonly string[] {
  return namespace.map((field) => utf8.decode(field));
}

export { formatNamespace, formatTrack };
