import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PACKAGES, run, Scratch, tool } from "./scratch.js";

const scratch = new Scratch();

beforeAll(async () => {
  await scratch.pack();
  await scratch.install();
});
afterAll(() => scratch.remove());

describe.each(PACKAGES)("$name", ({ folder, name }) => {
  it("is well formed (publint)", async () => {
    await run(tool("publint"), ["run", scratch.tarball(folder), "--strict"]);
  });

  it("has types that resolve for every kind of user (are the types wrong)", async () => {
    await run(tool("attw"), [scratch.tarball(folder), "--profile", "esm-only"]);
  });

  it("carries no tests and no build records", async () => {
    const files = await run("tar", ["-tzf", scratch.tarball(folder)]);
    expect(files).toMatch(/package\/dist\/index\.js\n/);
    expect(files).toMatch(/package\/dist\/index\.d\.ts\n/);
    expect(files).not.toMatch(/\.test\.|tsbuildinfo|node_modules/);
  });

  it("needs no install script", async () => {
    const manifest = JSON.parse(
      await run("tar", ["-xzOf", scratch.tarball(folder), "package/package.json"]),
    );
    const scripts = Object.keys(manifest.scripts ?? {});
    expect(scripts.filter((script) => /^(pre|post)?install$/.test(script))).toEqual([]);
  });

  it("can be imported from a user's project", async () => {
    const script = `import * as all from "${name}"; console.log(Object.keys(all).length)`;
    const printed = await run(process.execPath, ["-e", script], scratch.project);
    expect(Number(printed)).toBeGreaterThan(0);
  });
});

it.each(["NodeNext", "Bundler"])(
  "type-checks a user's program (module resolution %s)",
  async (mode) => {
    const user = scratch.write(
      "user.ts",
      `import { type Client, MoqError } from "@moq-game/core";
import { connect as connectNode } from "@moq-game/node-native";
import { connect as connectWeb } from "@moq-game/web";

export async function play(url: string, web: boolean): Promise<boolean> {
  const client: Client = await (web ? connectWeb(url) : connectNode(url));
  try {
    const poses = client.publish(["match/1", "poses"], { delivery: "latest" });
    return poses.send(new Uint8Array(3));
  } catch (error) {
    // @ts-expect-error an unknown delivery class is refused by the compiler
    client.publish(["match/1", "poses"], { delivery: "sometimes" });
    return error instanceof MoqError;
  }
}
`,
    );
    const module = mode === "NodeNext" ? "NodeNext" : "ESNext";
    const libs = ["--lib", "ES2022,ESNext.Disposable,DOM", "--target", "ES2022", "--types", ""];
    const options = ["--noEmit", "--strict", "--module", module, "--moduleResolution", mode];
    await run(tool("tsc"), ["--ignoreConfig", ...options, ...libs, user], scratch.project);
  },
);

it("carries an object through the relay that came with the package", async () => {
  const program = scratch.write(
    "relay.mjs",
    `import { connect, startRelay } from "@moq-game/node-native";

const relay = await startRelay();
const client = await connect(relay.url, { serverCertificateHashes: [relay.certificateHash] });
const events = client.publish(["match/1", "events"], { delivery: "reliable" });
await events.ready;
events.keyframe(new Uint8Array([1, 2, 3]));
reading: for await (const batch of client.subscribe(["match/1", "events"])) {
  for (const object of batch) {
    console.log("received", [...object.bytes].join());
    break reading;
  }
}
await client.close();
await relay.close();
`,
  );
  const printed = await run(process.execPath, [program], scratch.project);
  expect(printed).toBe("received 1,2,3\n");
});
