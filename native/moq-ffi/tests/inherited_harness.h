// Clients of the inherited functions, for their tests.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "harness.h"

namespace moq_test {

// Waits until something holds; false when it did not within the time.
inline bool Within(const std::function<bool()>& holds, int timeout_ms = 15000) {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms) * Patience();
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// The code of a result, whose message is freed. It is there exactly when something failed.
inline MoqResultCode Code(MoqResult result) {
  EXPECT_EQ(result.message == nullptr, result.code == MOQ_OK);
  if (result.message != nullptr) {
    EXPECT_STREQ(result.message, moq_last_error());
    EXPECT_STRNE(result.message, "");
  }
  moq_free_str(result.message);
  return result.code;
}

inline MoqResultCode Send(MoqPublisher* publisher, const std::string& bytes,
                          MoqDeliveryMode mode = MOQ_DELIVERY_STREAM) {
  return Code(moq_publish_data(publisher, reinterpret_cast<const uint8_t*>(bytes.data()),
                               bytes.size(), mode));
}

// Values that callbacks gave, in order.
template <class Value>
class Heard {
public:
  void Add(Value value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    values_.push_back(std::move(value));
  }
  std::vector<Value> All() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return values_;
  }
  size_t Count() const { return All().size(); }
  size_t Count(const Value& value) const {
    size_t count = 0;
    for (const Value& other : All())
      count += other == value ? 1 : 0;
    return count;
  }

private:
  mutable std::mutex mutex_;
  std::vector<Value> values_;
};

inline void OnState(void* heard, MoqConnectionState state) {
  static_cast<Heard<MoqConnectionState>*>(heard)->Add(state);
}
inline void OnData(void* heard, const uint8_t* data, size_t len) {
  EXPECT_NE(data, nullptr);
  static_cast<Heard<std::string>*>(heard)->Add(
      std::string(reinterpret_cast<const char*>(data), len));
}
inline void OnTrack(void* heard, const char* ns, const char* track) {
  EXPECT_STREQ(track, "");
  static_cast<Heard<std::string>*>(heard)->Add(ns);
}

inline MoqResultCode Configure(MoqClient* client, const std::string& options) {
  return Code(moq_client_configure(client, options.data(), options.size()));
}

// A client that is destroyed at the end.
class Old {
public:
  Old() : client_(moq_client_create()) { EXPECT_NE(client_, nullptr); }
  // Connected to this relay over QUIC.
  explicit Old(const Relay& relay) : Old() {
    EXPECT_EQ(Trust(relay), MOQ_OK);
    EXPECT_EQ(Connect(relay.quic_url()), MOQ_OK) << moq_last_error();
  }
  ~Old() { moq_client_destroy(client_); }
  Old(const Old&) = delete;
  Old& operator=(const Old&) = delete;

  MoqClient* get() const { return client_; }
  const Heard<MoqConnectionState>& states() const { return states_; }

  MoqResultCode Trust(const Relay& relay, const std::string& more = "") {
    return Configure(client_,
                     "{\"serverCertificateHashes\":[\"" + relay.hash() + "\"]" + more + "}");
  }
  MoqResultCode Connect(const std::string& url) {
    return Code(moq_connect(client_, url.c_str(), OnState, &states_));
  }

private:
  MoqClient* client_;
  Heard<MoqConnectionState> states_;
};

} // namespace moq_test
