import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

/** What runs inside: no globals but those of ECMAScript 2021, `console` and the two timer functions. */
const SCRIPT = `
  (async () => {
    const host = {
      now: () => Date.now(),
      setTimer: (run, ms) => setTimeout(run, ms),
      clearTimer: (handle) => clearTimeout(handle),
      log: (level, message) => console.log(level, message),
    };
    const [a, b] = await core.connectedPair(host);
    const results = {};
    for (const delivery of ["reliable", "latest", "deadline", "datagram"]) {
      const track = a.publish(["spiel/ä", delivery], { delivery });
      const reader = b.subscribe(["spiel/ä", delivery]);
      await track.ready;
      await reader.ready;
      track.send(Uint8Array.of(1, 2, 3));
      track.send(Uint8Array.of());
      const got = [];
      for await (const batch of reader) {
        for (const object of batch) got.push(object.bytes.length);
        if (got[got.length - 1] === 0) break;
      }
      results[delivery] = got;
    }
    const missing = b.subscribe(["spiel", "fehlt"]);
    results.missing = await missing.ready.catch((error) => error.code);
    results.wrong = (() => {
      try { b.subscribe("nur ein Text"); } catch (error) { return error instanceof core.MoqError; }
    })();
    await Promise.all([a.close(), b.close()]);
    results.states = [a.state, b.state];
    return JSON.stringify(results);
  })()
`;

describe("a bare JavaScript context", () => {
  it.each(["iife", "cjs"] as const)("runs the bundled package (%s)", async (format) => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL("./index.ts", import.meta.url))],
      bundle: true,
      format,
      target: "es2022",
      globalName: "core",
      write: false,
      logLevel: "silent",
    });
    const bundle = outputFiles[0]?.text ?? "";
    const lines: unknown[] = [];
    const exported = { exports: {} };
    const context = createContext({
      console: { log: (...line: unknown[]) => lines.push(line) },
      setTimeout,
      clearTimeout,
      ...(format === "cjs" ? { module: exported, exports: exported.exports } : {}),
    });
    for (const name of [
      "TextEncoder",
      "AbortController",
      "EventTarget",
      "queueMicrotask",
      "performance",
    ]) {
      expect(runInContext(`typeof ${name}`, context)).toBe("undefined");
    }
    runInContext(bundle, context);
    if (format === "cjs") runInContext("var core = module.exports;", context);
    const results = JSON.parse((await runInContext(SCRIPT, context)) as string);
    expect(results.reliable).toEqual([3, 0]);
    for (const delivery of ["latest", "deadline", "datagram"]) {
      expect(results[delivery][results[delivery].length - 1]).toBe(0);
    }
    expect(results).toMatchObject({
      missing: "not_found",
      wrong: true,
      states: ["closed", "closed"],
    });
    expect(lines.length).toBeGreaterThan(0);
  });
});
