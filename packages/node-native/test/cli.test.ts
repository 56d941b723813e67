import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { connect } from "../src/index.js";
import { until } from "./support.js";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

function run(...args: string[]) {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  const seen = { out: "", err: "" };
  child.stdout.on("data", (data: Buffer) => (seen.out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (seen.err += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, seen, ended };
}

test("`moq-game relay` prints address and hash, serves, and leaves gracefully", async () => {
  const { child, seen, ended } = run("relay", "--listen", "127.0.0.1:0", "--drain", "100");
  await until(
    () => /http {9}http:/.test(seen.out),
    () => `no banner in ${seen.out}${seen.err}`,
  );
  const url = /url +(\S+)/.exec(seen.out)?.[1] ?? "";
  const hash = /sha-256 +(\S+)/.exec(seen.out)?.[1] ?? "";
  const http = /http +(\S+)/.exec(seen.out)?.[1] ?? "";
  const served = await (await fetch(`${http}certificate.sha256`)).text();
  expect(served.trim()).toBe(hash);
  const options = { serverCertificateHashes: [hash], reconnect: false };
  const client = await connect(url, options);
  child.kill("SIGINT");
  expect(await ended).toBe(0);
  await until(() => client.state === "closed");
});

test("--help says what the stand-alone relay says of the same options", async () => {
  const file = new URL("../../../native/moqt-relay/src/cli/options.txt", import.meta.url);
  const help = run("relay", "--help");
  expect(await help.ended).toBe(0);
  expect(help.seen.out).toContain(readFileSync(file, "utf8"));
});

test("--help tells every option; mistakes are one line and a hint", async () => {
  const help = run("relay", "--help");
  expect(await help.ended).toBe(0);
  for (const flag of ["--listen", "--cert", "--tokens", "--drain", "--max-sessions", "--http"]) {
    expect(help.seen.out).toContain(flag);
  }
  for (const args of [[], ["dance"], ["relay", "--port", "1"], ["relay", "--drain", "soon"]]) {
    const wrong = run(...args);
    expect(await wrong.ended, args.join(" ")).toBe(2);
    expect(wrong.seen.err).toMatch(/^moq-game: .+\nTry: moq-game --help\n$/);
  }
  const bad = run("relay", "--listen", "nowhere");
  expect(await bad.ended).toBe(1);
  expect(bad.seen.err).toContain("127.0.0.1:4443");
});

test("`moq-game impair` stands between clients and a relay, and counts", async () => {
  const relay = run("relay", "--listen", "127.0.0.1:0", "--drain", "0");
  await until(() => /http {9}http:/.test(relay.seen.out));
  const port = /url +https:\/\/127\.0\.0\.1:(\d+)/.exec(relay.seen.out)?.[1] ?? "";
  const hash = /sha-256 +(\S+)/.exec(relay.seen.out)?.[1] ?? "";
  const impair = run("impair", "--target", `127.0.0.1:${port}`, "--loss", "2%", "--json");
  await until(() => /seed/.test(impair.seen.err));
  const front = /connect to +(\S+)/.exec(impair.seen.err)?.[1] ?? "";
  const client = await connect(`https://${front}`, { serverCertificateHashes: [hash] });
  await client.close();
  impair.child.kill("SIGINT");
  expect(await impair.ended).toBe(0);
  const stats = JSON.parse(impair.seen.out);
  expect(stats.up.packetsIn).toBeGreaterThan(2);
  expect(stats.down.packetsIn).toBeGreaterThan(2);
  const wrong = run("impair", "--target", "127.0.0.1:1", "--loss", "300%");
  expect(await wrong.ended).toBe(2);
  expect(wrong.seen.err).toContain("--loss takes a share");
});
