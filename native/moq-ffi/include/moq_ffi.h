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
 * - The functions whose text begins with 'Inherited' are those of this library's predecessor: names,
 *   numbers and layouts as they were, over the functions above them. New code does not need them.
 *   docs/moq-ffi.md says what behaves differently.
 * - Every open handle gets exactly one MOQ_RECORD_END, and nothing after it.
 *
 * Records: 8-byte aligned, little-endian; a MoqRecordHeader of MOQ_RECORD_HEADER_SIZE bytes, then
 * the payload, padded with zeros to a multiple of 8.
 *
 * Errors: what to do next. The text that comes with each says it for the case at hand.
 *   INVALID_ARGUMENT     correct the argument or option that the text names
 *   CONNECTION_FAILED    check address, port, UDP and that the relay runs; then try again
 *   NOT_CONNECTED        wait for the state OPEN and ask again
 *   TIMEOUT              try again, or allow more time (see below)
 *   INTERNAL             report it with its text
 *   UNSUPPORTED          do without, or use a peer that has it
 *   BUFFER_TOO_SMALL     call again with the size that was told
 *   CLOSED               open another handle
 *   WOULD_BLOCK          wait for WRITABLE (updates), or try again later
 *   TOO_LARGE            send less, or raise the limit that the text names
 *   LIMIT_EXCEEDED       close some of what is open, or raise the limit that the text names
 *   UNAUTHORIZED         connect with a token that the relay accepts
 *   CERTIFICATE          as the text says, which is different for each cause (MoqCertificateReason in
 *                        the client's END): expired, not valid yet, for another name, of an unknown
 *                        issuer, not among the pinned hashes, or the relay does not take this
 *                        client's certificate
 *   PROTOCOL_MISMATCH    use a relay of one of the drafts that the text lists
 *   PROTOCOL_VIOLATION   report it to whoever runs the peer
 *   NOT_FOUND            check the name, or wait for a publisher (option wait)
 *   CANCELLED            ask again, if it is still wanted
 *   GOING_AWAY           connect to another relay, as a client with reconnect does
 *   TOO_FAR_BEHIND       read faster, or use a class that drops
 *   MALFORMED_TRACK      report it to whoever publishes the track
 *   DUPLICATE            use the one that exists
 *   BUSY                 call from another thread, or later
 *   UNAVAILABLE          install the library for this platform
 *   RATE_LIMITED         slow down, or raise the rate that the text names
 *
 * Timeouts, in ms. What takes longer ends with TIMEOUT. Closing a handle cancels at any time, from
 * any thread: when moq_handle_close or moq_client_close returns, no record of it comes any more.
 *   what                               of a client (default)       of one call
 *   connect: token, QUIC, SETUP        connectTimeout (10000)      -
 *   silence of the peer                idleTimeout (15000)         -
 *   publish until READY                requestTimeout (30000)      timeout
 *   subscribe until READY              requestTimeout (30000)      timeout; wait comes on top
 *   discover until accepted            requestTimeout (30000)      timeout
 *   track status until END             requestTimeout (30000)      timeout
 *   fetch until its first answer       requestTimeout (30000)      -
 *   fetch until END                    -                           timeout
 *   a missing group of a track         -                           gapTimeout (2000)
 *   end of a publication, acknowledged -                           flush_ms (0)
 *   close of a client, acknowledged    -                           flush_ms (0)
 *   relay stop, for clients to leave   -                           grace_ms
 *   without a connection               reconnect.timeout (120000)  -
 * requestTimeout counts on each connection anew, timeout from the call on. moq_shutdown waits for
 * no peer; it takes less than a second.
 *
 * Limits of a client, and what is beyond them (those of a relay: docs/limits.md):
 *   what                               default   option              error, or what happens
 *   an options text                    1 MiB     -                   INVALID_ARGUMENT
 *   a token                            16384     -                   INVALID_ARGUMENT
 *   namespace fields; with the name    32; 4096  -                   INVALID_ARGUMENT
 *   an object, both ways               16 MiB    maxObjectSize       TOO_LARGE; a gap when received
 *   a datagram                         1100      maxDatagramSize     TOO_LARGE
 *   waiting of a publication           1 MiB     queueBytes          WOULD_BLOCK, or the class drops
 *   kept for late joiners              8 MiB     retainBytes         late joiners begin later
 *   waiting of a subscription          8 MiB     queueBytes          pause, or the oldest goes, counted
 *   waiting of a fetch                 8 MiB     -                   pause
 *   open handles of a client           16384     -                   LIMIT_EXCEEDED
 *   subscriptions of the peer          4096      -                   refused with EXCESSIVE_LOAD
 *   live requests of the peer          1024      -                   refused with EXCESSIVE_LOAD
 *   namespaces told to a discovery     16384     -                   LIMIT_EXCEEDED
 *   a control message                  65535     -                   the wire knows no larger one
 *   unfinished messages and objects    32 MiB    maxObjectSize       the stream is stopped
 *   requests opened in a second        none      requestsPerSecond   RATE_LIMITED
 *   updates in a second                none      publishesPerSecond  RATE_LIMITED
 * A hostile peer makes one client hold at most: received and not read 8 MiB, datagrams 1 MiB,
 * unfinished 32 MiB (or maxObjectSize), its requests 4 MiB, answers that it does not read 8 MiB, and
 * the queues above.
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
  // More in a second than the rate that the message names; try again later.
  MOQ_ERROR_RATE_LIMITED = 24,
} MoqResultCode;

