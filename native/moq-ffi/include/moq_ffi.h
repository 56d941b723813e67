/*
 * moq-ffi: the C ABI of the moq-game client and embedded relay.
 *
 * Generated from native/moq-ffi/src; do not edit. After a change there:
 *   MOQ_BLESS=1 cargo test -p moq-ffi --test header
 *
 * Rules that hold for every function:
 * - None waits for the network, except where its text says so.
 * - Every one may be called from any thread, and from inside every callback, except where its text
 *   says so.
 * - Memory that a caller gives is used during the call only, and stays the caller's.
 * - What is not MOQ_OK has changed nothing, unless its text says so; moq_last_error tells what
 *   happened and what to do next.
 * - Text is UTF-8. Options are JSON objects with the names of the TypeScript interfaces; unknown or
 *   wrong fields are refused with a message that names them and what is accepted.
 * - Every open handle gets exactly one MOQ_RECORD_END, and nothing after it.
 *
 * Records: 8-byte aligned, little-endian; a MoqRecordHeader of MOQ_RECORD_HEADER_SIZE bytes, then
 * the payload, padded with zeros to a multiple of 8.
 */

#ifndef MOQ_FFI_H
#define MOQ_FFI_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Size in bytes of a record's header.
#define MOQ_RECORD_HEADER_SIZE 64

// Object record: the first object of its group.
#define MOQ_FLAG_KEYFRAME 1

// Object record: `extra` is the publisher's time in unix ms.
#define MOQ_FLAG_PUBLISHED_AT 2

// Gap record: `extra` is the number of objects lost.
#define MOQ_FLAG_COUNT_KNOWN 4

// Namespace record: the namespace went away.
#define MOQ_FLAG_REMOVED 8

// Status record: `group` and `object` are the largest location.
#define MOQ_FLAG_HAS_LARGEST 16

// Version of these functions and of the record layout. It changes when something that exists
// changes; additions keep it.
#define MOQ_ABI_VERSION 1

// Flag of an update: it starts a group (`reliable` only; the other classes start one each time).
#define MOQ_PUBLISH_KEYFRAME 1

// Flag of `moq_publish`: more updates of this client follow at once. This one is accepted like any
// other, but it waits for one without the flag or for `moq_publish_flush`, so that many small
// updates share packets and one wake of the I/O thread.
#define MOQ_PUBLISH_MORE 2

// Size in bytes of the header of an update in `moq_publish_packed`.
#define MOQ_PACKED_HEADER_SIZE 16

// Result of every function. The numbers are stable; new codes are added at the end. Names and
// numbers are the same as `ERROR_CODES` in TypeScript.
typedef enum MoqResultCode {
  // Done.
  MOQ_OK = 0,
  // An argument, option or handle is wrong; nothing was changed.
  MOQ_ERROR_INVALID_ARGUMENT = 1,
  // The peer could not be reached.
  MOQ_ERROR_CONNECTION_FAILED = 2,
  // There is no connection now.
  MOQ_ERROR_NOT_CONNECTED = 3,
  // The time allowed has passed.
  MOQ_ERROR_TIMEOUT = 4,
  // A defect of this library; please report it with the message.
  MOQ_ERROR_INTERNAL = 5,
  // The peer or this build lacks what was asked for.
  MOQ_ERROR_UNSUPPORTED = 6,
  // The buffer given is smaller than the size that the call reports.
  MOQ_ERROR_BUFFER_TOO_SMALL = 7,
  // The handle was closed or has ended.
  MOQ_ERROR_CLOSED = 8,
  // The queue is full and nothing was accepted; a WRITABLE record follows.
  MOQ_ERROR_WOULD_BLOCK = 9,
  // Larger than the limit that the message names.
  MOQ_ERROR_TOO_LARGE = 10,
  // A count reached the limit that the message names.
  MOQ_ERROR_LIMIT_EXCEEDED = 11,
  // The peer wants a (different) token.
  MOQ_ERROR_UNAUTHORIZED = 12,
  // The peer's certificate was not accepted.
  MOQ_ERROR_CERTIFICATE = 13,
  // No protocol version in common.
  MOQ_ERROR_PROTOCOL_MISMATCH = 14,
  // The peer broke the protocol.
  MOQ_ERROR_PROTOCOL_VIOLATION = 15,
  // The peer knows no such track or namespace.
  MOQ_ERROR_NOT_FOUND = 16,
  // The caller gave up.
  MOQ_ERROR_CANCELLED = 17,
  // The peer is shutting down.
  MOQ_ERROR_GOING_AWAY = 18,
  // The reader fell so far behind that the peer gave up on it.
  MOQ_ERROR_TOO_FAR_BEHIND = 19,
  // The publisher broke the rules of the track.
  MOQ_ERROR_MALFORMED_TRACK = 20,
  // It exists already.
  MOQ_ERROR_DUPLICATE = 21,
  // Not possible now: on this thread, or while something else runs.
  MOQ_ERROR_BUSY = 22,
  // The native library could not be loaded (used by script hosts).
  MOQ_ERROR_UNAVAILABLE = 23,
} MoqResultCode;

