import {
  type ClientOptions,
  MoqError,
  type ResolvedClientOptions,
  resolveClientOptions,
} from "@moq-game/core";

/** Options of `connect` in browsers. */
export interface WebClientOptions extends ClientOptions {
  /**
   * Runs the connection in a Web Worker, so that the page's thread only gets batches of objects.
   * `true` starts the worker that comes with this package; bundlers that do not know
   * `new Worker(new URL(…, import.meta.url))` need a function that makes one from
   * `@moq-game/web/worker`. Default false.
   */
  readonly worker?: boolean | (() => Worker);
  /** Address of the worker's script, when it is served from elsewhere. Implies `worker`. */
  readonly workerUrl?: string | URL;
}

/** Validated {@link WebClientOptions}. */
export interface ResolvedWebOptions {
  readonly client: ResolvedClientOptions;
  /** Makes the worker; `undefined` when the page itself connects. */
  readonly makeWorker: (() => Worker) | undefined;
}

export function resolveWebOptions(options: WebClientOptions | undefined): ResolvedWebOptions {
  const client = resolveClientOptions(options, ["worker", "workerUrl"]);
  const { worker, workerUrl } = options ?? {};
  if (worker !== undefined && typeof worker !== "boolean" && typeof worker !== "function") {
    throw invalid(
      `worker must be true, false or a function that makes a Worker, got ${typeof worker}.`,
    );
  }
  if (workerUrl !== undefined && typeof workerUrl !== "string" && !(workerUrl instanceof URL)) {
    throw invalid(`workerUrl must be a string or a URL, got ${typeof workerUrl}.`);
  }
  if (typeof worker === "function") return { client, makeWorker: worker };
  if (workerUrl !== undefined && worker !== false) {
    return { client, makeWorker: () => new Worker(workerUrl, { type: "module" }) };
  }
  if (worker !== true) return { client, makeWorker: undefined };
  return {
    client,
    // Bundlers look for this very expression.
    makeWorker: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
  };
}

/** The relay's address. Throws `invalid_argument` with what is wrong with it. */
export function resolveUrl(url: unknown): URL {
  const text = url instanceof URL ? url.href : url;
  if (typeof text !== "string" || text === "") {
    throw invalid('connect needs the relay\'s URL, for example "https://relay.example:4443/".');
  }
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch {
    throw invalid(`${JSON.stringify(text)} is no URL. Example: "https://relay.example:4443/".`);
  }
  if (parsed.protocol !== "https:") {
    throw invalid(
      `The URL begins with ${parsed.protocol}//; browsers reach relays with https:// only. ` +
        "Use the relay's https:// address (for moqt:// the same host and port).",
    );
  }
  if (parsed.hash !== "") throw invalid("The URL must not have a fragment (#…). Remove it.");
  if (parsed.username !== "" || parsed.password !== "") {
    throw invalid("The URL must not carry a user name or password. Use the option token.");
  }
  return parsed;
}

function invalid(message: string): MoqError {
  return new MoqError("invalid_argument", message);
}