// Inherited: how a client stands.
typedef enum MoqConnectionState {
  // No connection: before the first, after `moq_disconnect`, or it was lost.
  MOQ_STATE_DISCONNECTED = 0,
  // One is being made, the first or another after a loss.
  MOQ_STATE_CONNECTING = 1,
  // It stands; after a loss, publishers and subscribers go on.
  MOQ_STATE_CONNECTED = 2,
  // It could not be made, or not be made again: call `moq_connect` again.
  MOQ_STATE_FAILED = 3,
} MoqConnectionState;

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
  // `{"message":"...","peerCode":0,"retryable":false}`, `peerCode` only if the peer told one. With
  // `MOQ_ERROR_CERTIFICATE`, `extra` is a `MoqCertificateReason` and the payload has its name too,
  // `"reason":"expired"`.
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
  // Dropped because the reader's queue was full. No record says so today: such objects are counted as
  // `overflow` of the subscription.
  MOQ_GAP_OVERFLOW = 4,
  // The peer ended the subscription because it was too far behind; it was joined again.
  MOQ_GAP_TOO_FAR_BEHIND = 5,
  // Went by while there was no connection, or was lost with one.
  MOQ_GAP_RECONNECTED = 6,
} MoqGapReason;

// `extra` of the end record of a client whose `code` is `MOQ_ERROR_CERTIFICATE`: why. New ones are
// added at the end.
typedef enum MoqCertificateReason {
  // `other`: none of the others; the text says more.
  MOQ_CERTIFICATE_OTHER = 0,
  // `expired`: the peer's certificate is over.
  MOQ_CERTIFICATE_EXPIRED = 1,
  // `not_yet_valid`: it has not begun; a clock may be wrong.
  MOQ_CERTIFICATE_NOT_YET_VALID = 2,
  // `wrong_name`: it is not for the host in the URL.
  MOQ_CERTIFICATE_WRONG_NAME = 3,
  // `unknown_issuer`: self-signed, or of an authority that is not trusted here.
  MOQ_CERTIFICATE_UNKNOWN_ISSUER = 4,
  // `wrong_hash`: not among `serverCertificateHashes`.
  MOQ_CERTIFICATE_WRONG_HASH = 5,
  // `revoked`: its issuer took it back.
  MOQ_CERTIFICATE_REVOKED = 6,
  // `client_missing`: the peer wants a certificate of this client, which has none.
  MOQ_CERTIFICATE_CLIENT_MISSING = 7,
  // `client_refused`: the peer does not take this client's certificate.
  MOQ_CERTIFICATE_CLIENT_REFUSED = 8,
} MoqCertificateReason;

// Inherited: how an update travels. Other numbers are refused.
typedef enum MoqDeliveryMode {
  // In one datagram: may be lost, and has a size limit that the error names.
  MOQ_DELIVERY_DATAGRAM = 0,
  // On a stream of its own: arrives whole and in order.
  MOQ_DELIVERY_STREAM = 1,
} MoqDeliveryMode;

// Inherited: a client. Opaque; the pointer is a name and leads to no memory, so one that was
// destroyed gives `MOQ_ERROR_CLOSED`.
typedef struct MoqClient MoqClient;

// Inherited: a track that is published. Opaque as `MoqClient`.
typedef struct MoqPublisher MoqPublisher;

// Inherited: a track that is read. Opaque as `MoqClient`.
typedef struct MoqSubscriber MoqSubscriber;

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

