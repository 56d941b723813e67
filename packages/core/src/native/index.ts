export { NativeClient } from "./client.js";
export { connectNative, nativeClientOptions } from "./connect.js";
export {
  NATIVE_ABI_VERSION,
  type NativeHost,
  type NativePort,
  type NativeRequest,
  POLL_TOO_SMALL,
  PUBLISH_KEYFRAME,
} from "./port.js";
export { RECORD_HEADER_SIZE, RecordCursor, RecordFlag, RecordKind } from "./records.js";
