import { type Contender, TCP } from "./contender.js";
import { missingPackage } from "./packages.js";

function webSocket(
  id: string,
  label: string,
  server: string,
  missing: Contender["missing"],
): Contender {
  return {
    id,
    label,
    headers: TCP,
    missing,
    async start(stage, load) {
      const { acks } = stage;
      const port = Number((await stage.role("server", server, { load, acks })).port);
      await stage.role("publisher", "web-socket-publisher", { load, port, acks });
      if (load.subscribers === 0) return;
      await stage.role("subscriber", "web-socket-subscribers", { load, port, acks });
    },
  };
}

export const ws = webSocket("ws", "`ws`", "web-socket-server", () => undefined);
export const uws = webSocket("uws", "uWebSockets.js", "u-web-socket-server", () =>
  missingPackage("uws"),
);