// Inherited: what a call gave. `message` says what happened and what to do next; it is NULL with
// `MOQ_OK`, and otherwise the caller's, to be given to `moq_free_str`.
typedef struct MoqResult {
  enum MoqResultCode code;
  const char *message;
} MoqResult;

// Inherited: the state changed. Callbacks of one connection run on one thread of the library, one
// at a time, with no lock held. Any function may be called inside, also one that destroys what the
// callback belongs to, except `moq_shutdown`, `moq_relay_start` and `moq_relay_stop`, which give
// `MOQ_ERROR_BUSY`.
typedef void (*MoqConnectionCallback)(void *user_data, enum MoqConnectionState state);

// Inherited: a namespace was announced, its fields joined by `/`. `track` is always empty: MoQ
// Transport announces namespaces. Texts hold during the call only. Threads as
// `MoqConnectionCallback`.
typedef void (*MoqTrackCallback)(void *user_data, const char *ns, const char *track);

// Inherited: an object arrived; `data` holds during the call only and is not NULL when `len` is 0.
// Threads as `MoqConnectionCallback`.
typedef void (*MoqDataCallback)(void *user_data, const uint8_t *data, size_t len);

// Inherited: one track of a catalog. Texts are UTF-8 with NUL, never NULL, empty when the catalog
// does not say; numbers are 0 then.
typedef struct MoqTrackInfo {
  const char *name;
  const char *codec;
  const char *mime_type;
  uint32_t width;
  uint32_t height;
  // Bits per second; the largest number stands for all above it.
  uint32_t bitrate;
  // Samples per second.
  uint32_t sample_rate;
  const char *language;
} MoqTrackInfo;

// Inherited: the tracks that a catalog lists now, all of them each time. They hold during the call
// only. Threads as `MoqConnectionCallback`.
typedef void (*MoqCatalogCallback)(void *user_data, const struct MoqTrackInfo *tracks, size_t count);

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
// - `clientCertificate` and `clientKey`: what a relay that asks for it is shown: PEM text, or the
//   path of a PEM file;
// - `askToken`: true has each connection ask for a token of its own, with a `TOKEN_WANTED` record;
// - `connectTimeout` (ms, default 10000, for the token, the connection and SETUP together),
//   `keepAlive` (ms, default 4000, 0 is off), `idleTimeout` (ms of silence after which the
//   connection counts as lost, default 15000), `maxObjectSize` (bytes, default 16 MiB, at most
//   64 MiB), `requestTimeout` (ms, default 30000, for the answer to each request);
// - `requestsPerSecond` with `requestBurst` (publications, subscriptions, fetches, discoveries and
//   status requests opened), `publishesPerSecond` with `publishBurst` (updates of all publications):
//   what is above gives `RATE_LIMITED`. 0, the default, is no limit; a burst is by default what a
//   second allows;
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
// Errors: `INVALID_ARGUMENT` naming the field and what is accepted; `CERTIFICATE` for a
// `clientCertificate` or `clientKey` that cannot be used; `NOT_FOUND` for the memory URL of no relay. Any thread, also inside callbacks. Does not block.
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
// 8 MiB), `maxDatagramSize` (default 1100), `timeout` (ms until `READY`).
//
// Errors: `INVALID_ARGUMENT`, `CLOSED`, `LIMIT_EXCEEDED`, `RATE_LIMITED`. Any thread, also inside
// callbacks. Does not block.
enum MoqResultCode moq_publication_open(MoqHandle client,
                                        const char *options_json,
                                        size_t length,
                                        MoqHandle *publication);

// Publishes one update; the bytes are copied before it returns.
//
// Errors: `WOULD_BLOCK` (nothing was accepted; `WRITABLE` follows), `TOO_LARGE` (`moq_last_error`
// names the limit), `RATE_LIMITED` (see `publishesPerSecond`), `CLOSED`, `INVALID_ARGUMENT`. After `WOULD_BLOCK` and `TOO_LARGE` what waits
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
// object and count it), `gapTimeout` (ms, default 2000), `timeout` (ms until `READY`, see the table
// of timeouts above).
//
// Errors: `INVALID_ARGUMENT`, `CLOSED`, `LIMIT_EXCEEDED`, `RATE_LIMITED`. Any thread, also inside
// callbacks. Does not block.
enum MoqResultCode moq_subscription_open(MoqHandle client,
                                         const char *options_json,
                                         size_t length,
                                         MoqHandle *subscription);