// What a record tells.
typedef enum MoqRecordKind {
  // The client's state changed: `code` is a `MoqClientState`. The payload is JSON: for `OPEN`
  // what was negotiated, `{"draft":18,"transport":"quic","peer":"...","capabilities":{...}}`; for
  // `RECONNECTING` the reason as for `END`, with its `MoqResultCode` in `extra`. `OPEN` comes again
  // when the connection stands again. `CLOSED` never shows here, it is the client's `END`.
  MOQ_RECORD_STATE = 1,
  // The handle's request was accepted. For a subscription the payload is JSON
  // `{"delivery":"reliable"}` with the class in force.
  MOQ_RECORD_READY = 2,
  // The terminal record of the handle, exactly one; nothing follows for it. `code` is a
  // `MoqResultCode`, `MOQ_OK` when the track, fetch or client ended normally. The payload is JSON
  // `{"message":"...","peerCode":0,"retryable":false}`, `peerCode` only if the peer told one.
  MOQ_RECORD_END = 3,
  // One object: `group`, `object`, `subgroup`, `received_us`; the payload is its bytes; `extra`
  // is the publisher's time in unix ms when the flag `MOQ_FLAG_PUBLISHED_AT` is set.
  MOQ_RECORD_OBJECT = 4,
  // Objects that will not be delivered: `group` is the first, `object` the last group concerned;
  // `extra` is the number of objects when `MOQ_FLAG_COUNT_KNOWN` is set; `code` is a
  // `MoqGapReason`.
  MOQ_RECORD_GAP = 5,
  // Discovery: a namespace appeared or, with `MOQ_FLAG_REMOVED`, went away. The payload is its
  // fields as a JSON array of strings.
  MOQ_RECORD_NAMESPACE = 6,
  // Publication: `extra` is how many subscriptions the next hop holds now.
  MOQ_RECORD_SUBSCRIBERS = 7,
  // Publication: after `MOQ_ERROR_WOULD_BLOCK`, updates are accepted again.
  MOQ_RECORD_WRITABLE = 8,
  // Publication: a subscriber asks for a new group; at most once a second.
  MOQ_RECORD_KEYFRAME_WANTED = 9,
  // Track status: with `MOQ_FLAG_HAS_LARGEST`, `group` and `object` are the largest location. The
  // payload is JSON, `{"delivery":"latest"}` or `{}`. An `END` follows.
  MOQ_RECORD_STATUS = 10,
  // Client, with the option `askToken`: a connection is to be made and needs a token. Answer with
  // `moq_client_supply_token` or `moq_client_refuse_token`, which take the number in `extra`,
  // within the connect timeout.
  MOQ_RECORD_TOKEN_WANTED = 11,
} MoqRecordKind;

