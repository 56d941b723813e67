import type { Relay } from "@moq-game/node-native";

/** How a host reaches the relay: the relay itself, or an address in front of it. */
export type RelayAddress = Pick<Relay, "url" | "certificateHash">;