// Reads past objects: `OBJECT` records, then `END`.
//
// `options_json`, copied: `namespace`, `name`, `fromGroup`, `toGroup` (inclusive), `order`
// (`ascending` default, `descending`), `priority`, `timeout` (ms until `END`).
//
// Errors and threads as `moq_subscription_open`.
enum MoqResultCode moq_fetch_open(MoqHandle client,
                                  const char *options_json,
                                  size_t length,
                                  MoqHandle *fetch);

// Discovers namespaces at or under a prefix: `NAMESPACE` records for those that exist, then for
// changes, until it is closed or the client ends.
//
// `options_json`, copied: `prefix` (list of strings, or one string split on `/`; empty is all),
// `timeout` (ms until the peer has accepted it).
//
// Errors and threads as `moq_subscription_open`.
enum MoqResultCode moq_discovery_open(MoqHandle client,
                                      const char *options_json,
                                      size_t length,
                                      MoqHandle *discovery);

// Asks what the next hop knows of a track: one `STATUS` record, then `END`.
//
// `options_json`, copied: `namespace`, `name`, `timeout` (ms until `END`).
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
// ended: this is how a call is cancelled, from any thread. When this returns the handle is gone and
// no record comes for it, not even `END`. A publication that was
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
// certificate is made, for `names` too), `clientCaFile` (PEM file or list of them: authorities of
// client certificates, which clients must then show, unless `requireClientCertificate` is false), `tokenFile` or `tokens` (the content of such a file:
// `{"tokens":{"secret":{"publish":["*"],"subscribe":["*"]}},"anonymous":{…}}`; without them
// everybody may do everything), `http` (TCP address of statistics and certificate hash,
// `same-port`, or `off`, the default), `goawayUri`, `exemptAddresses` (IP addresses to which the
// limits per address do not apply, default this machine's), and `limits` with `sessions`,
// `sessionsPerAddress`, `handshakes`, `handshakesPerAddress`, `requestsPerSession`,
// `fetchesPerSession`, `sessionBytes`, `allSessionBytes`, `namespaces`, `tracks`, `subscriptions`,
// `objectBytes`, `cacheBytes`, `trackCacheBytes`, `queueBytes`, and the rates `connectsPerSecond`,
// `connectBurst`, `connectsPerSecondPerAddress`, `connectBurstPerAddress`, `requestsPerSecond`,
// `requestBurst`, `publishesPerSecond`, `publishBurst`, `fetchBytesPerSecond`, `fetchBurst` (a rate
// of 0: no limit); docs/limits.md has their defaults.
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

// Inherited: makes the library ready, which every other function does too. May be called again.
//
// Any thread. Does not block. Cannot fail.
bool moq_init(void);

// Inherited: frees the `message` of a `MoqResult`; NULL is ignored. Give each text once, and none
// that another function gave.
//
// Any thread. Does not block. Cannot fail.
void moq_free_str(const char *text);

// Inherited: makes a client, which is not connected. NULL only when something is broken
// (`moq_last_error`).
//
// Any thread, also inside callbacks. Does not block.
struct MoqClient *moq_client_create(void);

// Inherited: destroys a client and ends its connection at once; NULL is ignored. When this returns,
// no callback of it runs on another thread or will run, so do not call it holding a lock that a
// callback takes, nor from a callback of another client whose callback destroys yours. Its
// publishers and subscribers are of no use any more, and are destroyed on their own.
//
// Any thread, also inside callbacks, its own too. Blocks as long as a callback of it runs on another
// thread.
void moq_client_destroy(struct MoqClient *client);

// Not inherited, but for clients of these functions: options for the next `moq_connect`, as JSON of
// `length` bytes with the fields of `moq_client_open` except `url` and `askToken`. They replace
// those given before; what is not named has its default again, which is that of `moq_client_open`
// save `connectTimeout`: 30000 ms, also the time that every function here waits for an answer.
//
// A development certificate is accepted with `{"serverCertificateHashes":["…"]}`, a private
// authority with `{"caFile":"…"}`. `{"reconnect":false}` reports a loss and leaves it at that.
//
// Errors: `INVALID_ARGUMENT` naming the field and what is accepted; the options from before stay.
// Any thread, also inside callbacks. Does not block.
struct MoqResult moq_client_configure(struct MoqClient *client,
                                      const char *options_json,
                                      size_t length);

