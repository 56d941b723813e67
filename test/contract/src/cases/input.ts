import type { Client } from "@moq-game/core";
import { collect } from "../collect.js";
import { publishing } from "../opening.js";
import { type ContractCase, check, equal, failure, until } from "../role.js";

type Loose = Record<string, (...given: unknown[]) => unknown>;

/** What callers get wrong, and the word that the message must contain. */
const MISTAKES: readonly [what: string, run: (client: Loose) => unknown, word: string][] = [
  ["unknown option", (client) => client["publish"]?.(["a", "t"], { delivry: "latest" }), "delivry"],
  ["wrong class", (client) => client["publish"]?.(["a", "t"], { delivery: "fast" }), "latest"],
  ["wrong type", (client) => client["publish"]?.(["a", "t"], { priority: "high" }), "priority"],
  ["out of range", (client) => client["subscribe"]?.(["a", "t"], { priority: 256 }), "255"],
  [
    "not a start",
    (client) => client["subscribe"]?.(["a", "t"], { start: "newest" }),
    "latest-group",
  ],
  ["negative", (client) => client["subscribe"]?.(["a", "t"], { wait: -1 }), "wait"],
  ["empty field", (client) => client["publish"]?.(["a//b", "t"]), "empty"],
  ["many fields", (client) => client["publish"]?.([Array(40).fill("x"), "t"]), "32"],
  ["long name", (client) => client["subscribe"]?.(["a", "n".repeat(5_000)]), "4,?096"],
  ["no track", (client) => client["publish"]?.("a"), "track"],
];

export const inputCases: readonly ContractCase[] = [
  {
    name: "input: every mistake gives one error that names it, and changes nothing",
    async publisher(role) {
      await role.told("done");
    },
    async subscriber(role) {
      for (const [what, run, word] of MISTAKES) {
        const error = await failure(what, () => run(role.client as Client & Loose));
        equal(error.code, "invalid_argument", `${what}: code`);
        check(
          new RegExp(word, "i").test(error.message),
          `${what}: the message does not say ${word}: ${error.message}`,
        );
      }
      equal(role.client.state, "open", "state");
      equal(role.client.stats().publications.length, 0, "publications");
      equal(role.client.stats().subscriptions.length, 0, "subscriptions");
      role.tell("done");
    },
  },
  {
    name: "input: one trailing slash of a namespace is ignored, fields may be given as an array",
    async publisher(role) {
      const track = role.client.publish([`${role.namespace}/x/`, "t"]);
      equal(track.namespace, [...role.namespace.split("/"), "x"], "namespace");
      equal(track.name, "t", "name");
      await track.ready;
      role.tell("published");
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const subscription = role.client.subscribe([[...role.namespace.split("/"), "x"], "t"]);
      await subscription.ready;
      role.tell("done");
    },
  },
  {
    name: "input: what is not bytes is refused",
    async publisher(role) {
      const track = role.client.publish([role.namespace, "t"]);
      await track.ready;
      for (const wrong of ["text", 7, undefined, [1, 2]]) {
        const error = await failure(`send ${typeof wrong}`, () => track.send(wrong as never));
        equal(error.code, "invalid_argument", "code");
      }
    },
    async subscriber() {},
  },
  {
    name: "input: bytes whose buffer was transferred are refused, empty ones are not",
    async publisher(role) {
      const track = await publishing(role, "t", { delivery: "reliable" });
      const gone = detached();
      for (const call of ["send", "keyframe"] as const) {
        const error = await failure(call, () => track[call](gone));
        equal(error.code, "invalid_argument", `${call}: code`);
        check(/transferred/.test(error.message), `${call}: ${error.message}`);
      }
      track.send(new Uint8Array(0));
      await role.told("done");
    },
    async subscriber(role) {
      await role.told("published");
      const subscription = role.client.subscribe([role.namespace, "t"]);
      await subscription.ready;
      role.tell("subscribed");
      const seen = collect(subscription);
      await until(
        role,
        () => seen.numbers.length > 0,
        () => "no object came",
      );
      equal(seen.numbers, [-1], "objects");
      role.tell("done");
    },
  },
];

/** An array as it is left when its buffer was transferred; growing a memory does that to its buffer everywhere. */
function detached(): Uint8Array {
  type Memory = new (size: object) => { readonly buffer: ArrayBuffer; grow(pages: number): number };
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: Memory } };
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer, 0, 100);
  memory.grow(1);
  return bytes;
}