// `code` of a state record.
typedef enum MoqClientState {
  // Not open yet.
  MOQ_CLIENT_CONNECTING = 0,
  // Requests and objects flow.
  MOQ_CLIENT_OPEN = 1,
  // Lost, being repaired.
  MOQ_CLIENT_RECONNECTING = 2,
  // Over.
  MOQ_CLIENT_CLOSED = 3,
} MoqClientState;

// `code` of a gap record.
typedef enum MoqGapReason {
  // Never arrived.
  MOQ_GAP_LOST = 0,
  // The publisher or a relay gave up a stream before its end.
  MOQ_GAP_RESET = 1,
  // Arrived after its deadline.
  MOQ_GAP_LATE = 2,
  // Arrived after something newer.
  MOQ_GAP_STALE = 3,
  // Dropped because the reader's queue was full.
  MOQ_GAP_OVERFLOW = 4,
  // The peer ended the subscription because it was too far behind; it was joined again.
  MOQ_GAP_TOO_FAR_BEHIND = 5,
  // Went by while there was no connection, or was lost with one.
  MOQ_GAP_RECONNECTED = 6,
} MoqGapReason;

// Called with each line of the log: `level` is 1 for errors, 2 warnings, 3 information, 4 details,
// 5 everything; `message` is UTF-8 of `length` bytes, ends with NUL and holds during the call only.
// Called from any thread, with no lock held; it must not block for long.
typedef void (*MoqLogCallback)(void *user_data, uint32_t level, const char *message, size_t length);

// A client, publication, subscription, fetch, discovery, status request or relay. Never 0, never
// reused, below 2^53. A handle that was closed gives `MOQ_ERROR_CLOSED`, a number that never was
// a handle `MOQ_ERROR_INVALID_ARGUMENT`.
typedef uint64_t MoqHandle;

// Called once whenever the client's empty record queue became non-empty; answer by having the
// client polled soon. Called from a thread of the library, with no lock held. Any function may be
// called inside, except `moq_shutdown` and `moq_relay_stop`, which give `MOQ_ERROR_BUSY`.
typedef void (*MoqWaker)(void *user_data);

// One update of `moq_publish_batch`.
typedef struct MoqUpdate {
  // The publication.
  MoqHandle publication;
  // The bytes; may be NULL when `length` is 0.
  const uint8_t *data;
  size_t length;
  // `MOQ_PUBLISH_…`.
  uint32_t flags;
  // Set by the call: a `MoqResultCode`.
  int32_t result;
} MoqUpdate;

// What `moq_poll` gave. Set `struct_size` to `sizeof(MoqPollResult)` before the call.
typedef struct MoqPollResult {
  // Size of this struct, set by the caller.
  size_t struct_size;
  // Bytes written to the buffer.
  size_t bytes;
  // Records written.
  size_t count;
  // With `MOQ_ERROR_BUFFER_TOO_SMALL` the size of the next record, otherwise 0.
  size_t needed;
  // 1 when more records wait: poll again; the waker is not called for them.
  uint32_t more;
  // Always 0.
  uint32_t reserved;
} MoqPollResult;

// The fixed start of every record.
typedef struct MoqRecordHeader {
  // Whole record in bytes: header, payload and padding; a multiple of 8.
  uint32_t length;
  // A `MoqRecordKind`; skip kinds that you do not know.
  uint16_t kind;
  // `MOQ_FLAG_…`; which ones apply depends on the kind.
  uint16_t flags;
  // The handle that this is about.
  uint64_t handle;
  uint64_t group;
  uint64_t object;
  uint64_t subgroup;
  // When it arrived, in µs of the clock of `moq_now_us`.
  uint64_t received_us;
  // Depends on the kind.
  uint64_t extra;
  // Bytes of payload, without padding.
  uint32_t payload_length;
  // Depends on the kind.
  uint32_t code;
} MoqRecordHeader;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// `MOQ_ABI_VERSION` of the library that was loaded; compare it with the header's.
//
// Any thread. Does not block. Cannot fail.
uint32_t moq_abi_version(void);