// Inherited: connects to `https://host:port/path` (WebTransport), `moqt://…` or `quic://…` (QUIC),
// and waits until the connection stands or cannot be had, at most for the connect timeout (30 s,
// see `moq_client_configure`).
//
// `connection_callback` may be NULL. It hears `CONNECTING`, then `CONNECTED` or `FAILED`, before
// this returns unless it takes longer than a second; when the connection is lost `DISCONNECTED` and `CONNECTING`, then `CONNECTED` with
// publishers and subscribers as before, or `FAILED`; and `DISCONNECTED` after `moq_disconnect`.
// What publishers and subscribers missed meanwhile is not told here: see `MOQ_RECORD_GAP`.
//
// Errors: `TIMEOUT`, `CONNECTION_FAILED`, `CERTIFICATE`, `UNAUTHORIZED`, `PROTOCOL_MISMATCH`;
// `INVALID_ARGUMENT` for a URL that is none, and while there is a connection; `CANCELLED` when it is
// disconnected meanwhile. Any thread, also inside callbacks of these functions; `BUSY` in a waker or
// the log. Blocks.
struct MoqResult moq_connect(struct MoqClient *client,
                             const char *url,
                             MoqConnectionCallback connection_callback,
                             void *user_data);

// Inherited: ends the connection. What publishers accepted is sent for up to half a second. When
// this returns, the callback has heard `DISCONNECTED` and no callback of this connection will run,
// unless this was called inside one: that happens when it has returned. Publishers and subscribers
// of the connection are of no use any more.
//
// Errors: `NOT_CONNECTED`. Any thread, also inside callbacks. Blocks for up to half a second, and
// as long as a callback runs.
struct MoqResult moq_disconnect(struct MoqClient *client);

// Inherited: whether the connection stands now; false for NULL.
//
// Any thread, also inside callbacks. Does not block.
bool moq_is_connected(const struct MoqClient *client);

// Inherited: announces a namespace, its fields separated by `/`, and waits for the relay's answer,
// at most for the connect timeout. It stays announced, also across reconnects, until the client is
// disconnected; announcing it again does nothing. `moq_create_publisher` announces its namespace by
// itself.
//
// Errors: `NOT_CONNECTED`, `INVALID_ARGUMENT`, `UNAUTHORIZED` and other reasons of the relay,
// `TIMEOUT`. Any thread, also inside callbacks of these functions; `BUSY` in a waker or the log.
// Blocks.
struct MoqResult moq_announce_namespace(struct MoqClient *client, const char *ns);

// Inherited: calls `track_callback` for every namespace that is announced to the relay, those that
// are announced already first; each once, and again when it comes back after it went away. Works
// before `moq_connect` and holds across connections, until NULL is given or the client is destroyed.
// Another function takes the place of the one before, which is not running on another thread and
// will not be called again when this returns. That a namespace went away is not told here: see
// `moq_discovery_open`.
//
// Errors: `INVALID_ARGUMENT`. A relay that does not tell namespaces is named in the log. Any thread,
// also inside callbacks. Does not wait for the relay.
struct MoqResult moq_subscribe_announces(struct MoqClient *client,
                                         MoqTrackCallback track_callback,
                                         void *user_data);

// Inherited: as `moq_create_publisher_ex` with `MOQ_DELIVERY_STREAM`.
struct MoqPublisher *moq_create_publisher(struct MoqClient *client,
                                          const char *ns,
                                          const char *track);

// Inherited: publishes a track, and announces its namespace (fields separated by `/`). Returns at
// once; what is published is taken from now on. When the relay refuses the namespace, publishing
// gives its reason.
//
// `delivery_mode` decides what the track is: with `MOQ_DELIVERY_STREAM` class `reliable`, every
// publish a group of its own; with `MOQ_DELIVERY_DATAGRAM` class `datagram`. Updates published in
// the other mode are sent in that mode all the same, on a track beside it that is named
// `<track>~datagram` or `<track>~stream`. A subscriber of these functions reads both by itself: it
// gets what streams carry whole and in the order of publishing, of datagrams only ever newer ones,
// and no promise of the order between the two. Other subscribers see two tracks.
//
// NULL on failure (`moq_last_error`): `NOT_CONNECTED`, `INVALID_ARGUMENT`, `LIMIT_EXCEEDED`. Any
// thread, also inside callbacks. Does not block.
struct MoqPublisher *moq_create_publisher_ex(struct MoqClient *client,
                                             const char *ns,
                                             const char *track,
                                             MoqDeliveryMode delivery_mode);

