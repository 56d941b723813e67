import type { MoqObject } from "../api.js";

/** Small payloads share buffers of this size: a buffer for each would cost more than its bytes. */
const SHARED_BYTES = 8 * 1024;
/** Larger payloads have a buffer of their own, so that one kept for long does not keep many others. */
const LARGEST_SHARED = 1024;

let shared = new Uint8Array(0);
let used = 0;

/** The object with bytes of its own: they stay as they are, and nothing else shows them. */
export function ownedCopy(object: MoqObject): MoqObject {
  return {
    group: object.group,
    object: object.object,
    subgroup: object.subgroup,
    bytes: copyOf(object.bytes),
    receivedAt: object.receivedAt,
    publishedAt: object.publishedAt,
    keyframe: object.keyframe,
  };
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > LARGEST_SHARED) return bytes.slice();
  if (used + length > shared.length) {
    shared = new Uint8Array(SHARED_BYTES);
    used = 0;
  }
  const copy = new Uint8Array(shared.buffer, used, length);
  copy.set(bytes);
  // A multiple of 8, so that views of wider numbers can be laid over it.
  used += Math.ceil(length / 8) * 8;
  return copy;
}