// Version of the library, for example "0.1.0". The text is static: do not free it.
//
// Any thread. Does not block. Cannot fail.
const char *moq_version(void);

// What the last failed call on this thread said: what happened and what to do next. Empty when
// none failed yet. The text belongs to the library and holds until the next call on this thread.
//
// Any thread. Does not block. Cannot fail.
const char *moq_last_error(void);

// Now, in µs of the monotonic clock that records carry.
//
// Any thread. Does not block. Cannot fail.
uint64_t moq_now_us(void);

// Sends the log up to `level` (0 is nothing) to a function, or with NULL nowhere, which is the
// default. When this returns, the function set before runs on no other thread and will not be
// called again; so do not call it holding a lock that the function takes.
//
// Any thread, also inside callbacks. `user_data` must stay valid until the function is taken back.
enum MoqResultCode moq_set_log(MoqLogCallback callback, void *user_data, uint32_t level);

// Closes all clients, stops all relays and joins every thread of the library. When it returns, no
// callback runs or will run, and the library may be unloaded. Handles that were not closed can
// still be polled for their `END` and closed. A later call of any function starts the library again.
//
// Not from inside a callback: `MOQ_ERROR_BUSY`. Blocks until the threads are gone, which takes some
// ms and as long as a callback of yours runs.
enum MoqResultCode moq_shutdown(void);

// Opens a client and returns at once; `STATE`, then records of what happens, or `END` follow.
//
// `options_json` is UTF-8 JSON of `length` bytes, copied:
// - `url`: `https://host:port/path` (WebTransport), `moqt://…` or `quic://…` (QUIC), or the memory
//   URL of a relay of this process;
// - `token`: string, or bytes as `{"hex":"…"}`; sent with SETUP;
// - `serverCertificateHashes`: list of SHA-256 in hexadecimal; `caFile`: PEM file or list of them;
//   `insecure`: true accepts any certificate (development only, a warning is logged);
// - `askToken`: true has each connection ask for a token of its own, with a `TOKEN_WANTED` record;
// - `connectTimeout` (ms, default 10000, for the token, the connection and SETUP together),
//   `keepAlive` (ms, default 4000, 0 is off), `idleTimeout` (ms of silence after which the
//   connection counts as lost, default 15000), `maxObjectSize` (bytes, default 16 MiB, at most
//   64 MiB);
// - `reconnect`: true (the default) repairs a connection that is lost, false closes the client with
//   it; or `{"initialDelay":200,"maxDelay":5000,"timeout":120000}`: upper bound of the wait before
//   the second attempt, which doubles with each, longest wait, and after how long without a
//   connection the client ends (0: never), in ms.
//
// Publications, subscriptions and discoveries outlive connections: while `STATE` is `RECONNECTING`
// they take what they take while it is `OPEN`, and go on from where they stood when it is `OPEN`
// again. What cannot be had any more shows as `GAP` with `MOQ_GAP_RECONNECTED`. Fetches and status
// requests end with `NOT_CONNECTED`. A relay that goes away is left for the one that it names. The
// first connection is one attempt. A client on a memory URL lives on its relay's thread and ends
// with it.
//
// Errors: `INVALID_ARGUMENT` naming the field and what is accepted; `NOT_FOUND` for the memory URL
// of no relay. Any thread, also inside callbacks. Does not block.
enum MoqResultCode moq_client_open(const char *options_json,
                                   size_t length,
                                   MoqHandle *client);

// Closes a client with everything that belongs to it.
//
// With `flush_ms` 0: at once. When this returns, the handle and all handles of its publications
// and requests are gone, no record comes, the waker is not running on another thread and will not
// be called; so do not call it holding a lock that the waker takes. What was accepted and not sent
// yet is lost.
//
// With `flush_ms` above 0: begins to close and returns at once. Publishing gives `CLOSED`; the
// client is polled on until its `END`, which comes when the next hop has acknowledged everything
// accepted, or after this time. Then free the handle with a second call with 0.
//
// Errors: `CLOSED` for a second graceful close. Any thread, also inside callbacks.
enum MoqResultCode moq_client_close(MoqHandle client, uint32_t flush_ms);