// Inherited: ends a track; NULL is ignored. What was accepted is still sent while the connection
// lasts.
//
// Any thread, also inside callbacks. Does not block.
void moq_publisher_destroy(struct MoqPublisher *publisher);

// Inherited: publishes one update, which is copied, in the mode given here, whatever the publisher
// was created with. `data` may be NULL when `data_len` is 0: an empty update arrives as one.
//
// Errors: `TOO_LARGE` naming the limit (a datagram carries at most about 1,090 bytes),
// `WOULD_BLOCK` when 16 MiB wait on streams: try again later; `NOT_CONNECTED` after the connection
// is over (while it is lost and being repaired, updates are taken), the relay's reason when it
// refused the track, `INVALID_ARGUMENT`. Any thread, also inside callbacks; updates of one mode keep
// the order of the calls. Does not block.
struct MoqResult moq_publish_data(struct MoqPublisher *publisher,
                                  const uint8_t *data,
                                  size_t data_len,
                                  MoqDeliveryMode delivery_mode);

// Inherited: subscribes to a track (the namespace's fields separated by `/`) and waits for the
// answer, at most for the connect timeout; while a lost connection is being repaired it does not
// wait. Every object from the newest group on is given to `data_callback`, which may begin before
// this returns: with class `reliable` each once and in order, with `datagram`, `latest` and
// `deadline` what that class promises, empty ones too and truncated ones never. See
// `moq_create_publisher_ex` for tracks that are published in both modes. What is missing is told in
// the log. The subscription lives across reconnects.
//
// NULL on failure (`moq_last_error`): `NOT_CONNECTED`, `INVALID_ARGUMENT`, `NOT_FOUND` (there is no
// such track now), `UNAUTHORIZED` and other reasons of the peer, `TIMEOUT`. Any thread, also inside
// callbacks of these functions; `BUSY` in a waker or the log. Blocks.
struct MoqSubscriber *moq_subscribe(struct MoqClient *client,
                                    const char *ns,
                                    const char *track,
                                    MoqDataCallback data_callback,
                                    void *user_data);

// Inherited: ends a subscription. When this returns, its callback is not running on another thread
// and will not be called again, so do not call it holding a lock that the callback takes. The
// pointer lives on until `moq_subscriber_destroy`. Once is enough; a second call does nothing.
//
// Errors: `INVALID_ARGUMENT`, `CLOSED`. Any thread, also inside callbacks, its own too. Blocks as
// long as its callback runs on another thread.
struct MoqResult moq_unsubscribe(struct MoqSubscriber *subscriber);

// Inherited: `moq_unsubscribe`, and the pointer is gone; NULL is ignored.
void moq_subscriber_destroy(struct MoqSubscriber *subscriber);

// Inherited: whether the peer accepted the subscription and it has not ended; also while a lost
// connection is being repaired. False for NULL, and after `moq_unsubscribe` and `moq_disconnect`.
//
// Any thread, also inside callbacks. Does not block.
bool moq_is_subscribed(const struct MoqSubscriber *subscriber);

// Inherited: subscribes to a catalog track as `moq_subscribe` does, and gives all tracks that it
// lists to `catalog_callback`, first as it stands and again after each update. `tracks` is not NULL
// when there are none.
//
// Read are catalogs of draft-ietf-moq-catalogformat (version 1; common track fields and selection
// parameters are inherited; updates are JSON Patches) and of draft-ietf-moq-msf (versions "1" and
// "draft-00" to "draft-03"; updates add, remove, clone and update tracks). An update may come in the
// group of its catalog or in one of its own. One that is malformed, of another version, compressed,
// or larger than 1 MiB or 1,024 tracks is refused whole, with the reason in the log, and counted by
// `moq_catalog_refused`; what stood before stands. After a gap, updates are refused until a whole
// catalog comes. A list of catalogs is refused: subscribe to one of them.
//
// NULL on failure, threads and blocking as `moq_subscribe`.
struct MoqSubscriber *moq_subscribe_catalog(struct MoqClient *client,
                                            const char *ns,
                                            const char *track,
                                            MoqCatalogCallback catalog_callback,
                                            void *user_data);

// Not inherited, but for subscribers of `moq_subscribe_catalog`: how many objects were refused. 0
// for other subscribers and for NULL.
//
// Any thread, also inside callbacks. Does not block.
uint64_t moq_catalog_refused(const struct MoqSubscriber *subscriber);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MOQ_FFI_H */
