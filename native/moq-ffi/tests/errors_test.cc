// Bad input and refusals: one clear error each, nothing changed.
#include "harness.h"

using namespace moq_test;

namespace {

bool LastErrorHas(const std::string& text) {
  return std::string(moq_last_error()).find(text) != std::string::npos;
}

MoqResultCode Open(const std::string& options, MoqHandle* handle) {
  return moq_client_open(options.data(), options.size(), handle);
}

TEST(Errors, WrongClientOptionsAreNamedWithWhatIsAccepted) {
  MoqHandle client = 77;
  EXPECT_EQ(Open(R"({"url":"moqt://127.0.0.1:1","keepalive":5})", &client),
            MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_TRUE(LastErrorHas("keepalive") && LastErrorHas("keepAlive")) << moq_last_error();
  EXPECT_EQ(Open(R"({"url":"moqt://127.0.0.1:1","connectTimeout":"soon"})", &client),
            MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_TRUE(LastErrorHas("connectTimeout") && LastErrorHas("300000")) << moq_last_error();
  EXPECT_EQ(Open("not json", &client), MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(Open("{}", &client), MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_TRUE(LastErrorHas("url")) << moq_last_error();
  for (const char* url : {"ftp://a", "https://", "moqt://a:0", "moqt://a:99999", "a:1"}) {
    EXPECT_EQ(Open(std::string("{\"url\":\"") + url + "\"}", &client), MOQ_ERROR_INVALID_ARGUMENT)
        << url;
    EXPECT_TRUE(LastErrorHas("https://host:port/path")) << moq_last_error();
  }
  EXPECT_EQ(Open(R"({"url":"memory://999999"})", &client), MOQ_ERROR_NOT_FOUND);
  EXPECT_EQ(client, 0u) << "no handle on failure";
  EXPECT_EQ(moq_client_open(nullptr, 5, &client), MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(Open(R"({"url":"moqt://127.0.0.1:1"})", nullptr), MOQ_ERROR_INVALID_ARGUMENT);
}

TEST(Errors, HandlesAreCheckedOnEveryCall) {
  Relay relay;
  Client client(relay);
  uint8_t buffer[256];
  char text[16];
  size_t needed = 0;
  int32_t results[1];
  const std::string json = TrackOptions("a", "");
  for (const MoqHandle bad : {MoqHandle{0}, MoqHandle{1} << 60, UINT64_MAX}) {
    MoqHandle out = 0;
    MoqPollResult polled = {};
    polled.struct_size = sizeof(polled);
    EXPECT_EQ(moq_client_close(bad, 0), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_set_waker(bad, nullptr, nullptr), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_client_stats(bad, text, sizeof(text), &needed), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_publication_open(bad, json.data(), json.size(), &out),
              MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_subscription_open(bad, json.data(), json.size(), &out),
              MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_fetch_open(bad, json.data(), json.size(), &out), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_discovery_open(bad, json.data(), json.size(), &out), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_status_open(bad, json.data(), json.size(), &out), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_subscription_update(bad, "{}", 2), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_publish(bad, 0, buffer, 1), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_publication_end(bad, 0), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_handle_close(bad), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_handle_hold(bad, 1), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_poll(bad, buffer, sizeof(buffer), &polled), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_relay_info(bad, text, sizeof(text), &needed), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_relay_stats(bad, text, sizeof(text), &needed), MOQ_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(moq_relay_stop(bad, 0), MOQ_ERROR_INVALID_ARGUMENT);
  }
  // A handle of another kind is named as what it is.
  EXPECT_EQ(moq_publish(client.handle(), 0, buffer, 1), MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_TRUE(LastErrorHas("is a client")) << moq_last_error();
  EXPECT_EQ(moq_client_close(relay.handle(), 0), MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_TRUE(LastErrorHas("is a relay")) << moq_last_error();
  // NULL where bytes or results belong.
  const MoqHandle publication = client.Publish("nulls");
  EXPECT_EQ(moq_publish(publication, 0, nullptr, 1), MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(moq_publish(publication, 8, buffer, 1), MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(moq_publish_batch(nullptr, 1), MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(moq_publish_packed(nullptr, 8, results, 1, &needed), MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(moq_poll(client.handle(), buffer, sizeof(buffer), nullptr), MOQ_ERROR_INVALID_ARGUMENT);
  MoqPollResult unsized_result = {};
  EXPECT_EQ(moq_poll(client.handle(), buffer, sizeof(buffer), &unsized_result),
            MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(moq_set_log(nullptr, nullptr, 6), MOQ_ERROR_INVALID_ARGUMENT);
}

TEST(Errors, ClosedHandlesSaySo) {
  Relay relay;
  Client client(relay);
  const MoqHandle publication = client.Publish("closed");
  ASSERT_EQ(moq_handle_close(publication), MOQ_OK);
  EXPECT_EQ(Send(publication, "x"), MOQ_ERROR_CLOSED);
  EXPECT_EQ(moq_handle_close(publication), MOQ_ERROR_CLOSED);
  const MoqHandle again = client.Publish("closed");
  EXPECT_NE(again, publication) << "handles are never reused";
}

// Subscribe to a missing track: the peer's refusal with its reason.
TEST(T11_MissingTrack, ASubscriptionIsRejectedWithThePeersReason) {
  Relay relay;
  Client client(relay);
  const std::string options = TrackOptions("nobody-publishes-this", "");
  MoqHandle subscription = 0;
  ASSERT_EQ(moq_subscription_open(client.handle(), options.data(), options.size(), &subscription),
            MOQ_OK);
  const Record* end = client.Wait(subscription, MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_ERROR_NOT_FOUND)) << end->payload;
  EXPECT_NE(end->payload.find("\"peerCode\":"), std::string::npos) << end->payload;
  EXPECT_NE(end->payload.find("\"message\":"), std::string::npos) << end->payload;
  EXPECT_TRUE(client.Of(subscription, MOQ_RECORD_READY).empty());
  // Nothing follows, and the session is unaffected.
  client.Publish("somebody-publishes-this");
  EXPECT_EQ(client.Of(subscription, MOQ_RECORD_END).size(), 1u);
}

TEST(Errors, RefusedTokensAndPortsInUse) {
  Relay relay(R"({"tokens":{"tokens":{"s3cret":{"publish":["*"],"subscribe":["*"]}}}})");
  Client without(ClientOptions(relay.quic_url(), relay.hash()));
  const Record* end = without.Wait(without.handle(), MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_ERROR_UNAUTHORIZED)) << end->payload;
  Client with(ClientOptions(relay.quic_url(), relay.hash(), ",\"token\":\"s3cret\""));
  EXPECT_NE(with.Wait(with.handle(), MOQ_RECORD_STATE), nullptr);

  const std::string address = relay.quic_url().substr(std::string("moqt://").size());
  const std::string taken = "{\"listen\":\"" + address + "\"}";
  MoqHandle second = 0;
  EXPECT_EQ(moq_relay_start(taken.data(), taken.size(), &second), MOQ_ERROR_CONNECTION_FAILED);
  EXPECT_TRUE(LastErrorHas("in use")) << moq_last_error();
  for (const std::string wrong : {R"({"listen":"nowhere"})", R"({"listne":"127.0.0.1:0"})",
                                  R"({"limits":{"sessions":0}})", R"({"certificate":"a.pem"})"}) {
    EXPECT_EQ(moq_relay_start(wrong.data(), wrong.size(), &second), MOQ_ERROR_INVALID_ARGUMENT)
        << wrong;
  }
}

TEST(Errors, NobodyListensThere) {
  Client client(std::string(R"({"url":"moqt://127.0.0.1:9","connectTimeout":500})"));
  const Record* end = client.Wait(client.handle(), MOQ_RECORD_END, 5000);
  ASSERT_NE(end, nullptr);
  EXPECT_TRUE(end->header.code == MOQ_ERROR_TIMEOUT ||
              end->header.code == MOQ_ERROR_CONNECTION_FAILED)
      << end->header.code << " " << end->payload;
}

} // namespace