// Answers a `TOKEN_WANTED` record: the token of `length` bytes (1 to 16384, copied) for the attempt
// whose number the record has in `extra`. An answer to an attempt that is over is ignored.
//
// Errors: `INVALID_ARGUMENT`, `CLOSED`, `WOULD_BLOCK` when very many commands wait. Any thread, also
// inside callbacks. Does not block.
enum MoqResultCode moq_client_supply_token(MoqHandle client,
                                           uint64_t attempt,
                                           const uint8_t *token,
                                           size_t length);

// Answers a `TOKEN_WANTED` record when there is no token: that attempt fails with
// `MOQ_ERROR_UNAUTHORIZED` and `reason` (UTF-8 of `length` bytes, copied), the next one asks again.
//
// Errors and threads as `moq_client_supply_token`.
enum MoqResultCode moq_client_refuse_token(MoqHandle client,
                                           uint64_t attempt,
                                           const char *reason,
                                           size_t length);

// Sets the function that says that records wait, or takes it back with NULL. When this returns,
// the one set before is not running on another thread and will not be called again; so do not call
// it holding a lock that the function takes. If records wait already, the new one is called soon,
// possibly before this returns, on this thread.
//
// Any thread, also inside callbacks. `user_data` must stay valid until the function is taken back.
enum MoqResultCode moq_set_waker(MoqHandle client, MoqWaker waker, void *user_data);

// Statistics as JSON with the names of `ClientStats` in TypeScript, each track with its `handle`;
// a few ms old. UTF-8 without NUL; `needed` always gets its size in bytes.
//
// Errors: `BUFFER_TOO_SMALL`. Any thread, also inside callbacks. Does not block.
enum MoqResultCode moq_client_stats(MoqHandle client,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *needed);

// Publishes a track. `READY` follows when the peer accepted the namespace, then `SUBSCRIBERS`,
// `KEYFRAME_WANTED`, `WRITABLE`, and `END` when it is over. Updates are accepted at once.
//
// `options_json`, copied: `namespace` (list of strings, or one string split on `/`), `name`,
// `delivery` (`reliable` default, `latest`, `deadline`, `datagram`), `deadline` (ms, default 200),
// `priority` (0 highest to 255, default 128), `queueBytes` (default 1 MiB), `retainBytes` (default
// 8 MiB), `maxDatagramSize` (default 1100).
//
// Errors: `INVALID_ARGUMENT`, `CLOSED`, `LIMIT_EXCEEDED`. Any thread, also inside callbacks. Does
// not block.
enum MoqResultCode moq_publication_open(MoqHandle client,
                                        const char *options_json,
                                        size_t length,
                                        MoqHandle *publication);

// Publishes one update; the bytes are copied before it returns.
//
// Errors: `WOULD_BLOCK` (nothing was accepted; `WRITABLE` follows), `TOO_LARGE` (`moq_last_error`
// names the limit), `CLOSED`, `INVALID_ARGUMENT`. After `WOULD_BLOCK` and `TOO_LARGE` what waits
// because of `MOQ_PUBLISH_MORE` is sent. Any thread, also inside callbacks; updates of one
// publication keep the order of the calls. Does not block.
enum MoqResultCode moq_publish(MoqHandle publication,
                               uint32_t flags,
                               const uint8_t *data,
                               size_t length);

// Sends what waits because of `MOQ_PUBLISH_MORE`.
//
// Any thread, also inside callbacks. Does not block.
enum MoqResultCode moq_publish_flush(MoqHandle client);

