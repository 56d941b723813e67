import { describe, expect, test } from "vitest";
import { end, object, open, port, TRACK } from "../../test/native/client-rig.js";
import { RecordFlag, RecordKind } from "./records.js";

describe("requests", () => {
  test("discovery tells what appears and goes, and ends with the client", async () => {
    const client = open();
    const changes = client.discover("match/")[Symbol.asyncIterator]();
    const first = changes.next();
    port.tell(
      { kind: RecordKind.Namespace, handle: 2, payload: ["match", "1"] },
      {
        kind: RecordKind.Namespace,
        handle: 2,
        payload: ["match", "1"],
        flags: RecordFlag.Removed,
      },
    );
    expect(await first).toEqual({
      done: false,
      value: { kind: "added", namespace: ["match", "1"] },
    });
    expect((await changes.next()).value).toEqual({ kind: "removed", namespace: ["match", "1"] });
    const last = changes.next();
    await client.close();
    expect(await last).toEqual({ done: true, value: undefined });
    expect(() => client.discover("match/")).toThrow(expect.objectContaining({ code: "closed" }));
  });

  test("a flood of namespaces is held back until it is read", async () => {
    const client = open();
    const changes = client.discover("")[Symbol.asyncIterator]();
    const many = Array.from({ length: 4_096 }, (_, n) => ({
      kind: RecordKind.Namespace,
      handle: 2,
      payload: [`n${n}`],
    }));
    port.tell(...many);
    expect(port.held.has(2)).toBe(true);
    for (let i = 0; i < 4_096; i++) await changes.next();
    expect(port.held.has(2)).toBe(false);
  });

  test("fetch gives batches, then ends; a refusal throws", async () => {
    const client = open();
    const past = client.fetch(TRACK, { fromGroup: 1, toGroup: 2 });
    const reading = (async () => {
      const ids: number[] = [];
      for await (const batch of past) ids.push(...batch.map((o) => o.object));
      return ids;
    })();
    port.tell(object(2, 0), object(2, 1), end(2));
    expect(await reading).toEqual([0, 1]);
    const failing = client.fetch(TRACK, { fromGroup: 1, toGroup: 2 })[Symbol.asyncIterator]();
    const next = failing.next();
    port.tell(end(3, "not_found"));
    await expect(next).rejects.toMatchObject({ code: "not_found" });
  });

  test("status answers, or rejects", async () => {
    const client = open();
    const asking = client.status(TRACK);
    port.tell(
      {
        kind: RecordKind.Status,
        handle: 2,
        flags: RecordFlag.HasLargest,
        group: 5,
        object: 6,
        payload: { delivery: "latest" },
      },
      end(2),
    );
    expect(await asking).toEqual({ largest: { group: 5, object: 6 }, delivery: "latest" });
    const failing = client.status(TRACK);
    port.tell(end(3, "not_found"));
    await expect(failing).rejects.toMatchObject({ code: "not_found" });
    const abort = new AbortController();
    const aborted = client.status(TRACK, { signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: "cancelled" });
  });
});
