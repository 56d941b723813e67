import { type Reader, Writer } from "./cursor.js";
import { decodeDatagram, encodeDatagram } from "./datagram.js";
import { RequestErrorCode, violation } from "./error.js";
import { decodeFetchHeader, encodeFetchHeader, FetchDecoder, FetchEncoder } from "./fetch.js";
import { decodeLocation, encodeLocation } from "./location.js";
import {
  type Fetch,
  type FetchRange,
  type Goaway,
  MAX_MESSAGE_BYTES,
  MAX_REASON_BYTES,
  MAX_URI_BYTES,
  type Message,
  type MessageType,
  type RequestError,
} from "./message.js";
import {
  decodeFullTrackName,
  decodeNamespace,
  encodeFullTrackName,
  encodeNamespace,
  MAX_FULL_NAME_BYTES,
  namespaceBytes,
} from "./name.js";
import { PADDING_STREAM } from "./padding.js";
import { decodeParams, encodeParams, parameterOutOfScope, parameterScope } from "./params.js";
import type { DraftProfile, MessageHead, StreamHeader, StreamKind } from "./profile.js";
import { checkTrackProperties, decodePairs, encodePairs, type Properties } from "./properties.js";
import { decodeSetup, encodeSetup } from "./setup.js";
import {
  decodeSubgroupHeader,
  encodeSubgroupHeader,
  isSubgroupType,
  SubgroupDecoder,
  SubgroupEncoder,
} from "./subgroup.js";
import { utf8 as builtInUtf8, type Utf8 } from "./utf8.js";
import { addVarInt, readVarint, subVarInt, type VarInt, varintLength } from "./varint.js";

/** Stream type of the control stream, which is the type of the SETUP message too. */
const SETUP = 0x2f00;
const FETCH_HEADER = 0x05;

const TYPE_OF: Readonly<Record<MessageType, number>> = {
  setup: SETUP,
  goaway: 0x10,
  subscribe: 0x03,
  subscribe_ok: 0x04,
  publish: 0x1d,
  publish_done: 0x0b,
  fetch: 0x16,
  fetch_ok: 0x18,
  track_status: 0x0d,
  publish_namespace: 0x06,
  subscribe_namespace: 0x50,
  subscribe_tracks: 0x51,
  namespace: 0x08,
  namespace_done: 0x0e,
  publish_blocked: 0x0f,
  request_update: 0x02,
  request_ok: 0x07,
  request_error: 0x05,
};

const MESSAGE_OF: ReadonlyMap<VarInt, MessageType> = new Map<VarInt, MessageType>([
  ...(Object.keys(TYPE_OF) as MessageType[]).map((key) => [TYPE_OF[key], key] as const),
  // The table of messages lists PUBLISH_OK as 0x1E and refers to REQUEST_OK, which is 0x07: both
  // are understood, 0x07 is sent.
  [0x1e, "request_ok"],
]);

/** The profile of draft-ietf-moq-transport-18. */
export function draft18(utf8: Utf8 = builtInUtf8): DraftProfile {
  const codec = new MessageCodec(utf8);
  return {
    draft: 18,
    protocol: "moqt-18",
    streamKind,
    decodeStreamHeader,
    messageType,
    messageHead,
    decodeMessage: (type, payload) => codec.decode(type, payload),
    encodeMessage: (writer, message) => codec.encode(writer, message),
    decodeSubgroupHeader,
    encodeSubgroupHeader,
    subgroupDecoder: (header, limits) => new SubgroupDecoder(header.hasProperties, limits),
    subgroupEncoder: (header) => new SubgroupEncoder(header.hasProperties),
    decodeFetchHeader,
    encodeFetchHeader,
    fetchDecoder: (order, limits) => new FetchDecoder(order, limits),
    fetchEncoder: (order) => new FetchEncoder(order),
    decodeDatagram,
    encodeDatagram,
  };
}

function streamKind(type: VarInt): StreamKind {
  if (type === SETUP) return "control";
  if (type === FETCH_HEADER) return "fetch";
  if (type === PADDING_STREAM) return "padding";
  if (isSubgroupType(type)) return "subgroup";
  throw violation(`stream type ${type} is unknown`);
}

function decodeStreamHeader(reader: Reader): StreamHeader {
  const type = reader.varint();
  const kind = streamKind(type);
  switch (kind) {
    case "subgroup":
      return { kind, header: decodeSubgroupHeader(type, reader) };
    case "fetch":
      return { kind, requestId: decodeFetchHeader(reader) };
    default:
      return { kind };
  }
}

function messageHead(bytes: Uint8Array, at: number, end: number): MessageHead | undefined {
  if (at >= end) return undefined;
  const lengthAt = at + varintLength(bytes[at]!);
  if (lengthAt > end) return undefined;
  const type = messageType(readVarint(bytes, at));
  const start = lengthAt + 2;
  if (start > end) return undefined;
  return { type, start, end: start + ((bytes[lengthAt]! << 8) | bytes[lengthAt + 1]!) };
}

