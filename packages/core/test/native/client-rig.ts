/** A client over a port that does what a test says, on a clock and a scheduler of the test's. */
import { beforeEach } from "vitest";
import { ERROR_CODES } from "../../src/errors.js";
import { NativeClient } from "../../src/native/client.js";
import { RecordFlag, RecordKind } from "../../src/native/records.js";
import { FakePort, type FakeRecord } from "./fake-port.js";

export const TRACK = ["match/42", "world"] as const;

/** Of the test that runs. */
export let port: FakePort;
/** What the host was asked to run, and has not run yet. */
export let scheduled: (() => void)[];
/** ms of the host's clock. */
export let now: number;

beforeEach(() => {
  port = new FakePort();
  scheduled = [];
  now = 0;
});

export function host() {
  return {
    now: () => now,
    schedule: (run: () => void) => {
      scheduled.push(run);
    },
  };
}

/** Runs what was scheduled, like the host's next turn. */
export function turn(): void {
  const all = scheduled;
  scheduled = [];
  for (const run of all) run();
}

/** Lets the host's clock go on. */
export function pass(ms: number): void {
  now += ms;
}

/** Until promises that are settled have been heard. */
export const settle = (): Promise<void> => new Promise((done) => setTimeout(done));

export function open(): NativeClient {
  const client = new NativeClient(port, host(), "{}");
  port.opened(client.handle);
  return client;
}

export function object(handle: number, id: number, payload = Uint8Array.of(id)): FakeRecord {
  const flags = id === 0 ? RecordFlag.Keyframe : 0;
  return { kind: RecordKind.Object, handle, group: 1, object: id, flags, payload };
}

export function end(handle: number, code: keyof typeof ERROR_CODES = "ok"): FakeRecord {
  return {
    kind: RecordKind.End,
    handle,
    code: ERROR_CODES[code],
    payload: { message: `ended: ${code}`, retryable: false },
  };
}
