/** Where the sides of a case run: every client implementation that a test machine has. */
export { type ChromiumHost, startChromium } from "./chromium.js";
export { clientHost, MemoryNetwork, surroundings } from "./memory.js";
export { type NodeTransport, nodeHost } from "./node.js";
export type { RelayAddress } from "./relay-address.js";
export { unrealHost } from "./unreal.js";
