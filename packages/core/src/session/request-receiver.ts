import { RequestErrorCode, StreamCode, violation } from "../wire/error.js";
import { compareLocations, type Location } from "../wire/location.js";
import type { Message, PublishDone, RequestMessage, ResponseMessage } from "../wire/message.js";
import { formatNamespace } from "../wire/name.js";
import { mandatoryProperties, type Properties } from "../wire/properties.js";
import type { Aliases } from "./aliases.js";
import type { Core } from "./core.js";
import type { PeerIds } from "./ids.js";
import {
  answers,
  checkRedirect,
  checkRequestOk,
  checkUpdate,
  type RequestState,
} from "./request-state.js";
import type { RequestTable } from "./request-table.js";
import type { TokenCache } from "./tokens.js";

/** What a peer may say on a request stream, and when (draft-18 "Control Messages"). */
export class RequestReceiver {
  constructor(
    private readonly core: Core,
    private readonly table: RequestTable,
    private readonly aliases: Aliases,
    private readonly peerIds: PeerIds,
    private readonly tokens: TokenCache,
  ) {}

  /** A message on the stream of a live request. Throws WireError. */
  receive(state: RequestState, message: Message): void {
    if (message.type === "goaway") {
      if (state.goawaySeen) throw violation("a second GOAWAY on a request stream");
      if (message.requestId !== undefined) {
        throw violation("a GOAWAY on a request stream has a request id");
      }
      if (this.core.role === "server" && message.uri !== "") {
        throw violation("a client sent a GOAWAY with a URI");
      }
      state.goawaySeen = true;
      this.core.events.goaway(message, state.id);
    } else if (state.done !== undefined) throw violation(`${message.type} after PUBLISH_DONE`);
    else if (message.type === "request_update") this.receiveUpdate(state, message);
    else if (state.own && !state.answered) this.receiveFirst(state, message);
    else this.receiveLater(state, message);
  }

  private receiveUpdate(state: RequestState, message: Message & { type: "request_update" }): void {
    const takes = state.own
      ? state.kind === "publish" && state.answered
      : state.kind !== "track_status";
    if (!takes) throw violation(`a REQUEST_UPDATE on a request stream of ${state.kind}`);
    checkUpdate(state.kind, message.params);
    this.peerIds.use(message.requestId);
    const tokens = this.tokens.resolve(message.params.tokens ?? []);
    if (state.peerUpdates + state.heldUpdates.length >= this.core.limits.maxUpdates) {
      this.core.stats.refusedRequests++;
      this.table.overload(state);
      return;
    }
    const tell = (): void => {
      if ("refuse" in tokens) {
        const { refuse: code, reason } = tokens;
        this.table.send(state, { type: "request_error", code, reason });
      } else {
        state.peerUpdates++;
        this.core.events.update(state.id, message, tokens.tokens);
      }
    };
    // The first answer on the stream is that to the request.
    if (state.answered) tell();
    else state.heldUpdates.push(tell);
  }

  /** The first answer to a request of the peer was sent: updates that came before it follow. */
  answered(state: RequestState): void {
    for (const tell of state.heldUpdates.splice(0)) {
      if (this.core.closed || !this.table.isLive(state)) return;
      tell();
    }
  }

  private receiveFirst(state: RequestState, message: Message): void {
    const { events } = this.core;
    if (!isResponse(message) || !answers(state, message)) {
      throw violation(`${message.type} does not answer ${state.kind}`);
    }
    state.answered = true;
    switch (message.type) {
      case "request_error":
        checkRedirect(this.core.role, state.kind, message);
        events.response(state.id, message);
        // Objects that were sent ahead of the answer are not wanted.
        this.table.finish(state, { by: "finished" }, false);
        return;
      case "request_ok":
        checkRequestOk(state.kind, message);
        events.response(state.id, message);
        if (state.kind === "track_status") this.table.finish(state, { by: "finished" });
        return;
      case "subscribe_ok":
        if (this.refuseMandatory(state, message.properties)) return;
        this.aliases.register(message.trackAlias, state);
        events.response(state.id, message);
        if (this.table.isLive(state)) this.aliases.announce(message.trackAlias);
        return;
      case "fetch_ok": {
        const { range } = state.message as RequestMessage & { type: "fetch" };
        if (range.kind === "standalone" && endsBefore(message.end, range.start)) {
          throw violation("FETCH_OK ends before the FETCH starts");
        }
        if (this.refuseMandatory(state, message.properties)) return;
        events.response(state.id, message);
        if (state.dataOver) this.table.finish(state, { by: "finished" });
        return;
      }
      default:
        throw violation(`${message.type} does not answer ${state.kind}`);
    }
  }

  private receiveLater(state: RequestState, message: Message): void {
    const { events, limits } = this.core;
    if (message.type === "request_ok" || message.type === "request_error") {
      if (state.ownUpdates === 0) throw violation(`an answer to ${state.kind} too many`);
      if (message.type === "request_ok") checkRequestOk("update", message);
      state.ownUpdates--;
      events.updateResponse(state.id, message);
      return;
    }
    const publisher = !state.own && state.kind === "publish";
    if (message.type === "publish_done" && (publisher || (state.own && answers(state, message)))) {
      this.publishEnded(state, message);
      return;
    }
    if (!state.own || !isResponse(message) || !answers(state, message)) {
      throw violation(`${message.type} on a request stream of ${state.kind}`);
    }
    if (message.type === "namespace" || message.type === "namespace_done") {
      const key = formatNamespace(message.suffix);
      if (message.type === "namespace") state.namespaces.add(key);
      else if (!state.namespaces.delete(key)) throw violation("NAMESPACE_DONE before NAMESPACE");
      if (state.namespaces.size > limits.maxNamespaces) {
        this.table.overload(state);
        return;
      }
    }
    events.response(state.id, message);
  }

  private publishEnded(state: RequestState, message: PublishDone): void {
    this.table.publishEnded(state, message.streamCount);
    this.core.events.response(state.id, message);
    this.table.checkDone(state);
  }

  /** Draft-18 "Mandatory Track Properties": a track that needs what we do not know is refused. */
  private refuseMandatory(state: RequestState, properties: Properties): boolean {
    const unknown = mandatoryProperties(properties);
    if (unknown.length === 0) return false;
    const code = RequestErrorCode.UnsupportedExtension;
    const reason = `the track needs property ${unknown[0]}, which is not supported`;
    this.core.events.response(state.id, { type: "request_error", code, reason });
    this.table.abort(state, StreamCode.Cancelled, { by: "local", code: StreamCode.Cancelled });
    return true;
  }
}

function isResponse(message: Message): message is ResponseMessage {
  switch (message.type) {
    case "subscribe_ok":
    case "request_ok":
    case "request_error":
    case "fetch_ok":
    case "publish_done":
    case "namespace":
    case "namespace_done":
    case "publish_blocked":
      return true;
    default:
      return false;
  }
}

/** Whether a FETCH_OK end, exclusive and with object 0 for a whole group, lies before `start`. */
function endsBefore(end: Location, start: Location): boolean {
  return end.object === 0 ? end.group < start.group : compareLocations(end, start) < 0;
}