// Publishes many updates of any publications in one call. Each gets its own `result`, as of
// `moq_publish`; the call itself fails only when `updates` is NULL, or with the first result that
// is not `MOQ_OK` (the others were published all the same).
//
// Any thread, also inside callbacks. Does not block.
enum MoqResultCode moq_publish_batch(struct MoqUpdate *updates, size_t count);

// The same for scripts, with all updates in one buffer: for each, at an offset that is a multiple
// of 8, little-endian `uint64 publication, uint32 flags, uint32 length`, then the bytes. `results`
// gets a `MoqResultCode` for each; `count` gets how many there were.
//
// Errors: `INVALID_ARGUMENT` when the buffer is cut short (what lies before the cut is published),
// `BUFFER_TOO_SMALL` when `results` is full (what has no place there is not published); otherwise
// as `moq_publish_batch`. Any thread, also inside callbacks. Does not block.
enum MoqResultCode moq_publish_packed(const uint8_t *updates,
                                      size_t length,
                                      int32_t *results,
                                      size_t capacity,
                                      size_t *count);

// Ends a track. What was accepted is still sent; `END` follows when the next hop has acknowledged
// it, at the latest after `flush_ms` (0: as soon as the end was handed to the session). Then free
// the handle with `moq_handle_close`.
//
// Errors: `CLOSED` when it was ended before. Any thread, also inside callbacks. Does not block.
enum MoqResultCode moq_publication_end(MoqHandle publication, uint32_t flush_ms);

// Subscribes to a track. `READY` follows with the class in force, then `OBJECT` and `GAP`, and
// exactly one `END`, also when the peer refuses.
//
// `options_json`, copied: `namespace`, `name`, `start` (`latest-group` default, `next`, `now`),
// `delivery` (how to read a track that does not say its class, default `reliable`), `unordered`,
// `priority`, `wait` (ms for a publisher to appear), `maxAge` (ms in the queue, 0 is no limit),
// `queueBytes` (default 8 MiB: when full, `reliable` pauses its intake, the others drop the oldest
// object and count it), `gapTimeout` (ms, default 2000).
//
// Errors: `INVALID_ARGUMENT`, `CLOSED`, `LIMIT_EXCEEDED`. Any thread, also inside callbacks. Does
// not block.
enum MoqResultCode moq_subscription_open(MoqHandle client,
                                         const char *options_json,
                                         size_t length,
                                         MoqHandle *subscription);

// Reads past objects: `OBJECT` records, then `END`.
//
// `options_json`, copied: `namespace`, `name`, `fromGroup`, `toGroup` (inclusive), `order`
// (`ascending` default, `descending`), `priority`.
//
// Errors and threads as `moq_subscription_open`.
enum MoqResultCode moq_fetch_open(MoqHandle client,
                                  const char *options_json,
                                  size_t length,
                                  MoqHandle *fetch);

// Discovers namespaces at or under a prefix: `NAMESPACE` records for those that exist, then for
// changes, until it is closed or the client ends.
//
// `options_json`, copied: `prefix` (list of strings, or one string split on `/`; empty is all).
//
// Errors and threads as `moq_subscription_open`.
enum MoqResultCode moq_discovery_open(MoqHandle client,
                                      const char *options_json,
                                      size_t length,
                                      MoqHandle *discovery);

// Asks what the next hop knows of a track: one `STATUS` record, then `END`.
//
// `options_json`, copied: `namespace`, `name`.
//
// Errors and threads as `moq_subscription_open`.
enum MoqResultCode moq_status_open(MoqHandle client,
                                   const char *options_json,
                                   size_t length,
                                   MoqHandle *status);

// Changes a live subscription. `options_json`, copied: `priority` (0 highest to 255).
//
// Errors: `INVALID_ARGUMENT`, `CLOSED`, `WOULD_BLOCK` when very many changes wait. Any thread, also
// inside callbacks. Does not block.
enum MoqResultCode moq_subscription_update(MoqHandle subscription,
                                           const char *options_json,
                                           size_t length);

