import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Relay } from "@moq-game/node-native";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { CHROMIUM_ARGS, findChromium } from "../../../../tools/chromium.mjs";
import type { Host, Post } from "../../src/index.js";
import type { PlayRequest } from "./chromium-page.js";

/** A real Chromium with one page that plays any side of any case. */
export interface ChromiumHost {
  host(worker: boolean): Host;
  close(): Promise<void>;
}

export async function startChromium(relay: Relay): Promise<ChromiumHost> {
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const bundle = await build({
    entryPoints: {
      page: here("./chromium-page.ts"),
      worker: fileURLToPath(import.meta.resolve("@moq-game/web/worker")),
    },
    outdir: "/",
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  const scripts = new Map(bundle.outputFiles.map((file) => [file.path, file.text]));
  const server = createServer((request, response) => {
    const script = scripts.get(request.url ?? "");
    response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
    response.end(script ?? '<script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_ARGS],
  });
  const page = await browser.newPage();
  const posts = new Map<string, Post>();
  await page.exposeFunction("contractTell", (run: string, name: string, value: unknown) => {
    posts.get(run)?.tell(name, value);
  });
  await page.exposeFunction("contractFail", (run: string) => posts.get(run)?.fail());
  await page.exposeFunction("contractTold", (run: string, name: string) =>
    posts.get(run)?.told(name),
  );
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction("window.contractPlay !== undefined");
  let runs = 0;
  return {
    host: (worker) => ({
      name: worker ? "chromium with a worker" : "chromium",
      async play(contractCase, side, namespace, post) {
        runs += 1;
        const run = String(runs);
        posts.set(run, post);
        const request: PlayRequest = {
          run,
          name: contractCase.name,
          side,
          namespace,
          url: relay.url,
          certificateHash: relay.certificateHash,
          worker,
        };
        try {
          await page.evaluate((wanted) => window.contractPlay(wanted), request);
        } finally {
          posts.delete(run);
        }
      },
    }),
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
