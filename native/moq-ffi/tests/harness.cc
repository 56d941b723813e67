#include "harness.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace moq_test {

using Clock = std::chrono::steady_clock;

Relay::Relay(const std::string& options) {
  EXPECT_EQ(moq_relay_start(options.data(), options.size(), &handle_), MOQ_OK) << moq_last_error();
  size_t needed = 0;
  info_.resize(4096);
  EXPECT_EQ(moq_relay_info(handle_, info_.data(), info_.size(), &needed), MOQ_OK);
  info_.resize(needed);
}

Relay::~Relay() {
  EXPECT_EQ(moq_relay_stop(handle_, 0), MOQ_OK) << moq_last_error();
}

std::string Relay::Field(const std::string& name) const {
  const std::string key = "\"" + name + "\":\"";
  const size_t start = info_.find(key);
  if (start == std::string::npos)
    return "";
  const size_t from = start + key.size();
  return info_.substr(from, info_.find('"', from) - from);
}

uint16_t Relay::port() const {
  const std::string url = quic_url();
  return static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

std::string ClientOptions(const std::string& url, const std::string& hash,
                          const std::string& more) {
  return "{\"url\":\"" + url + "\",\"serverCertificateHashes\":[\"" + hash + "\"]" + more + "}";
}

std::string TrackOptions(const std::string& name, const std::string& more) {
  return "{\"namespace\":[\"test\"],\"name\":\"" + name + "\"" + more + "}";
}

MoqResultCode Send(MoqHandle publication, const std::string& bytes, bool keyframe) {
  return moq_publish(publication, keyframe ? MOQ_PUBLISH_KEYFRAME : 0,
                     reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

Client::Client(const Relay& relay) : Client(ClientOptions(relay.quic_url(), relay.hash())) {
  EXPECT_NE(Wait(handle_, MOQ_RECORD_STATE), nullptr) << "the client did not open";
}

Client::Client(const std::string& options) {
  EXPECT_EQ(moq_client_open(options.data(), options.size(), &handle_), MOQ_OK) << moq_last_error();
}

Client::~Client() {
  EXPECT_EQ(moq_client_close(handle_, 0), MOQ_OK) << moq_last_error();
}

MoqHandle Client::Publish(const std::string& name, const std::string& more) {
  const std::string options = TrackOptions(name, more);
  MoqHandle publication = 0;
  EXPECT_EQ(moq_publication_open(handle_, options.data(), options.size(), &publication), MOQ_OK)
      << moq_last_error();
  EXPECT_NE(Wait(publication, MOQ_RECORD_READY), nullptr) << "the namespace was not accepted";
  return publication;
}

MoqHandle Client::Subscribe(const std::string& name, const std::string& more) {
  const std::string options = TrackOptions(name, more);
  MoqHandle subscription = 0;
  EXPECT_EQ(moq_subscription_open(handle_, options.data(), options.size(), &subscription), MOQ_OK)
      << moq_last_error();
  EXPECT_NE(Wait(subscription, MOQ_RECORD_READY), nullptr) << "the subscription was not accepted";
  return subscription;
}

void Client::Poll() {
  for (;;) {
    MoqPollResult result = {};
    result.struct_size = sizeof(result);
    auto* bytes = reinterpret_cast<uint8_t*>(buffer_.data());
    const MoqResultCode code = moq_poll(handle_, bytes, buffer_.size() * 8, &result);
    if (code == MOQ_ERROR_BUFFER_TOO_SMALL) {
      buffer_.resize(result.needed / 8 + 1024);
      continue;
    }
    ASSERT_EQ(code, MOQ_OK) << moq_last_error();
    size_t at = 0;
    size_t count = 0;
    while (at < result.bytes) {
      Record record;
      std::memcpy(&record.header, bytes + at, sizeof(record.header));
      ASSERT_GE(record.header.length, MOQ_RECORD_HEADER_SIZE);
      ASSERT_LE(at + record.header.length, result.bytes);
      record.payload.assign(reinterpret_cast<char*>(bytes + at + MOQ_RECORD_HEADER_SIZE),
                            record.header.payload_length);
      at += record.header.length;
      ++count;
      records_.push_back(std::move(record));
    }
    ASSERT_EQ(count, result.count);
    if (result.more == 0)
      return;
  }
}

int Patience() {
  const char* factor = std::getenv("MOQ_TEST_PATIENCE");
  return factor != nullptr ? std::max(1, std::atoi(factor)) : 1;
}

bool Client::Until(const std::function<bool()>& holds, int timeout_ms) {
  const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms) * Patience();
  for (;;) {
    Poll();
    if (holds())
      return true;
    if (Clock::now() >= end || ::testing::Test::HasFatalFailure())
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::vector<const Record*> Client::Of(MoqHandle handle, MoqRecordKind kind) const {
  std::vector<const Record*> found;
  for (const Record& record : records_) {
    if (record.header.handle == handle && record.header.kind == kind)
      found.push_back(&record);
  }
  return found;
}

const Record* Client::Wait(MoqHandle handle, MoqRecordKind kind, int timeout_ms) {
  Until([&] { return !Of(handle, kind).empty(); }, timeout_ms);
  const auto found = Of(handle, kind);
  return found.empty() ? nullptr : found.front();
}

} // namespace moq_test
