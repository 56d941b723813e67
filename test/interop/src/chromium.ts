/** Real Chromiums with pages of this folder. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { CHROMIUM_ARGS, findChromium } from "../../../tools/chromium.mjs";
import type { Urls } from "./page.js";
import type { RelayControl } from "./probes/index.js";

/** Plays any probe. */
export interface ProbePage {
  probe(
    name: string,
    namespace: string,
    urls: Urls,
    hash: string,
    relay: RelayControl,
  ): Promise<string | undefined>;
  close(): Promise<void>;
}

/** A real Chromium with a page that runs `script`, one of this folder; `ready` is a global that it sets. */
export async function openPage(script: string, ready: string) {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL(script, import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  const text = bundle.outputFiles[0]?.text ?? "";
  const server = createServer((request, response) => {
    const asked = request.url === "/page.js";
    response.setHeader("content-type", asked ? "text/javascript" : "text/html");
    response.end(asked ? text : '<script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_ARGS],
  });
  const page = await browser.newPage();
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction(`window.${ready} !== undefined`);
  return {
    page,
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

export async function openProbePage(): Promise<ProbePage> {
  const { page, close } = await openPage("./page.ts", "interopProbe");
  let restart: (() => Promise<void>) | undefined;
  await page.exposeFunction("interopRestart", () => restart?.());
  return {
    probe(name, namespace, urls, hash, relay) {
      restart = () => relay.restart();
      const args = [name, namespace, urls, hash] as const;
      return page.evaluate((list) => window.interopProbe(...list), args);
    },
    close,
  };
}
