import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect, startRelay } from "@moq-game/node-native";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CHROMIUM_ARGS, findChromium } from "../../tools/chromium.mjs";

const here = new URL(".", import.meta.url).pathname;
const readme = readFileSync(join(here, "../../README.md"), "utf8");
let folder: string;

/** The one block of the README that is marked to run on a host. */
function block(host: string): string {
  const blocks = [...readme.matchAll(/<!-- run: (\w+) -->\n```js\n([\s\S]*?)```/g)];
  const found = blocks.filter(([, name]) => name === host);
  expect(found.length, `blocks marked "run: ${host}"`).toBe(1);
  return found[0]?.[2] ?? "";
}

beforeAll(() => {
  // Inside the package, so that imports resolve as they do for a user who installed it.
  folder = mkdtempSync(join(here, "run-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it("the code for Node runs to its end", async () => {
  const file = join(folder, "server.mjs");
  writeFileSync(file, block("node"));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 60_000 });
  const [, objects] = stdout.match(/read (\d+) objects/) ?? [];
  expect(Number(objects)).toBeGreaterThanOrEqual(120);
  expect(stdout).toContain("the track closed");
});

it("the code for browsers shows the match", async () => {
  const file = join(folder, "page.mjs");
  writeFileSync(file, block("browser"));
  const bundle = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  await using relay = await startRelay();
  await using client = await connect(relay.url, {
    serverCertificateHashes: [relay.certificateHash],
  });
  const poses = client.publish(["match/42", "poses"], { delivery: "latest" });
  const world = client.publish(["match/42", "world"]);
  let tick = 0;
  const loop = setInterval(() => {
    tick += 1;
    poses.send(new Uint8Array(new Float64Array([tick, 0]).buffer));
    if (tick % 30 === 1) world.keyframe(new Uint8Array(100));
    else world.send(new Uint8Array(10));
  }, 16);

  const server = createServer((request, response) => {
    const [type, body] = {
      "/page.js": ["text/javascript", bundle.outputFiles[0]?.text ?? ""] as const,
      "/relay.json": [
        "application/json",
        JSON.stringify({ url: relay.url, certificateHash: relay.certificateHash }),
      ] as const,
    }[request.url ?? ""] ?? ["text/html", '<script type="module" src="/page.js"></script>'];
    response.setHeader("content-type", type);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_ARGS],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    const pose = async () => Number(await page.evaluate("document.body.dataset.pose ?? 0"));
    await expect.poll(pose).toBeGreaterThan(0);
    const before = await pose();
    await expect.poll(pose).toBeGreaterThan(before + 20);
    await expect.poll(() => page.title()).toMatch(/^(snapshot 100|delta 10)$/);
  } finally {
    clearInterval(loop);
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
});
