// What docs/moq-ffi.md, docs/unreal.md and the headers promise to tell: a function, a class, a code or a version that they do
// not know fails here.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./lib/paths.mjs";
import { libraryVersion } from "./lib/sdk/crates.mjs";
import { declaredFunctions } from "./lib/sdk/inspect.mjs";

const header = join(root, "native", "moq-ffi", "include", "moq_ffi.h");
const declarations = readFileSync(header, "utf8");
const document = readFileSync(join(root, "docs", "moq-ffi.md"), "utf8");

/** The text below a heading, up to the next one of its level. */
function section(name) {
  const [, after] = document.split(`\n## ${name}\n`);
  expect(after, `"## ${name}" of docs/moq-ffi.md`).toBeDefined();
  return after.split("\n## ")[0];
}

/** The cells of a section's tables, headings and rules left out. */
function rows(name) {
  const lines = section(name)
    .split("\n")
    .filter((line) => line.startsWith("|") && !line.startsWith("|---"));
  return lines.slice(1).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("the document of the library", () => {
  it("says of every function on which threads it may be called and for what it waits", () => {
    const named = rows("Threads").flatMap(([functions, waits, inside]) => {
      expect(waits?.length, functions).toBeGreaterThan(0);
      expect(inside?.length, functions).toBeGreaterThan(0);
      return [...functions.matchAll(/`(moq_\w+)`/g)].map(([, name]) => name);
    });
    expect(named.sort()).toEqual(declaredFunctions(header));
  });

  it("says who owns memory, and of every error code its cause and what to do, in the header", () => {
    expect(declarations).toContain("Memory that a caller gives is used during the call only");
    const codes = [...declarations.matchAll(/^ {2}\/\/ (.+)\n {2}MOQ_ERROR_(\w+) = \d+,/gm)];
    expect(codes.length).toBeGreaterThanOrEqual(24);
    expect(codes.length).toBe([...declarations.matchAll(/^ {2}MOQ_ERROR_\w+ = /gm)].length);
    const [, advice] = declarations.split("Errors: what to do next.");
    const told = [...advice.matchAll(/^ \* {3}([A-Z_]+) {2,}(\S.{9,})$/gm)];
    expect(told.map(([, name]) => name)).toEqual(codes.map(([, , name]) => name));
  });

  it("has a policy for versions, which knows this one", () => {
    const policy = section("What stays as it is");
    for (const promise of ["enums keep their numbers", "struct_size", "deprecated"])
      expect(policy).toContain(promise);
    const abi = /^#define MOQ_ABI_VERSION (\d+)/m.exec(declarations)?.[1];
    const minor = libraryVersion().split(".").slice(0, 2).join(".");
    const [newest] = rows("What stays as it is");
    expect(newest?.slice(0, 3)).toEqual([minor, abi, "draft-18"]);
  });

  it("leads from the predecessor to this library, and on to records", () => {
    const guide = section("Coming from the predecessor");
    const inherited = rows("Threads").flatMap(
      ([names]) => names.match(/moq_(?:connect|subscribe)\b/g) ?? [],
    );
    expect(inherited).toEqual(expect.arrayContaining(["moq_connect", "moq_subscribe"]));
    for (const name of [...inherited, "moq_client_open", "moq_subscription_open", "moq_poll"])
      expect(guide).toContain(`\`${name}\``);
  });

  it("helps when something goes wrong", () => {
    const troubles = rows("When something goes wrong");
    expect(troubles.length).toBeGreaterThanOrEqual(10);
    for (const [seen, help] of troubles) expect(help?.length, seen).toBeGreaterThan(20);
  });
});

/** All text of the files below a folder whose names match. */
function textUnder(folder, pattern) {
  const names = readdirSync(folder, { recursive: true }).map(String);
  const texts = names
    .filter((name) => pattern.test(name))
    .map((name) => readFileSync(join(folder, name), "utf8"));
  return texts.join("\n");
}

describe("the documents of the Unreal plugin", () => {
  const unreal = join(root, "engine-plugins", "unreal");
  const headers = textUnder(join(unreal, "Moq", "Source"), /\.h$/);
  const words = new Set(headers.match(/\w+/g));
  const guide = readFileSync(join(root, "docs", "unreal.md"), "utf8");
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const [before, coming] = guide.split("\n## Coming from UnrealMoQ\n");
  const [mapping, after] = coming.split("\n## What was proved, and what was not\n");
  const mapped = mapping
    .split("\n")
    .filter((line) => /^\| (?!there \|)/.test(line))
    .map((line) => line.split(" | ").map((cell) => cell.replace(/^\||\|$/g, "").trim()));
  const ours = mapped.map(([, here]) => here).join("\n");
  const theirs = mapped.map(([there]) => there).join("\n");

  it("name only what its headers have", () => {
    const texts = [before, ours, after, readme].join("\n");
    const names = new Set(texts.match(/\b[UFE]Moq\w+(?:::\w+)?/g));
    expect(names.size).toBeGreaterThan(20);
    for (const name of names) {
      const [type, member] = name.split("::");
      expect(headers, name).toMatch(
        new RegExp(`\\b(class|struct|enum class)( MOQ_API)? ${type}\\b`),
      );
      if (member) expect(words.has(member), name).toBe(true);
    }
  });

  it("name nodes as they are called in the editor", () => {
    const displayed = [...headers.matchAll(/DisplayName = "([^"]*MoQ[^"]*)"/g)].map(
      ([, name]) => name,
    );
    expect(displayed.length).toBeGreaterThanOrEqual(6);
    for (const text of [before, ours, after, readme]) {
      for (const [, name] of text.matchAll(/(?<!\*)\*([^*\n]*MoQ[^*\n]*)\*(?!\*)/g))
        expect(displayed).toContain(name);
    }
    for (const name of displayed.filter((each) => each !== "MoQ"))
      expect(guide).toContain(`*${name}*`);
  });

  it("name pins, options and console variables that there are", () => {
    // As the editor writes them: bAskToken is "Ask Token".
    const shown = new Set([...words].map((word) => word.replace(/^b(?=[A-Z])/, "")));
    const [, blueprints] = guide.split("\n## Blueprints\n");
    const [section] = blueprints.split("\n## ");
    const pins = [...section.matchAll(/`([A-Z][A-Za-z ]+)`/g)].map(([, name]) => name);
    expect(pins.length).toBeGreaterThan(12);
    const engine = new Set(["BeginPlay", "EndPlay"]);
    for (const pin of pins) {
      const word = pin.replaceAll(" ", "");
      expect(engine.has(word) || shown.has(word), pin).toBe(true);
    }
    const sources = textUnder(join(unreal, "Moq", "Source"), /\.cpp$/);
    const variables = new Set(guide.match(/\bmoq\.[A-Z][\w.]+\w/g));
    expect(variables.size).toBeGreaterThanOrEqual(4);
    for (const variable of variables) expect(sources).toContain(`TEXT("${variable}")`);
  });

  it("quote what the log says", () => {
    const core = textUnder(join(unreal, "Moq", "Source"), /(Library|MoqModule)\.cpp$/).replace(
      /"\s*\n\s*"/g,
      "",
    );
    const scripts = readFileSync(join(root, "packages", "unreal", "src", "bridge.ts"), "utf8");
    const rules = textUnder(join(unreal, "Moq", "Source"), /\.Build\.cs$/);
    for (const [said, where] of [
      ["there is no such file", core],
      ["may be built for another platform, or lack a library that it needs", core],
      ["is of another version", core],
      ["The plugin MoqPuerts was not found", scripts],
      ["is not the file that SHA256SUMS records", rules],
    ]) {
      expect(guide).toContain(said);
      expect(where).toContain(said);
    }
  });

  it("map everything that the predecessor had", () => {
    // Its classes, functions, events, enums and values, as its headers declare them.
    const had = [
      "UMoqClient UMoqPublisher UMoqSubscriber UMoqBlueprintLibrary UMoqAutomationBlueprintLibrary",
      "UMoqConnectClientAsyncAction UMoqSubscribeWithRetryAsyncAction FMoqResult bSuccess ErrorMessage",
      "EMoqConnectionState EMoqDeliveryMode Stream Datagram CreateMoqClient Connect Disconnect IsConnected",
      "AnnounceNamespace CreatePublisher Subscribe PublishData PublishText OnConnectionStateChanged",
      "OnTrackAnnounced OnDataReceived OnTextReceived InitializeFromHandle GetMoqVersion GetLastError",
      "BytesToString StringToBytes OnConnected OnFailed OnSubscribed TimeoutSeconds MaxAttempts",
      "RetryDelaySeconds Cancel PumpMoqEventLoop UnrealMoQTests",
    ];
    for (const name of had.join(" ").split(" "))
      expect(theirs, name).toMatch(new RegExp(`\\b${name}\\b`));
    for (const [there, here] of mapped) expect(here?.length, there).toBeGreaterThan(5);
    // What stands for it exists.
    for (const [, name] of ours.matchAll(/`([A-Z]\w+|b[A-Z]\w+)`/g)) {
      const known = words.has(name) || ["Connected", "Disconnected", "Failed"].includes(name);
      expect(known || name === "MoqTests", name).toBe(true);
    }
  });

  it("help when something goes wrong", () => {
    const [, troubles] = guide.split("\n## When it does not work\n");
    const lines = troubles.split("\n## ")[0].split("\n");
    const cells = lines.filter((line) => line.startsWith("| ")).slice(1);
    expect(cells.length).toBeGreaterThanOrEqual(15);
    for (const line of cells) expect(line.split(" | ").length, line).toBe(3);
  });
});
