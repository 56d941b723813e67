import type { Client, MoqObject } from "@moq-game/core";
import { expect, it, vi } from "vitest";
import { AHEAD, type ToPage } from "./worker-protocol.js";
import { serveWorker } from "./worker-server.js";

const connectHere = vi.hoisted(() => vi.fn());
vi.mock("./connect.js", () => ({ connectHere }));

const settled = () => new Promise((resolve) => setTimeout(resolve));

/** A worker over a client that knows nothing but an endless fetch, and what it posted. */
async function served() {
  const made = { batches: 0, returned: false };
  const batch = (): readonly MoqObject[] => [
    {
      group: made.batches++,
      object: 0,
      subgroup: 0,
      bytes: new Uint8Array(10),
      receivedAt: 0,
      publishedAt: undefined,
      keyframe: true,
    },
  ];
  const iterator: AsyncIterator<readonly MoqObject[]> = {
    next: async () =>
      made.returned ? { done: true, value: undefined } : { done: false, value: batch() },
    return: async () => {
      made.returned = true;
      return { done: true, value: undefined };
    },
  };
  const client = {
    onState: () => () => {},
    close: async () => {},
    fetch: () => ({ [Symbol.asyncIterator]: () => iterator }),
  } as unknown as Client;
  connectHere.mockResolvedValue(client);
  const posted: ToPage[] = [];
  const receive = serveWorker(
    (message) => posted.push(message),
    () => {},
  );
  const options = {
    token: undefined,
    reconnect: false as const,
    serverCertificateHashes: [],
    connectTimeout: 1_000,
    requestTimeout: 30_000,
    keepAlive: 0,
    idleTimeout: 1_000,
    maxObjectSize: 1_000,
  };
  receive({ type: "connect", url: "https://127.0.0.1:1", options });
  await settled();
  const close = async (): Promise<void> => {
    receive({ type: "close", call: 1, flush: 0 });
    await settled();
  };
  const objects = (): number => posted.filter(({ type }) => type === "objects").length;
  return { receive, posted, objects, made, close };
}

it("reads of a fetch only what the page has room for", async () => {
  const { receive, objects, made, close } = await served();
  const track = { namespace: ["m"], name: "w" };
  const options = { fromGroup: 0, toGroup: 9, order: "ascending", priority: 128 } as const;
  receive({ type: "fetch", id: 5, track, options });
  await settled();
  expect([objects(), made.batches]).toEqual([AHEAD.fetch, AHEAD.fetch]);
  receive({ type: "more", id: 5, count: 3 });
  await settled();
  expect([objects(), made.batches]).toEqual([AHEAD.fetch + 3, AHEAD.fetch + 3]);
  receive({ type: "stop", id: 5 });
  await settled();
  expect(made.returned).toBe(true);
  expect(objects()).toBe(AHEAD.fetch + 3);
  await close();
});
