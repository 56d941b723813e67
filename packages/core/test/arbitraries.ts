/** fast-check arbitraries for everything that goes over the wire. */
import fc from "fast-check";
import {
  type AuthToken,
  EMPTY,
  type FetchItem,
  type FullTrackName,
  type KeyValuePair,
  type Location,
  type Message,
  type MessageType,
  type Namespace,
  type ObjectDatagram,
  ObjectStatus,
  type Parameters,
  parameterScope,
  RequestErrorCode,
  type SetupOptions,
  type SubgroupHeader,
  type SubgroupObject,
  toVarInt,
  type VarInt,
} from "../src/wire/index.js";

export const varint: fc.Arbitrary<VarInt> = fc
  .oneof(
    fc.bigInt({ min: 0n, max: 300n }),
    fc.integer({ min: 0, max: 63 }).map((bits) => (1n << BigInt(bits)) - 1n),
    fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
  )
  .map(toVarInt);

export const someBytes = (maxLength = 40): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength }).map((bytes) => (bytes.length === 0 ? EMPTY : bytes));

const text = (maxLength = 30): fc.Arbitrary<string> =>
  fc.string({ unit: "grapheme", maxLength }).filter((value) => !/[\ud800-\udfff]/u.test(value));

export const namespace: fc.Arbitrary<Namespace> = fc.array(
  fc.uint8Array({ minLength: 1, maxLength: 12 }),
  { maxLength: 32 },
);
export const trackName: fc.Arbitrary<FullTrackName> = fc.record({
  namespace,
  name: someBytes(),
});
export const location: fc.Arbitrary<Location> = fc.record({ group: varint, object: varint });

export const token: fc.Arbitrary<AuthToken> = fc.oneof(
  fc.record({ kind: fc.constant("delete" as const), alias: varint }),
  fc.record({
    kind: fc.constant("register" as const),
    alias: varint,
    tokenType: varint,
    value: someBytes(),
  }),
  fc.record({ kind: fc.constant("use_alias" as const), alias: varint }),
  fc.record({ kind: fc.constant("use_value" as const), tokenType: varint, value: someBytes() }),
);

/** Pairs whose types the library does not check, ascending. */
export const pairs: fc.Arbitrary<KeyValuePair[]> = fc
  .array(
    fc.oneof(
      fc.record({ type: varint.map((type) => even(type)), value: varint }),
      fc.record({ type: varint.map((type) => odd(type)), value: someBytes() }),
    ),
    { maxLength: 5 },
  )
  .map((list) =>
    list
      .filter(({ type }) => type > 0x3ff)
      .sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0)),
  );

function even(type: VarInt): VarInt {
  return toVarInt(BigInt(type) & ~1n);
}

function odd(type: VarInt): VarInt {
  return toVarInt(BigInt(type) | 1n);
}

const allParameters: { [K in keyof Parameters]-?: fc.Arbitrary<NonNullable<Parameters[K]>> } = {
  objectDeliveryTimeout: varint,
  tokens: fc.array(token, { minLength: 1, maxLength: 3 }),
  rendezvousTimeout: varint,
  subgroupDeliveryTimeout: varint,
  expires: varint,
  largestObject: location,
  fillTimeout: varint,
  forward: fc.boolean(),
  subscriberPriority: fc.integer({ min: 0, max: 255 }),
  filter: fc.oneof(
    fc.record({ kind: fc.constant("next_group_start" as const) }),
    fc.record({ kind: fc.constant("largest_object" as const) }),
    fc.record({ kind: fc.constant("absolute_start" as const), start: location }),
    fc.tuple(location, varint).map(([start, other]) => {
      const [first, last] = start.group < other ? [start.group, other] : [other, start.group];
      return {
        kind: "absolute_range" as const,
        start: { group: first, object: start.object },
        endGroup: last,
      };
    }),
  ),
  groupOrder: fc.constantFrom("ascending" as const, "descending" as const),
  newGroupRequest: varint,
  namespacePrefix: namespace,
};

