// What a careless caller can do: NULL in every place, impossible lengths, values out of range,
// handles that are stale, foreign or closed. Each call gives one error, says why, and changes
// nothing.
#include "harness.h"

#include <limits>
#include <utility>

using namespace moq_test;

namespace {

constexpr size_t kHuge = std::numeric_limits<size_t>::max();
// Possible as a size, and more than any limit.
constexpr size_t kLarge = size_t{1} << 40;

class Abuse : public ::testing::Test {
protected:
  void TearDown() override {
    // Whatever was tried: what worked before still does.
    ASSERT_EQ(Send(publication, "still here", true), MOQ_OK) << moq_last_error();
    EXPECT_TRUE(client.Until([&] {
      const auto objects = client.Of(subscription, MOQ_RECORD_OBJECT);
      return !objects.empty() && objects.back()->payload == "still here";
    }));
    EXPECT_TRUE(client.Of(publication, MOQ_RECORD_END).empty());
    EXPECT_TRUE(client.Of(subscription, MOQ_RECORD_END).empty());
  }

  // Every handle that is not of this kind, each with what it is.
  std::vector<std::pair<const char*, MoqHandle>> Others(const char* but) const {
    const std::vector<std::pair<const char*, MoqHandle>> all = {
        {"zero", 0},
        {"never given", MoqHandle{1} << 50},
        {"largest", std::numeric_limits<MoqHandle>::max()},
        {"closed client", closed_client},
        {"closed publication", closed_publication},
        {"client", client.handle()},
        {"publication", publication},
        {"subscription", subscription},
        {"relay", relay.handle()},
    };
    std::vector<std::pair<const char*, MoqHandle>> others;
    for (const auto& entry : all) {
      if (std::string(entry.first) != but)
        others.push_back(entry);
    }
    return others;
  }

  static MoqHandle CloseClient(const Relay& relay) {
    Client gone(relay);
    return gone.handle();
  }

  MoqHandle ClosePublication() {
    const MoqHandle handle = client.Publish("closed");
    EXPECT_EQ(moq_handle_close(handle), MOQ_OK);
    return handle;
  }

  // The call was refused, with a reason.
  static void Refused(MoqResultCode code, const std::string& what) {
    EXPECT_TRUE(code == MOQ_ERROR_INVALID_ARGUMENT || code == MOQ_ERROR_CLOSED)
        << what << ": " << code << " " << moq_last_error();
    EXPECT_STRNE(moq_last_error(), "") << what;
  }

