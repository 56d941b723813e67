// A relay, clients and their records, for the tests of the C ABI.
#pragma once

#include <gtest/gtest.h>
#include <moq_ffi.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "sockets.h"

namespace moq_test {

// A record that was copied out of the poll buffer.
struct Record {
  MoqRecordHeader header;
  std::string payload;
};

// Starts a relay on a free port of 127.0.0.1 and stops it at the end.
class Relay {
public:
  explicit Relay(const std::string& options = "{}");
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  MoqHandle handle() const { return handle_; }
  // Values of moq_relay_info.
  std::string url() const { return Field("url"); }
  std::string quic_url() const { return Field("quicUrl"); }
  std::string memory_url() const { return Field("memoryUrl"); }
  std::string hash() const { return Field("certificateHash"); }
  uint16_t port() const;

private:
  std::string Field(const std::string& name) const;

  MoqHandle handle_ = 0;
  std::string info_;
};

// A client whose records pile up here.
class Client {
public:
  // Over QUIC to this relay, trusting its certificate.
  explicit Client(const Relay& relay);
  // With these options as they are.
  explicit Client(const std::string& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  MoqHandle handle() const { return handle_; }
  std::vector<Record>& records() { return records_; }

  MoqHandle Publish(const std::string& name, const std::string& more = "");
  MoqHandle Subscribe(const std::string& name, const std::string& more = "");

  // Polls until something holds; false when it did not within the time.
  bool Until(const std::function<bool()>& holds, int timeout_ms = 20000);
  // Polls until a record of this kind came for the handle.
  const Record* Wait(MoqHandle handle, MoqRecordKind kind, int timeout_ms = 20000);
  // All records of one kind for a handle so far.
  std::vector<const Record*> Of(MoqHandle handle, MoqRecordKind kind) const;
  // Polls everything there is now.
  void Poll();

private:
  MoqHandle handle_ = 0;
  std::vector<uint64_t> buffer_ = std::vector<uint64_t>(32 * 1024);
  std::vector<Record> records_;
};

// By how much longer everything takes, for example under valgrind.
int Patience();

std::string TrackOptions(const std::string& name, const std::string& more);
std::string ClientOptions(const std::string& url, const std::string& hash,
                          const std::string& more = "");
MoqResultCode Send(MoqHandle publication, const std::string& bytes, bool keyframe = false);

} // namespace moq_test