export function parametersOf(message: MessageType): fc.Arbitrary<Parameters> {
  const allowed = parameterScope(message);
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [key, arbitrary] of Object.entries(allParameters)) {
    if (allowed.has(key as keyof Parameters)) model[key] = arbitrary;
  }
  return fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Parameters>;
}

const setup: fc.Arbitrary<SetupOptions> = fc.record(
  {
    path: text(),
    tokens: fc.array(token, { minLength: 1, maxLength: 3 }),
    maxAuthTokenCacheSize: varint,
    authority: text(),
    implementation: text(),
    unknown: pairs.filter((list) => list.length > 0),
  },
  { requiredKeys: [] },
);

/** An arbitrary for every message type. */
export const messages: { [K in MessageType]: fc.Arbitrary<Message & { type: K }> } = {
  setup: fc.record({ type: fc.constant("setup" as const), options: setup }),
  goaway: fc.record({
    type: fc.constant("goaway" as const),
    uri: text(),
    timeout: varint,
    requestId: fc.option(varint, { nil: undefined }),
  }),
  subscribe: requestWith("subscribe", { track: trackName }),
  track_status: requestWith("track_status", { track: trackName }),
  subscribe_ok: fc.record({
    type: fc.constant("subscribe_ok" as const),
    trackAlias: varint,
    params: parametersOf("subscribe_ok"),
    properties: pairs,
  }),
  publish: requestWith("publish", { track: trackName, trackAlias: varint, properties: pairs }),
  publish_done: fc.record({
    type: fc.constant("publish_done" as const),
    status: varint,
    streamCount: varint,
    reason: text(),
  }),
  fetch: requestWith("fetch", {
    range: fc.oneof(
      fc.record({
        kind: fc.constant("standalone" as const),
        track: trackName,
        start: location,
        end: location,
      }),
      fc.record({
        kind: fc.constant("relative_joining" as const),
        requestId: varint,
        groups: varint,
      }),
      fc.record({
        kind: fc.constant("absolute_joining" as const),
        requestId: varint,
        group: varint,
      }),
    ),
  }),
  fetch_ok: fc.record({
    type: fc.constant("fetch_ok" as const),
    endOfTrack: fc.boolean(),
    end: location,
    params: parametersOf("fetch_ok"),
    properties: pairs,
  }),
  publish_namespace: requestWith("publish_namespace", { namespace }),
  subscribe_namespace: requestWith("subscribe_namespace", { namespace }),
  subscribe_tracks: requestWith("subscribe_tracks", { namespace }),
  namespace: fc.record({ type: fc.constant("namespace" as const), suffix: namespace }),
  namespace_done: fc.record({ type: fc.constant("namespace_done" as const), suffix: namespace }),
  publish_blocked: fc.record({
    type: fc.constant("publish_blocked" as const),
    suffix: namespace,
    name: someBytes(),
  }),
  request_update: requestWith("request_update", {}),
  request_ok: fc.record({
    type: fc.constant("request_ok" as const),
    params: parametersOf("request_ok"),
    properties: pairs,
  }),
  request_error: fc.oneof(
    fc.record({
      type: fc.constant("request_error" as const),
      code: varint.filter((code) => code !== RequestErrorCode.Redirect),
      retryAfter: fc.option(
        varint.filter((value) => value < 0xffffffffffffffffn),
        { nil: undefined },
      ),
      reason: text(),
    }),
    fc.record({
      type: fc.constant("request_error" as const),
      code: fc.constant(RequestErrorCode.Redirect),
      retryAfter: fc.constant(undefined),
      reason: text(),
      redirect: fc.record({ uri: text(), track: trackName }),
    }),
  ),
};

function requestWith<K extends MessageType, T extends object>(
  type: K,
  fields: { [F in keyof T]: fc.Arbitrary<T[F]> },
) {
  return fc.record({
    type: fc.constant(type),
    requestId: varint,
    params: parametersOf(type),
    ...fields,
  }) as unknown as fc.Arbitrary<Message & { type: K }>;
}