// Closes a publication, subscription, fetch, discovery or status request, whether or not it has
// ended. When this returns the handle is gone and no record comes for it. A publication that was
// not ended is ended; what it accepted and did not send yet may be lost.
//
// Errors: `CLOSED` when it was closed before. Any thread, also inside callbacks. Does not block.
enum MoqResultCode moq_handle_close(MoqHandle handle);

// Copies as many whole records as fit into memory of the caller. The buffer should be 8-byte
// aligned to be read in place; a `MoqRecordHeader` starts at offset 0 and then `length` bytes after
// the one before. Handles take turns, records of one handle keep their order.
//
// `MOQ_OK` with `count` 0 says that nothing waits. `MOQ_ERROR_BUFFER_TOO_SMALL`: not even the next
// record fits; nothing was written and `needed` is its size.
//
// Any thread, also inside callbacks; one thread at a time sees records in order. Does not block.
enum MoqResultCode moq_poll(MoqHandle client,
                            uint8_t *buffer,
                            size_t capacity,
                            struct MoqPollResult *result);

// Holds the records of a handle back (`held` not 0) or lets them go on. While held, `moq_poll` does
// not give them, and the policy of the subscription applies when its queue is full.
//
// Errors: `CLOSED` also when the handle's `END` was read already. Any thread, also inside
// callbacks. Does not block.
enum MoqResultCode moq_handle_hold(MoqHandle handle, uint32_t held);

// Starts a relay on its own I/O thread.
//
// `options_json`, copied, all optional: `listen` (UDP address or list of them, default
// `127.0.0.1:0`: any free port), `certificate` and `key` (PEM files; without them a development
// certificate is made, for `names` too), `tokenFile` or `tokens` (the content of such a file:
// `{"tokens":{"secret":{"publish":["*"],"subscribe":["*"]}},"anonymous":{…}}`; without them
// everybody may do everything), `http` (TCP address of statistics and certificate hash,
// `same-port`, or `off`, the default), `goawayUri`, `exemptAddresses` (IP addresses to which the
// limits per address do not apply, default this machine's), and `limits` with `sessions`,
// `sessionsPerAddress`, `handshakes`, `handshakesPerAddress`, `requestsPerSession`,
// `fetchesPerSession`, `sessionBytes`, `allSessionBytes`, `namespaces`, `tracks`, `subscriptions`,
// `objectBytes`, `cacheBytes`, `trackCacheBytes`, `queueBytes`.
//
// Errors: `INVALID_ARGUMENT`, `CERTIFICATE`, `CONNECTION_FAILED` when the port cannot be opened. Not
// from inside a callback: `BUSY`. Blocks for some ms while the port is opened.
enum MoqResultCode moq_relay_start(const char *options_json,
                                   size_t length,
                                   MoqHandle *relay);

// What is known of a relay as JSON: `{"url":"https://…","quicUrl":"moqt://…","memoryUrl":"memory://…",
// "port":4443,"certificateHash":"…","httpUrl":"http://…"}`. UTF-8 without NUL; `needed` always gets
// its size in bytes.
//
// Errors: `BUFFER_TOO_SMALL`. Any thread, also inside callbacks. Does not block.
enum MoqResultCode moq_relay_info(MoqHandle relay,
                                  char *buffer,
                                  size_t capacity,
                                  size_t *needed);

// Statistics of a relay as JSON, as its HTTP page gives them. `BUSY` on the relay's own
// thread. Otherwise as `moq_relay_info`.
enum MoqResultCode moq_relay_stats(MoqHandle relay, char *buffer, size_t capacity, size_t *needed);

// Stops a relay: its clients are told to go away, its port is closed, its thread joined. The handle
// is gone when this returns. `grace_ms` is how long clients may take to leave by themselves.
//
// Not from inside a callback: `MOQ_ERROR_BUSY`. Blocks for at most `grace_ms` and some ms.
enum MoqResultCode moq_relay_stop(MoqHandle relay, uint32_t grace_ms);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MOQ_FFI_H */
