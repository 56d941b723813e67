// For hosts without a text encoder of their own.
export { decodeUtf8, encodeUtf8 } from "../wire/utf8.js";
export { NativeClient } from "./client.js";
export { connectNative, nativeClientOptions } from "./connect.js";
export {
  NATIVE_ABI_VERSION,
  type NativeHost,
  type NativePort,
  type NativeRequest,
  type NativeTurn,
  POLL_TOO_SMALL,
  PUBLISH_KEYFRAME,
} from "./port.js";
export { RECORD_HEADER_SIZE, RecordCursor, RecordFlag, RecordKind } from "./records.js";
export { type TrustOptions, trustFields } from "./trust.js";