  Relay relay;
  Client client{relay};
  MoqHandle publication = client.Publish("t");
  MoqHandle subscription = client.Subscribe("t");
  MoqHandle closed_client = CloseClient(relay);
  MoqHandle closed_publication = ClosePublication();
  const std::string track = TrackOptions("other", "");
};

using OpenRequest = MoqResultCode (*)(MoqHandle, const char*, size_t, MoqHandle*);
constexpr OpenRequest kRequests[] = {moq_publication_open, moq_subscription_open, moq_fetch_open,
                                     moq_discovery_open, moq_status_open};

TEST_F(Abuse, NullInEveryPlace) {
  MoqHandle out = 77;
  size_t needed = 0;
  Refused(moq_client_open(nullptr, 10, &out), "client_open options");
  Refused(moq_client_open(nullptr, 0, &out), "client_open nothing");
  const std::string options = ClientOptions(relay.quic_url(), relay.hash());
  Refused(moq_client_open(options.data(), options.size(), nullptr), "client_open result");
  for (const OpenRequest request : kRequests) {
    Refused(request(client.handle(), nullptr, 10, &out), "request options");
    Refused(request(client.handle(), track.data(), track.size(), nullptr), "request result");
    EXPECT_TRUE(out == 0 || out == 77) << "no handle comes with a refusal";
  }
  Refused(moq_subscription_update(subscription, nullptr, 3), "update options");
  Refused(moq_publish(publication, 0, nullptr, 1), "publish bytes");
  Refused(moq_publish_batch(nullptr, 1), "batch");
  EXPECT_EQ(moq_publish_batch(nullptr, 0), MOQ_OK) << moq_last_error();
  MoqUpdate update = {publication, nullptr, 5, 0, -1};
  Refused(moq_publish_batch(&update, 1), "batch bytes");
  EXPECT_EQ(update.result, MOQ_ERROR_INVALID_ARGUMENT);
  std::vector<uint64_t> packed(4, 0);
  int32_t results[2] = {};
  const auto* bytes = reinterpret_cast<const uint8_t*>(packed.data());
  Refused(moq_publish_packed(nullptr, 16, results, 2, &needed), "packed updates");
  Refused(moq_publish_packed(bytes, 16, nullptr, 2, &needed), "packed results");
  Refused(moq_publish_packed(bytes, 16, results, 2, nullptr), "packed count");
  Refused(moq_client_stats(client.handle(), nullptr, 0, nullptr), "stats needed");
  EXPECT_EQ(moq_client_stats(client.handle(), nullptr, 0, &needed), MOQ_ERROR_BUFFER_TOO_SMALL);
  EXPECT_GT(needed, 0u);
  EXPECT_EQ(moq_client_stats(client.handle(), nullptr, kLarge, &needed), MOQ_ERROR_BUFFER_TOO_SMALL)
      << "a NULL buffer has no room, whatever its size";
  MoqPollResult polled = {};
  polled.struct_size = sizeof(polled);
  Refused(moq_poll(client.handle(), nullptr, 64, &polled), "poll buffer");
  Refused(moq_poll(client.handle(), reinterpret_cast<uint8_t*>(packed.data()), 8, nullptr),
          "poll result");
  MoqHandle second = 0;
  Refused(moq_relay_start(nullptr, 2, &second), "relay options");
  Refused(moq_relay_start("{}", 2, nullptr), "relay result");
  Refused(moq_relay_info(relay.handle(), nullptr, 0, nullptr), "info needed");
  Refused(moq_relay_stats(relay.handle(), nullptr, 0, nullptr), "relay stats needed");
  EXPECT_EQ(moq_relay_info(relay.handle(), nullptr, 0, &needed), MOQ_ERROR_BUFFER_TOO_SMALL);
  EXPECT_EQ(moq_set_waker(client.handle(), nullptr, nullptr), MOQ_OK);
  EXPECT_EQ(moq_set_log(nullptr, nullptr, 0), MOQ_OK);
}

TEST_F(Abuse, LengthsThatCannotBe) {
  MoqHandle out = 0;
  char text[64] = "{}";
  uint8_t byte = 0;
  for (const size_t length : {kHuge, kHuge / 2 + 1}) {
    Refused(moq_client_open(text, length, &out), "client_open");
    Refused(moq_relay_start(text, length, &out), "relay_start");
    for (const OpenRequest request : kRequests)
      Refused(request(client.handle(), text, length, &out), "request");
    Refused(moq_subscription_update(subscription, text, length), "update");
    Refused(moq_publish(publication, 0, &byte, length), "publish");
    MoqUpdate update = {publication, &byte, length, 0, 0};
    Refused(moq_publish_batch(&update, 1), "batch update");
    MoqPollResult polled = {};
    polled.struct_size = sizeof(polled);
    Refused(moq_poll(client.handle(), &byte, length, &polled), "poll");
  }
  Refused(moq_publish_batch(reinterpret_cast<MoqUpdate*>(text), kHuge), "batch count");
  // Nothing is read of what is over a limit.
  EXPECT_EQ(moq_publish(publication, 0, &byte, kLarge), MOQ_ERROR_TOO_LARGE);
  Refused(moq_client_open(text, kLarge, &out), "options over their limit");
  // 0 is a length like any other where bytes are meant, and no options where text is.
  EXPECT_EQ(moq_publish(publication, 0, nullptr, 0), MOQ_OK);
  Refused(moq_client_open(text, 0, &out), "no options");
  for (const OpenRequest request : kRequests)
    Refused(request(client.handle(), text, 0, &out), "no options");
}

TEST_F(Abuse, ValuesOutOfRange) {
  uint8_t byte = 1;
  for (const uint32_t flags : {4U, 0x80000000U, 0xffffffffU}) {
    Refused(moq_publish(publication, flags, &byte, 1), "flags");
    MoqUpdate update = {publication, &byte, 1, flags, 0};
    Refused(moq_publish_batch(&update, 1), "flags of an update");
  }
  for (const uint32_t level : {6U, 0xffffffffU})
    Refused(moq_set_log(nullptr, nullptr, level), "log level");
  for (const char* json : {R"({"priority":256})", R"({"priority":-1})", R"({"priority":1e99})",
                           R"({"priority":null})", R"({})", R"({"priority":1,"more":2})"})
    Refused(moq_subscription_update(subscription, json, std::strlen(json)), json);
  uint64_t word = 0;
  for (const size_t size : {size_t{0}, sizeof(MoqPollResult) - 1}) {
    MoqPollResult polled = {};
    polled.struct_size = size;
    Refused(moq_poll(client.handle(), reinterpret_cast<uint8_t*>(&word), 8, &polled),
            "struct_size");
  }
  // A later version of the struct may be larger.
  MoqPollResult polled = {};
  polled.struct_size = sizeof(polled) + 64;
  const MoqResultCode code =
      moq_poll(client.handle(), reinterpret_cast<uint8_t*>(&word), 8, &polled);
  EXPECT_TRUE(code == MOQ_OK || code == MOQ_ERROR_BUFFER_TOO_SMALL) << moq_last_error();
}

TEST_F(Abuse, OptionsThatAreNotText) {
  const std::vector<std::string> texts = {
      std::string("\0\0\0", 3),
      "\xff\xfe",
      "{\"url\":\"moqt://127.0.0.1:1\",\"url\":1}",
      "[]",
      "null",
      "{\"url\":{}}",
      "{\"namespace\":[\"\"],\"name\":\"t\"}",
      "{\"namespace\":[[]],\"name\":\"t\"}",
      "{\"namespace\":\"a//b\",\"name\":\"t\"}",
      std::string(200, '['),
      "{\"namespace\":[\"a\"],\"name\":\"" + std::string(10000, 'n') + "\"}",
  };
  for (const std::string& text : texts) {
    MoqHandle out = 0;
    Refused(moq_client_open(text.data(), text.size(), &out), "client: " + text.substr(0, 40));
    Refused(moq_relay_start(text.data(), text.size(), &out), "relay: " + text.substr(0, 40));
    for (const OpenRequest request : kRequests)
      Refused(request(client.handle(), text.data(), text.size(), &out), text.substr(0, 40));
    Refused(moq_subscription_update(subscription, text.data(), text.size()), text.substr(0, 40));
  }
}

TEST_F(Abuse, HandlesOfAnotherKind) {
  char text[4096];
  uint64_t words[64];
  auto* bytes = reinterpret_cast<uint8_t*>(words);
  size_t needed = 0;
  for (const auto& [name, handle] : Others("client")) {
    MoqHandle out = 0;
    MoqPollResult polled = {};
    polled.struct_size = sizeof(polled);
    for (const OpenRequest request : kRequests)
      Refused(request(handle, track.data(), track.size(), &out), name);
    Refused(moq_set_waker(handle, nullptr, nullptr), name);
    Refused(moq_client_stats(handle, text, sizeof(text), &needed), name);
    Refused(moq_poll(handle, bytes, sizeof(words), &polled), name);
    Refused(moq_client_close(handle, 0), name);
    Refused(moq_client_close(handle, 10), name);
  }
  for (const auto& [name, handle] : Others("publication")) {
    Refused(moq_publish(handle, 0, bytes, 1), name);
    Refused(moq_publication_end(handle, 0), name);
  }
  for (const auto& [name, handle] : Others("subscription")) {
    Refused(moq_subscription_update(handle, "{\"priority\":1}", 14), name);
    Refused(moq_handle_hold(handle, 1), name);
  }
  for (const auto& [name, handle] : Others("relay")) {
    Refused(moq_relay_info(handle, text, sizeof(text), &needed), name);
    Refused(moq_relay_stats(handle, text, sizeof(text), &needed), name);
    Refused(moq_relay_stop(handle, 0), name);
  }
  for (const MoqHandle handle : {MoqHandle{0}, client.handle(), relay.handle(), closed_client})
    Refused(moq_handle_close(handle), "close of another kind");
}

} // namespace
