// Clients, publications and requests, each owning its handle.
#ifndef MOQ_FFI_CLIENT_HPP
#define MOQ_FFI_CLIENT_HPP

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "basics.hpp"
#include "options.hpp"
#include "records.hpp"

namespace moq {

// Owns the handle of a publication or request and closes it.
class Handle {
public:
  Handle() = default;
  explicit Handle(MoqHandle handle) : handle_(handle) {}
  Handle(Handle&& other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      close();
      handle_ = std::exchange(other.handle_, 0);
    }
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { close(); }

  // 0 for an empty object.
  MoqHandle get() const { return handle_; }
  explicit operator bool() const { return handle_ != 0; }

  // Nothing follows for it. Closing again does nothing.
  void close() {
    if (handle_ != 0)
      api().moq_handle_close(std::exchange(handle_, 0));
  }

private:
  MoqHandle handle_ = 0;
};

// A track that is published. Any thread may send.
class Publication : public Handle {
public:
  using Handle::Handle;

  // Publishes one update: the bytes are copied. MOQ_ERROR_WOULD_BLOCK: nothing was accepted, and a
  // Writable record follows. The plain code, and no text, because this is the hot path;
  // last_error() of this thread tells more.
  MoqResultCode send(Bytes bytes) const {
    return api().moq_publish(get(), 0, bytes.data(), bytes.size());
  }
  // The same, and it starts a group: where late joiners of a reliable track begin.
  MoqResultCode keyframe(Bytes bytes) const {
    return api().moq_publish(get(), MOQ_PUBLISH_KEYFRAME, bytes.data(), bytes.size());
  }
  // Ends the track; what was accepted is still sent, for at most `flush`. An End record follows.
  Error end(std::chrono::milliseconds flush = std::chrono::seconds(5)) const {
    return detail::error_of(
        api().moq_publication_end(get(), static_cast<std::uint32_t>(flush.count())));
  }
};

// A subscription, fetch, discovery or status request.
class Request : public Handle {
public:
  using Handle::Handle;

  // While held, drain() gives no records of it.
  Error hold(bool held) const {
    return detail::error_of(api().moq_handle_hold(get(), held ? 1 : 0));
  }
};

class Subscription : public Request {
public:
  using Request::Request;

  // 0 is the highest, 255 the lowest.
  Error set_priority(std::uint8_t priority) const {
    const std::string json = detail::JsonObject().field("priority", std::uint64_t{priority}).take();
    return detail::error_of(api().moq_subscription_update(get(), json.data(), json.size()));
  }
};

// How much one drain() may do; what is left comes with the next call.
struct Budget {
  std::size_t records = std::numeric_limits<std::size_t>::max();
  std::size_t payload_bytes = std::numeric_limits<std::size_t>::max();
  std::chrono::microseconds time = std::chrono::microseconds::max();
};

struct Drained {
  std::size_t records = 0;
  // The budget ended it: drain again, the waker is not called for what is left.
  bool more = false;
  // MOQ_ERROR_CLOSED once the client is closed.
  MoqResultCode code = MOQ_OK;
};

// A connection to a relay, with everything that hangs on it.
class Client {
public:
  Client() = default;

  // Begins to connect and returns at once; a StateChange record follows.
  static Result<Client> open(const ClientOptions& options) {
    const std::string json = options.json();
    return open_json(json);
  }
  // With the options as JSON, as moq_client_open takes them.
  static Result<Client> open_json(const std::string& json) {
    MoqHandle handle = 0;
    const MoqResultCode code = api().moq_client_open(json.data(), json.size(), &handle);
    if (code != MOQ_OK)
      return detail::error_of(code);
    return Client(handle);
  }

