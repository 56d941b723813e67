import { type Browser, type Page as BrowserPage, chromium } from "playwright-core";
import { CHROMIUM_ARGS, findChromium } from "../../../tools/chromium.mjs";
import { type PageServer, servePage } from "./page/bundle.js";
import type { Page } from "./page/main.js";

type Method = {
  [K in keyof Page]: Page[K] extends (...args: never[]) => unknown ? K : never;
}[keyof Page];

/** The test page, open. */
export interface TestPage {
  readonly page: BrowserPage;
  /** Calls a function of the page's `window.moq`. */
  call<K extends Method>(
    name: K,
    ...args: Parameters<Page[K]>
  ): Promise<Awaited<ReturnType<Page[K]>>>;
}

/** A real Chromium with the test page open. */
export interface TestBrowser extends TestPage {
  /** The test page once more. */
  another(): Promise<TestPage>;
  close(): Promise<void>;
}

function caller(page: BrowserPage): TestPage["call"] {
  return (name, ...args) =>
    page.evaluate(
      ([method, list]) => {
        const { moq } = globalThis as unknown as {
          moq: Record<string, (...list: unknown[]) => unknown>;
        };
        return moq[method as string]?.(...(list as unknown[])) as never;
      },
      [name, args] as const,
    );
}

export async function openBrowser(): Promise<TestBrowser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error("No Chromium found. Run npm test from the top, or set MOQ_CHROMIUM to one.");
  }
  const server: PageServer = await servePage();
  const browser: Browser = await chromium.launch({ executablePath, args: [...CHROMIUM_ARGS] });
  const problems: string[] = [];
  const another = async (): Promise<TestPage> => {
    const page = await browser.newPage();
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(server.url);
    await page.waitForFunction(() => "moq" in globalThis, undefined, { timeout: 20_000 });
    return { page, call: caller(page) };
  };
  return {
    ...(await another()),
    another,
    close: async () => {
      await browser.close();
      await server.close();
      if (problems.length > 0) throw new Error(`errors in the page: ${problems.join("; ")}`);
    },
  };
}

/** Waits until `probe` gives something that holds. */
export async function eventually<T>(
  probe: () => Promise<T> | T,
  holds: (value: T) => boolean,
  limit = 20_000,
): Promise<T> {
  const until = Date.now() + limit;
  for (;;) {
    const value = await probe();
    if (holds(value)) return value;
    if (Date.now() > until) {
      throw new Error(`after ${limit} ms it still was ${JSON.stringify(value)?.slice(0, 500)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
