// The embedded relay, and the library as a whole.
#ifndef MOQ_FFI_RELAY_HPP
#define MOQ_FFI_RELAY_HPP

#include <chrono>
#include <string>
#include <utility>

#include "basics.hpp"

namespace moq {

// A relay in this process; stopped when it goes.
class Relay {
public:
  Relay() = default;

  // `json` as moq_relay_start takes it. Blocks for some ms while the port is opened.
  static Result<Relay> start(std::string_view json = "{}") {
    Relay relay;
    const MoqResultCode code = api().moq_relay_start(json.data(), json.size(), &relay.handle_);
    if (code != MOQ_OK)
      return detail::error_of(code);
    return relay;
  }

  Relay(Relay&& other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
  Relay& operator=(Relay&& other) noexcept {
    if (this != &other) {
      stop();
      handle_ = std::exchange(other.handle_, 0);
    }
    return *this;
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() { stop(); }

  MoqHandle get() const { return handle_; }
  explicit operator bool() const { return handle_ != 0; }

  // Tells clients to go away and closes the port; blocks for at most `grace` and some ms. Fails
  // with MOQ_ERROR_BUSY inside a callback of the library, and the relay runs on.
  Error stop(std::chrono::milliseconds grace = std::chrono::milliseconds(0)) {
    if (handle_ == 0)
      return {};
    const MoqResultCode code =
        api().moq_relay_stop(handle_, static_cast<std::uint32_t>(grace.count()));
    if (code != MOQ_ERROR_BUSY)
      handle_ = 0;
    return detail::error_of(code);
  }

  // JSON with `url`, `quicUrl`, `memoryUrl`, `port`, `certificateHash`, `httpUrl`.
  Result<std::string> info() const { return text(api().moq_relay_info); }
  // Statistics as JSON.
  Result<std::string> stats() const { return text(api().moq_relay_stats); }

private:
  template <class Read>
  Result<std::string> text(Read read) const {
    std::string json(1024, '\0');
    for (;;) {
      std::size_t needed = 0;
      const MoqResultCode code = read(handle_, json.data(), json.size(), &needed);
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

  MoqHandle handle_ = 0;
};

// Closes all clients, stops all relays and joins every thread of the library: call it before the
// library is unloaded. Not from inside a callback.
inline Error shutdown() {
  return detail::error_of(api().moq_shutdown());
}

// What the last failed call on this thread said.
inline const char* last_error() {
  return api().moq_last_error();
}

} // namespace moq

#endif // MOQ_FFI_RELAY_HPP
