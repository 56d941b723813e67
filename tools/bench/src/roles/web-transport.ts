/** @moq/web-transport: needs what Node 20 lacks. */
import { loadContender } from "../contenders/packages.js";

/** The part of it that is used here. */
export interface WebTransportModule {
  readonly Server: {
    bind(address: string, certificate: Buffer, key: Buffer): { accept(): Promise<Request | null> };
  };
  readonly default: new (
    url: string,
    options: { serverCertificateDisableVerify: boolean },
  ) => Session;
}

interface Request {
  ok(): Promise<Session>;
}

export interface Session {
  readonly ready: Promise<void>;
  readonly datagrams: {
    readonly readable: ReadableStream<Uint8Array>;
    readonly writable: WritableStream<Uint8Array>;
  };
}

interface WithResolvers {
  withResolvers?: () => object;
}

export async function webTransport(): Promise<WebTransportModule> {
  (Promise as WithResolvers).withResolvers ??= () => {
    let resolve: unknown;
    let reject: unknown;
    const promise = new Promise((yes, no) => {
      resolve = yes;
      reject = no;
    });
    return { promise, resolve, reject };
  };
  return loadContender<WebTransportModule>("web-transport");
}
