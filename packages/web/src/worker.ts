/** The script that `connect(url, { worker: true })` runs in a Web Worker. */
import type { ToPage, ToWorker } from "./worker-protocol.js";
import { serveWorker } from "./worker-server.js";

interface WorkerScope {
  postMessage(message: ToPage, transfer: Transferable[]): void;
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;
const receive = serveWorker(
  (message, transfer) => scope.postMessage(message, transfer),
  () => scope.close(),
);
scope.onmessage = (event) => receive(event.data);