function messageType(type: VarInt): MessageType {
  const found = MESSAGE_OF.get(type);
  if (found === undefined) throw violation(`message type ${type} is unknown`);
  return found;
}

class MessageCodec {
  private readonly payload = new Writer(1024);

  constructor(private readonly utf8: Utf8) {}

  decode(type: MessageType, reader: Reader): Message {
    const message = this.decodePayload(type, reader);
    if (reader.remaining() > 0) {
      throw violation(`${reader.remaining()} bytes left over after ${type}`);
    }
    return message;
  }

  private decodePayload(type: MessageType, r: Reader): Message {
    switch (type) {
      case "setup":
        return { type, options: decodeSetup(r, this.utf8) };
      case "goaway":
        return this.decodeGoaway(r);
      case "subscribe":
      case "track_status": {
        const requestId = r.varint();
        const track = decodeFullTrackName(r);
        return { type, requestId, track, params: decodeParams(r, type) };
      }
      case "subscribe_ok": {
        const trackAlias = r.varint();
        const params = decodeParams(r, type);
        return { type, trackAlias, params, properties: decodeTrackProperties(r) };
      }
      case "publish": {
        const requestId = r.varint();
        const track = decodeFullTrackName(r);
        const trackAlias = r.varint();
        const params = decodeParams(r, type);
        const properties = decodeTrackProperties(r);
        return { type, requestId, track, trackAlias, params, properties };
      }
      case "publish_done": {
        const status = r.varint();
        const streamCount = r.varint();
        return { type, status, streamCount, reason: this.decodeReason(r) };
      }
      case "fetch":
        return decodeFetch(r);
      case "fetch_ok": {
        const endOfTrack = r.u8();
        if (endOfTrack > 1) throw violation(`End Of Track of ${endOfTrack} is neither 0 nor 1`);
        const end = decodeLocation(r);
        const params = decodeParams(r, type);
        const properties = decodeTrackProperties(r);
        return { type, endOfTrack: endOfTrack === 1, end, params, properties };
      }
      case "publish_namespace":
      case "subscribe_namespace":
      case "subscribe_tracks": {
        const requestId = r.varint();
        const namespace = decodeNamespace(r);
        return { type, requestId, namespace, params: decodeParams(r, type) };
      }
      case "namespace":
      case "namespace_done":
        return { type, suffix: decodeNamespace(r) };
      case "publish_blocked": {
        const suffix = decodeNamespace(r);
        const left = MAX_FULL_NAME_BYTES - namespaceBytes(suffix);
        return { type, suffix, name: r.bytes(r.length(left, "a track name")) };
      }
      case "request_update": {
        const requestId = r.varint();
        return { type, requestId, params: decodeParams(r, type) };
      }
      case "request_ok": {
        const params = decodeParams(r, type);
        return { type, params, properties: decodeTrackProperties(r) };
      }
      case "request_error":
        return this.decodeRequestError(r);
    }
  }

  encode(writer: Writer, message: Message): void {
    if ("params" in message) {
      const wrong = parameterOutOfScope(message.params, parameterScope(message.type));
      if (wrong !== undefined) throw new RangeError(`${wrong} does not belong in ${message.type}`);
    }
    const payload = this.payload.reset();
    this.encodePayload(payload, message);
    if (payload.length > MAX_MESSAGE_BYTES) {
      throw new RangeError(
        `${message.type} of ${payload.length} bytes; the limit is ${MAX_MESSAGE_BYTES}`,
      );
    }
    writer.varint(TYPE_OF[message.type]);
    writer.u16(payload.length);
    writer.bytes(payload.view());
  }