  Client(Client&& other) noexcept = default;
  Client& operator=(Client&& other) noexcept {
    if (this != &other) {
      close();
      inner_ = std::move(other.inner_);
    }
    return *this;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  MoqHandle get() const { return inner_ ? inner_->handle : 0; }
  explicit operator bool() const { return get() != 0; }

  // At once: when it returns, no record comes and the waker does not run. May be called inside
  // drain(), whose visitor then sees nothing more.
  void close() {
    if (!inner_ || inner_->handle == 0)
      return;
    api().moq_client_close(std::exchange(inner_->handle, 0), 0);
    inner_->waker.reset();
    inner_.reset();
  }
  // Begins to close and returns: drain on until the client's End record, which comes when what was
  // accepted is acknowledged, at the latest after `flush`.
  Error close_after(std::chrono::milliseconds flush) {
    const auto ms = std::max<std::int64_t>(1, flush.count());
    return detail::error_of(api().moq_client_close(get(), static_cast<std::uint32_t>(ms)));
  }

  // Answers TokenWanted: the token for that attempt to connect.
  Error supply_token(std::uint64_t attempt, Bytes token) const {
    return detail::error_of(
        api().moq_client_supply_token(get(), attempt, token.data(), token.size()));
  }
  // There is none: the attempt fails, and the next one asks again.
  Error refuse_token(std::uint64_t attempt, std::string_view reason) const {
    return detail::error_of(
        api().moq_client_refuse_token(get(), attempt, reason.data(), reason.size()));
  }

  Result<Publication> publish(const PublishOptions& options) {
    return opened<Publication>(api().moq_publication_open, options.json());
  }
  Result<Subscription> subscribe(const SubscribeOptions& options) {
    return opened<Subscription>(api().moq_subscription_open, options.json());
  }
  // Past objects, then End.
  Result<Request> fetch(const FetchOptions& options) {
    return opened<Request>(api().moq_fetch_open, options.json());
  }
  // Namespaces at or under the prefix, and their changes. `timeout`: ms until the peer has accepted
  // it.
  Result<Request> discover(const Namespace& prefix,
                           std::optional<std::uint64_t> timeout = std::nullopt) {
    detail::JsonObject json;
    prefix.write(json, "prefix");
    return opened<Request>(api().moq_discovery_open, json.field("timeout", timeout).take());
  }
  // One TrackStatus, then End. `timeout`: ms until that.
  Result<Request> status(const Namespace& track_namespace, std::string_view name,
                         std::optional<std::uint64_t> timeout = std::nullopt) {
    detail::JsonObject json;
    track_namespace.write(json, "namespace");
    json.field("name", name).field("timeout", timeout);
    return opened<Request>(api().moq_status_open, json.take());
  }

  // Has `wake` called once whenever the empty queue became non-empty, from a library thread with no
  // lock held; NULL takes it back. When this returns, the one before does not run on another
  // thread.
  Error set_waker(std::function<void()> wake) {
    if (!inner_)
      return {MOQ_ERROR_INVALID_ARGUMENT, "the client is empty; open one first"};
    auto next = wake ? std::make_unique<std::function<void()>>(std::move(wake)) : nullptr;
    const MoqWaker call = next ? &call_waker : nullptr;
    const MoqResultCode code = api().moq_set_waker(inner_->handle, call, next.get());
    if (code == MOQ_OK)
      inner_->waker.swap(next);
    return detail::error_of(code);
  }

  // Gives the records that wait to a visitor: a function object that takes any of Object, Gap, End,
  // StateChange, TokenWanted, Ready, NamespaceChange, Subscribers, Writable, KeyframeWanted,
  // TrackStatus, or Record for all of them. Never blocks.
  template <class Visitor>
  Drained drain(Visitor&& visitor, Budget budget = {}) {
    const std::shared_ptr<Inner> inner = inner_;
    Drained drained;
    if (!inner) {
      drained.code = MOQ_ERROR_CLOSED;
      return drained;
    }
    using Clock = std::chrono::steady_clock;
    const bool timed = budget.time != std::chrono::microseconds::max();
    const Clock::time_point end = timed ? Clock::now() + budget.time : Clock::time_point::max();
    std::size_t bytes = 0;
    for (;;) {
      if (inner->at == inner->filled) {
        drained.code = inner->poll();
        if (drained.code != MOQ_OK || inner->filled == 0)
          return drained;
      }
      if (drained.records >= budget.records || bytes >= budget.payload_bytes ||
          (timed && Clock::now() >= end)) {
        drained.more = true;
        return drained;
      }
      const Record record = inner->next();
      bytes += record.payload.size();
      ++drained.records;
      detail::visit(visitor, record);
      if (inner->handle == 0) {
        drained.code = MOQ_ERROR_CLOSED;
        return drained;
      }
    }
  }

  // Statistics as JSON.
  Result<std::string> stats() const {
    std::string json(1024, '\0');
    for (;;) {
      std::size_t needed = 0;
      const MoqResultCode code = api().moq_client_stats(get(), json.data(), json.size(), &needed);
      if (code == MOQ_ERROR_BUFFER_TOO_SMALL) {
        json.resize(needed + 256);
        continue;
      }
      if (code != MOQ_OK)
        return detail::error_of(code);
      json.resize(needed);
      return json;
    }
  }

private:
  // Where records are copied to at first; grows when a record needs more.
  static constexpr std::size_t kBufferBytes = 256 * 1024;

  // Survives a close inside drain().
  struct Inner {
    explicit Inner(MoqHandle open) : handle(open) {}

    MoqResultCode poll() {
      at = filled = 0;
      if (buffer.empty())
        buffer.resize(kBufferBytes / sizeof(std::uint64_t));
      for (;;) {
        MoqPollResult result = {};
        result.struct_size = sizeof(result);
        const MoqResultCode code =
            api().moq_poll(handle, reinterpret_cast<std::uint8_t*>(buffer.data()),
                           buffer.size() * sizeof(std::uint64_t), &result);
        if (code == MOQ_ERROR_BUFFER_TOO_SMALL) {
          buffer.resize(result.needed / sizeof(std::uint64_t) + 1);
          continue;
        }
        if (code == MOQ_OK)
          filled = result.bytes;
        return code;
      }
    }

    Record next() {
      const auto* start = reinterpret_cast<const std::uint8_t*>(buffer.data()) + at;
      Record record;
      std::memcpy(&record.header, start, sizeof(record.header));
      record.payload = Bytes(start + MOQ_RECORD_HEADER_SIZE, record.header.payload_length);
      at += record.header.length;
      return record;
    }

    MoqHandle handle;
    std::unique_ptr<std::function<void()>> waker;
    // 64-bit words, for records are 8-byte aligned.
    std::vector<std::uint64_t> buffer;
    std::size_t at = 0;
    std::size_t filled = 0;
  };

  explicit Client(MoqHandle handle) : inner_(std::make_shared<Inner>(handle)) {}

  static void call_waker(void* user_data) { (*static_cast<std::function<void()>*>(user_data))(); }

  template <class T, class Open>
  Result<T> opened(Open request, const std::string& json) {
    MoqHandle handle = 0;
    const MoqResultCode code = request(get(), json.data(), json.size(), &handle);
    if (code != MOQ_OK)
      return detail::error_of(code);
    return T(handle);
  }

  std::shared_ptr<Inner> inner_;
};

// Publishes many updates of any publications in one call; each gets its own `result`.
inline MoqResultCode send_all(std::vector<MoqUpdate>& updates) {
  return api().moq_publish_batch(updates.data(), updates.size());
}

} // namespace moq

#endif // MOQ_FFI_CLIENT_HPP
