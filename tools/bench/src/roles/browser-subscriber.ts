/** One subscriber in Chromium. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Page as BrowserPage, chromium } from "playwright-core";
import { WebSocketServer } from "ws";
import { CHROMIUM_ARGS, findChromium } from "../../../chromium.mjs";
import { monotonic } from "../meter/clock.js";
import type { Page, PageOrder } from "../page/page.js";
import { play } from "./role.js";

const JOINS = 20;

type Bench = { bench: Page };

/** The page and its scripts on a loopback port; a WebSocket of it hears how far the page is. */
async function serve(acks: string): Promise<string> {
  const here = dirname(fileURLToPath(import.meta.url));
  const web = fileURLToPath(new URL("worker.js", import.meta.resolve("@moq-game/web")));
  const { outputFiles } = await build({
    entryPoints: { page: join(here, "../page/page.js"), worker: web },
    bundle: true,
    format: "esm",
    target: "es2021",
    write: false,
    outdir: "out",
    logLevel: "silent",
  });
  const files = new Map(
    outputFiles.map((file) => [`/${file.path.split(/[\\/]/).pop()}`, file.text]),
  );
  const server = createServer((request, response) => {
    const script = files.get(new URL(request.url ?? "/", "http://localhost").pathname);
    response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
    response.end(
      script ?? '<!doctype html><title>bench</title><script type="module" src="/page.js"></script>',
    );
  });
  const publisher = connect(acks);
  publisher.on("error", () => {});
  new WebSocketServer({ server }).on("connection", (socket) => {
    socket.on("message", (text: Buffer) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt(text.toString()));
      publisher.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** µs from the page's clock to ours: of several looks, the one that took the shortest. */
async function clockOffset(page: BrowserPage): Promise<number> {
  let best = { took: Number.POSITIVE_INFINITY, offset: 0 };
  for (let i = 0; i < 20; i++) {
    const before = monotonic();
    const there = await page.evaluate(() => (globalThis as unknown as Bench).bench.now());
    const took = monotonic() - before;
    if (took < best.took) best = { took, offset: before + took / 2 - there };
  }
  return best.offset;
}

play(async (args) => {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("no Chromium");
  const address = await serve(args.acks ?? "");
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_ARGS] });
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(String(error)));
  await page.goto(`http://${address}/`);
  await page.waitForFunction(() => "bench" in globalThis, undefined, { timeout: 20_000 });
  const order: PageOrder = {
    over: args.over as PageOrder["over"],
    url: String(args.url),
    worker: args.worker === true,
    acks: `ws://${address}/`,
    window: args.load.window,
    joins: args.load.rate > 0 ? JOINS : 0,
    ...(args.certificateHash === undefined ? {} : { certificateHash: args.certificateHash }),
  };
  const offset = await clockOffset(page);
  await page.evaluate(([what, by]) => (globalThis as unknown as Bench).bench.subscribe(what, by), [
    order,
    offset,
  ] as const);
  return {
    measure: () => {
      page.evaluate(() => (globalThis as unknown as Bench).bench.measure()).catch(console.error);
    },
    stop: () => page.evaluate(() => (globalThis as unknown as Bench).bench.result()),
  };
});