  private encodePayload(w: Writer, message: Message): void {
    switch (message.type) {
      case "setup":
        encodeSetup(w, message.options, this.utf8);
        return;
      case "goaway":
        this.encodeUri(w, message.uri);
        w.varint(message.timeout);
        if (message.requestId !== undefined) w.varint(message.requestId);
        return;
      case "subscribe":
      case "track_status":
        w.varint(message.requestId);
        encodeFullTrackName(w, message.track);
        encodeParams(w, message.params);
        return;
      case "subscribe_ok":
        w.varint(message.trackAlias);
        encodeParams(w, message.params);
        encodePairs(w, message.properties);
        return;
      case "publish":
        w.varint(message.requestId);
        encodeFullTrackName(w, message.track);
        w.varint(message.trackAlias);
        encodeParams(w, message.params);
        encodePairs(w, message.properties);
        return;
      case "publish_done":
        w.varint(message.status);
        w.varint(message.streamCount);
        this.encodeReason(w, message.reason);
        return;
      case "fetch":
        w.varint(message.requestId);
        encodeFetchRange(w, message.range);
        encodeParams(w, message.params);
        return;
      case "fetch_ok":
        w.u8(message.endOfTrack ? 1 : 0);
        encodeLocation(w, message.end);
        encodeParams(w, message.params);
        encodePairs(w, message.properties);
        return;
      case "publish_namespace":
      case "subscribe_namespace":
      case "subscribe_tracks":
        w.varint(message.requestId);
        encodeNamespace(w, message.namespace);
        encodeParams(w, message.params);
        return;
      case "namespace":
      case "namespace_done":
        encodeNamespace(w, message.suffix);
        return;
      case "publish_blocked":
        encodeFullTrackName(w, { namespace: message.suffix, name: message.name });
        return;
      case "request_update":
        w.varint(message.requestId);
        encodeParams(w, message.params);
        return;
      case "request_ok":
        encodeParams(w, message.params);
        encodePairs(w, message.properties);
        return;
      case "request_error":
        this.encodeRequestError(w, message);
    }
  }

  private decodeGoaway(r: Reader): Goaway {
    const uri = this.utf8.decode(r.bytes(r.length(MAX_URI_BYTES, "the URI of a GOAWAY")));
    const timeout = r.varint();
    // Present on the control stream only: the session checks that.
    const requestId = r.remaining() > 0 ? r.varint() : undefined;
    return { type: "goaway", uri, timeout, requestId };
  }

  private decodeRequestError(r: Reader): RequestError {
    const code = r.varint();
    const retry = r.varint();
    const retryAfter = retry === 0 ? undefined : subVarInt(retry, 1);
    const reason = this.decodeReason(r);
    if (code !== RequestErrorCode.Redirect) {
      return { type: "request_error", code, retryAfter, reason };
    }
    const uri = this.utf8.decode(r.bytes(r.length(MAX_URI_BYTES, "the URI of a redirect")));
    const redirect = { uri, track: decodeFullTrackName(r) };
    return { type: "request_error", code, retryAfter, reason, redirect };
  }

  private encodeRequestError(w: Writer, message: RequestError): void {
    w.varint(message.code);
    w.varint(message.retryAfter === undefined ? 0 : (addVarInt(message.retryAfter, 1) ?? 0));
    this.encodeReason(w, message.reason);
    if (message.code !== RequestErrorCode.Redirect) return;
    const { redirect } = message;
    if (redirect === undefined) throw new RangeError("a REDIRECT says where to");
    this.encodeUri(w, redirect.uri);
    encodeFullTrackName(w, redirect.track);
  }

  private encodeUri(w: Writer, uri: string): void {
    const bytes = this.utf8.encode(uri);
    if (bytes.length > MAX_URI_BYTES) {
      throw new RangeError(`a URI of ${bytes.length} bytes; the limit is ${MAX_URI_BYTES}`);
    }
    w.prefixed(bytes);
  }

  private decodeReason(r: Reader): string {
    return this.utf8.decode(r.bytes(r.length(MAX_REASON_BYTES, "a reason phrase")));
  }

  /** Cut to the limit, at the start of a character. */
  private encodeReason(w: Writer, reason: string): void {
    const bytes = this.utf8.encode(reason);
    let end = Math.min(bytes.length, MAX_REASON_BYTES);
    while (end > 0 && end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end--;
    w.prefixed(bytes.subarray(0, end));
  }
}

function decodeTrackProperties(reader: Reader): Properties {
  const properties = decodePairs(reader);
  checkTrackProperties(properties);
  return properties;
}

function decodeFetch(r: Reader): Fetch {
  const requestId = r.varint();
  const kind = r.varint();
  let range: FetchRange;
  if (kind === 1) {
    const track = decodeFullTrackName(r);
    const start = decodeLocation(r);
    range = { kind: "standalone", track, start, end: decodeLocation(r) };
  } else if (kind === 2) {
    const joined = r.varint();
    range = { kind: "relative_joining", requestId: joined, groups: r.varint() };
  } else if (kind === 3) {
    const joined = r.varint();
    range = { kind: "absolute_joining", requestId: joined, group: r.varint() };
  } else throw violation(`fetch type ${kind} is unknown`);
  return { type: "fetch", requestId, range, params: decodeParams(r, "fetch") };
}

function encodeFetchRange(w: Writer, range: FetchRange): void {
  switch (range.kind) {
    case "standalone":
      w.u8(1);
      encodeFullTrackName(w, range.track);
      encodeLocation(w, range.start);
      encodeLocation(w, range.end);
      return;
    case "relative_joining":
      w.u8(2);
      w.varint(range.requestId);
      w.varint(range.groups);
      return;
    case "absolute_joining":
      w.u8(3);
      w.varint(range.requestId);
      w.varint(range.group);
  }
}
