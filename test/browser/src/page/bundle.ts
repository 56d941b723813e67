import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** The page, its script and the worker's script, on a loopback port (a secure context). */
export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function servePage(): Promise<PageServer> {
  const files = new Map<string, string>();
  const result = await build({
    entryPoints: {
      main: here("./main.ts"),
      worker: here("../../../../packages/web/src/worker.ts"),
    },
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    outdir: "out",
    logLevel: "silent",
  });
  for (const { path, text } of result.outputFiles) files.set(`/${path.split(/[\\/]/).pop()}`, text);
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
    const script = files.get(path);
    if (path === "/") {
      response.setHeader("content-type", "text/html");
      response.end(
        '<!doctype html><title>moq</title><script type="module" src="/main.js"></script>',
      );
    } else if (script !== undefined) {
      response.setHeader("content-type", "text/javascript");
      response.end(script);
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
