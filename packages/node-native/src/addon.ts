import type { NativePort } from "@moq-game/core/native";

/** What the compiled addon exports: the port, and the embedded relay. */
export interface Addon extends NativePort {
  /** Loads moq-ffi from a path; empty, or what went wrong. */
  load(path: string): string;
  /** The relay's handle, or minus the code of the error. */
  relayStart(options: string): number;
  /** JSON; empty when the relay is gone. */
  relayInfo(relay: number): string;
  relayStats(relay: number): string;
  relayStop(relay: number, graceMs: number): Promise<number>;
  /** Whether a relay that runs keeps the process alive; it does at first. */
  relayKeepAlive(relay: number, on: boolean): void;
}
