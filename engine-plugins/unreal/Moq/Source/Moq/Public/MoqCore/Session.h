// One client of moq_ffi with everything that hangs on it: the control block that the library's
// waker gets, the inbox, and the calls. Handles are integers; nothing here knows an engine object.
#pragma once

#include "MoqCore/Export.h"
#include "MoqCore/Library.h"

#include <moq_ffi/records.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace moq::unreal {

// Gets what happened, record by record, on the thread that drains. The payload holds during the
// call only. Everything may be called inside, closing and opening included; a drain inside a drain
// does nothing. moq::Object, moq::Gap, moq::End … of moq_ffi/records.hpp name the fields of each
// kind.
class RecordSink {
public:
  virtual ~RecordSink() = default;
  virtual void OnRecord(const moq::Record& record) = 0;
};

// How much one drain may do; what is left comes with the next.
struct DrainBudget {
  std::size_t Records = std::numeric_limits<std::size_t>::max();
  // Of payload.
  std::size_t Bytes = std::numeric_limits<std::size_t>::max();
  // µs; looked at after each record. 0: no limit.
  std::uint64_t Microseconds = 0;
};

struct DrainResult {
  std::size_t Records = 0;
  std::size_t Bytes = 0;
  // The budget ended it, and records wait.
  bool More = false;
};

enum class RequestKind { Publish, Subscribe, Fetch, Discover, Status };

// Monotonic µs.
using Clock = std::function<std::uint64_t()>;
MOQ_API std::uint64_t SteadyMicroseconds();

// Calls give a MoqResultCode and LastError() tells more, as in moq_ffi.h. Made, drained and closed
// on one thread; Publish and Flush may be called from any, while the caller holds a reference.
// After Close every call gives MOQ_ERROR_CLOSED and no record comes.
class MOQ_API Session : public std::enable_shared_from_this<Session> {
public:
  // Begins to connect and returns at once. NULL with the code on failure. `options` is JSON as
  // moq_client_open takes it; moq::ClientOptions writes it.
  static std::shared_ptr<Session> Open(ApiRef api, std::string_view options, MoqResultCode& code);

  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The client's handle, also after Close.
  MoqHandle Handle() const { return Client; }
  bool IsClosed() const { return Closed.load(std::memory_order_acquire); }
  // Its END was delivered; Host closes such a session by itself.
  bool HasEnded() const { return Ended; }

  // Opens a publication, subscription … with JSON options as moq_publication_open and its siblings
  // take them; moq::PublishOptions and its siblings write them.
  MoqResultCode Request(RequestKind kind, std::string_view options, MoqHandle& handle);
  // Publishes one update; the bytes are copied. `flags` are MOQ_PUBLISH_….
  MoqResultCode Publish(MoqHandle publication, std::uint32_t flags, const void* bytes,
                        std::size_t size) const;
  MoqResultCode Flush() const;
  // Ends a track; its END follows when all is acknowledged, at the latest after `flush_ms`.
  MoqResultCode EndPublication(MoqHandle publication, std::uint32_t flush_ms);
  // Nothing follows for this handle, not even what lies in the inbox.
  MoqResultCode CloseHandle(MoqHandle handle);
  MoqResultCode UpdateSubscription(MoqHandle subscription, std::string_view options);
  // While held, no records of the handle come; its queue's policy applies.
  MoqResultCode Hold(MoqHandle handle, bool held);
  MoqResultCode SupplyToken(std::uint64_t attempt, const void* token, std::size_t size);
  MoqResultCode RefuseToken(std::uint64_t attempt, std::string_view reason);
  // JSON as of moq_client_stats; empty once it is closed.
  std::string Stats() const;
  // What the last failed call of this thread said.
  std::string LastError() const;

  // True when records may wait. One atomic load: an idle tick costs no call.
  bool HasWork() const { return Filled > At || MoreWaits || Woken.load(std::memory_order_acquire); }
  // Gives records to the sink within the budget. A handle is closed for the caller after its END
  // was delivered.
  DrainResult Drain(RecordSink& sink, const DrainBudget& budget, const Clock& clock);
  // For hosts that read records themselves: copies them straight into the host's memory, as
  // moq_poll. Not to be mixed with Drain, and does not close ended handles.
  MoqResultCode Poll(std::uint8_t* buffer, std::size_t capacity, MoqPollResult& result);

  // Stops publishing and returns; the client's END comes when what was accepted is acknowledged, at
  // the latest after `flush_ms` (at least 1).
  MoqResultCode BeginClose(std::uint32_t flush_ms);
  // At once and for good. The waker does not run any more when it returns.
  void Close();

private:
  explicit Session(ApiRef api) : Api(std::move(api)) {}

  static void OnWake(void* user_data);

  bool Refill();

  const ApiRef Api;
  MoqHandle Client = 0;
  std::atomic<bool> Closed{false};
  // Set by the library's waker; the reader takes it back before it polls.
  std::atomic<bool> Woken{true};
  bool Ended = false;
  bool Draining = false;
  // The inbox: whole records that were polled and not delivered yet. 64-bit words, for records are
  // 8-byte aligned.
  std::vector<std::uint64_t> Inbox;
  std::size_t At = 0;
  std::size_t Filled = 0;
  bool MoreWaits = false;
  // Closed while the inbox held records; emptied with it.
  std::unordered_set<MoqHandle> ClosedHandles;
};

} // namespace moq::unreal
