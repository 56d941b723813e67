import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import type { ArenaConfig } from "../shared/tracks.js";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".map": "application/json",
};

/** Serves the built page, and `/arena.json` with what it needs to connect. */
export async function servePage(
  folder: string,
  config: ArenaConfig,
  host: string,
  port: number,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURI((request.url ?? "/").split("?")[0] ?? "/"));
    if (path === "/arena.json") {
      response.setHeader("content-type", "application/json");
      response.setHeader("cache-control", "no-store");
      response.end(JSON.stringify(config));
      return;
    }
    sendFile(join(folder, path === "/" ? "index.html" : path), folder, response).catch(() => {
      response.statusCode = 404;
      response.end("not found\n");
    });
  });
  await listen(server, host, port);
  const { port: actual } = server.address() as AddressInfo;
  // Browsers allow WebTransport from localhost pages without a certificate for the page itself.
  const shown = host === "127.0.0.1" || host === "0.0.0.0" ? "localhost" : host;
  return {
    url: `http://${shown}:${actual}/`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function sendFile(
  file: string,
  folder: string,
  response: import("node:http").ServerResponse,
): Promise<void> {
  if (!file.startsWith(folder)) throw new Error("outside of the page's folder");
  const info = await stat(file);
  if (!info.isFile()) throw new Error("not a file");
  response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
  response.setHeader("content-length", info.size);
  createReadStream(file).pipe(response);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`port ${port} is in use: choose another with --port, or --port 0 for any`)
          : error,
      );
    });
    server.listen(port, host, resolve);
  });
}
