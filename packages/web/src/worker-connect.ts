import { type Client, type Host, MoqError, type ResolvedClientOptions } from "@moq-game/core";
import { PageClient } from "./worker-client.js";
import { workerFailed } from "./worker-failed.js";

/** Starts a worker, has it connect, and returns the page's view of its client. */
export function connectWorker(
  url: URL,
  options: ResolvedClientOptions,
  makeWorker: () => Worker,
  host: Host,
): Promise<Client> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) {
      reject(new MoqError("cancelled", "Connecting was aborted by the option signal."));
      return;
    }
    let worker: Worker;
    try {
      worker = makeWorker();
    } catch (error) {
      reject(workerFailed(String(error)));
      return;
    }
    const client = new PageClient(worker, host, options);
    client.opened.then(() => resolve(client), reject);
    const { signal, token, reconnect, ...rest } = options;
    const abort = (): void => client.abort();
    signal?.addEventListener("abort", abort);
    client.onState((state) => {
      if (state === "closed") signal?.removeEventListener("abort", abort);
    });
    const posted = {
      ...rest,
      // Functions cannot be posted.
      token: typeof token === "function" ? ({ ask: true } as const) : token,
      reconnect: reconnect ?? (false as const),
    };
    client.post({ type: "connect", url: url.href, options: posted }, []);
  });
}
