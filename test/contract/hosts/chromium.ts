import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Host, Post } from "@moq-game/contract";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { CHROMIUM_ARGS, findChromium } from "../../../tools/chromium.mjs";
import type { PlayRequest } from "./page.js";
import type { RelayAddress } from "./relay-address.js";

/** A real Chromium with one page that plays any side of a suite's cases. */
export interface ChromiumHost {
  /** `@moq-game/web` on the page, or in a worker of it. */
  host(relay: RelayAddress, worker: boolean): Host;
  close(): Promise<void>;
}

/** `page`: file URL of the page's script, which calls `playInPage` with the suite's cases. */
export async function startChromium(page: URL): Promise<ChromiumHost> {
  const bundle = await build({
    entryPoints: {
      page: fileURLToPath(page),
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
  const tab = await browser.newPage();
  const posts = new Map<string, Post>();
  await tab.exposeFunction("contractTell", (run: string, name: string, value: unknown) => {
    posts.get(run)?.tell(name, value);
  });
  await tab.exposeFunction("contractFail", (run: string) => posts.get(run)?.fail());
  await tab.exposeFunction("contractCut", (run: string) => posts.get(run)?.cut());
  await tab.exposeFunction("contractTold", (run: string, name: string) =>
    posts.get(run)?.told(name),
  );
  await tab.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  await tab.waitForFunction("window.contractPlay !== undefined");
  let runs = 0;
  return {
    host: (relay, worker) => ({
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
          await tab.evaluate((wanted) => window.contractPlay(wanted), request);
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