const priority = fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined });

export const subgroupHeader: fc.Arbitrary<SubgroupHeader> = fc.record({
  trackAlias: varint,
  group: varint,
  subgroup: fc.oneof(fc.constant("first_object" as const), varint),
  priority,
  hasProperties: fc.boolean(),
  endOfGroup: fc.boolean(),
  firstObject: fc.boolean(),
});

/** Ascending object ids. */
const ids: fc.Arbitrary<VarInt[]> = fc
  .uniqueArray(varint, { maxLength: 8, comparator: "IsStrictlyEqual" })
  .map((list) => list.sort((a, b) => (a < b ? -1 : 1)));

export const encodedPairs: fc.Arbitrary<KeyValuePair[]> = pairs;

/** Objects of a subgroup; properties only where `hasProperties`. */
export const subgroupObjects = (
  hasProperties: boolean,
  properties: fc.Arbitrary<Uint8Array>,
): fc.Arbitrary<SubgroupObject[]> =>
  ids.chain((list) =>
    fc.tuple(
      ...list.map((object) =>
        fc.oneof(
          fc.record({
            object: fc.constant(object),
            status: fc.constant(ObjectStatus.Normal),
            properties: hasProperties ? properties : fc.constant(EMPTY),
            payload: someBytes(),
          }),
          fc.record({
            object: fc.constant(object),
            status: fc.constantFrom(ObjectStatus.EndOfGroup, ObjectStatus.EndOfTrack),
            properties: fc.constant(EMPTY),
            payload: fc.constant(EMPTY),
          }),
        ),
      ),
    ),
  );

export const datagram = (properties: fc.Arbitrary<Uint8Array>): fc.Arbitrary<ObjectDatagram> =>
  fc.oneof(
    fc.record({
      trackAlias: varint,
      group: varint,
      object: fc.oneof(fc.constant(0), varint),
      priority,
      properties,
      endOfGroup: fc.boolean(),
      status: fc.constant(ObjectStatus.Normal),
      payload: someBytes(),
    }),
    fc.record({
      trackAlias: varint,
      group: varint,
      object: varint,
      priority,
      properties: fc.constant(EMPTY),
      endOfGroup: fc.constant(false),
      status: fc.constantFrom(ObjectStatus.EndOfGroup, ObjectStatus.EndOfTrack),
      payload: fc.constant(EMPTY),
    }),
  );

/** Items of a FETCH in the given order. */
export const fetchItems = (
  order: "ascending" | "descending",
  properties: fc.Arbitrary<Uint8Array>,
): fc.Arbitrary<FetchItem[]> =>
  fc
    .uniqueArray(
      fc.tuple(
        fc.integer({ min: 0, max: 5 }).chain((n) => fc.constantFrom(n, toVarInt(BigInt(n) << 60n))),
        varint,
      ),
      {
        maxLength: 10,
        selector: ([group, object]) => `${group}/${object}`,
      },
    )
    .map((places) =>
      places.sort(([g1, o1], [g2, o2]) => {
        if (g1 !== g2) return (g1 < g2 ? -1 : 1) * (order === "ascending" ? 1 : -1);
        return o1 < o2 ? -1 : 1;
      }),
    )
    .chain((places) =>
      fc.tuple(
        ...places.map(
          ([group, object]): fc.Arbitrary<FetchItem> =>
            fc.oneof(
              fc.record({
                kind: fc.constant("object" as const),
                group: fc.constant(group as VarInt),
                subgroup: fc.option(fc.oneof(fc.integer({ min: 0, max: 2 }), varint), {
                  nil: undefined,
                }),
                object: fc.constant(object),
                priority: fc.integer({ min: 0, max: 255 }),
                properties,
                payload: someBytes(),
              }),
              fc.record({
                kind: fc.constant("end_of_range" as const),
                location: fc.constant({ group: group as VarInt, object }),
                unknown: fc.boolean(),
              }),
            ),
        ),
      ),
    );
