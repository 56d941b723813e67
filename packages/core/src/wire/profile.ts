import type { Reader, Writer } from "./cursor.js";
import type { Message, MessageType } from "./message.js";
import type { FetchItem, ObjectDatagram, SubgroupHeader, SubgroupObject } from "./object.js";
import type { GroupOrder } from "./params.js";
import type { VarInt } from "./varint.js";

/** What a unidirectional stream carries, from its first integer. */
export type StreamKind = "control" | "subgroup" | "fetch" | "padding";

/** How a unidirectional stream begins. Nothing of a control stream is consumed. */
export type StreamHeader =
  | { readonly kind: "control" | "padding" }
  | { readonly kind: "subgroup"; readonly header: SubgroupHeader }
  | { readonly kind: "fetch"; readonly requestId: VarInt };

/** Where the payload of a message lies, as offsets. */
export interface MessageHead {
  readonly type: MessageType;
  readonly start: number;
  readonly end: number;
}

/** Bounds for decoding data streams. */
export interface ObjectLimits {
  /** Largest payload in bytes. */
  readonly maxObjectSize: number;
  /** Largest properties in bytes. */
  readonly maxPropertiesSize: number;
}

/**
 * Cuts a data stream into whole items. Bytes go in with `push`, items come out of `next` until it
 * gives `undefined`: then it needs more bytes. Throws `WireError`.
 */
export interface ItemDecoder<T> {
  push(bytes: Uint8Array): void;
  next(): T | undefined;
  /** Bytes held for an item that is not whole. */
  buffered(): number;
  /** The size of an object over the limits, once it was met: `next` then gives nothing more. */
  oversize(): VarInt | undefined;
  /** The stream ended with FIN: throws when that is in the middle of an item. */
  finish(): void;
}

/** Writes items of one data stream; deltas refer to the item before. */
export interface ItemEncoder<T> {
  /** Appends all of `item` but its payload, which the caller sends after it. */
  encode(writer: Writer, item: T): void;
}

/**
 * What differs between drafts: how messages, headers and objects are laid out. A session knows a
 * profile and no draft.
 */
export interface DraftProfile {
  /** Number of the draft. */
  readonly draft: number;
  /** ALPN token, also the name in the WebTransport protocol list. */
  readonly protocol: string;
  /** What a unidirectional stream is; throws for an unknown type. */
  streamKind(type: VarInt): StreamKind;
  /** Reads the type and the header of a unidirectional stream; throws Truncated for too few bytes. */
  decodeStreamHeader(reader: Reader): StreamHeader;
  /** The kind of message behind a type; throws for an unknown one. */
  messageType(type: VarInt): MessageType;
  /**
   * Reads type and length of the message that begins at `at`; `undefined` until they are within
   * `end`. An unknown type throws as soon as it is there: garbage ends the session at once.
   */
  messageHead(bytes: Uint8Array, at: number, end: number): MessageHead | undefined;
  /** Decodes the payload of a message, all of it. */
  decodeMessage(type: MessageType, payload: Reader): Message;
  /** Appends type, length and payload. Throws RangeError when the message is over 65,535 bytes. */
  encodeMessage(writer: Writer, message: Message): void;
  /** Decodes what follows the stream type; throws Truncated for too few bytes. */
  decodeSubgroupHeader(type: VarInt, reader: Reader): SubgroupHeader;
  encodeSubgroupHeader(writer: Writer, header: SubgroupHeader): void;
  subgroupDecoder(header: SubgroupHeader, limits: ObjectLimits): ItemDecoder<SubgroupObject>;
  subgroupEncoder(header: SubgroupHeader): ItemEncoder<SubgroupObject>;
  /** Decodes the request id that follows the stream type. */
  decodeFetchHeader(reader: Reader): VarInt;
  encodeFetchHeader(writer: Writer, requestId: VarInt): void;
  fetchDecoder(order: GroupOrder, limits: ObjectLimits): ItemDecoder<FetchItem>;
  fetchEncoder(order: GroupOrder): ItemEncoder<FetchItem>;
  /** `undefined` for a padding datagram. */
  decodeDatagram(bytes: Uint8Array): ObjectDatagram | undefined;
  /** Appends the whole datagram, payload included. */
  encodeDatagram(writer: Writer, datagram: ObjectDatagram): void;
}
