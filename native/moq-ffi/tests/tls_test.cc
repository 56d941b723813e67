// T15: a self-signed certificate is accepted by its pin, and refused otherwise. (By CA file: see
// authority_test.cc.)
#include "harness.h"

using namespace moq_test;

namespace {

void ExpectRefused(const std::string& options) {
  Client client(options);
  const Record* end = client.Wait(client.handle(), MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_ERROR_CERTIFICATE)) << end->payload;
  EXPECT_TRUE(client.Of(client.handle(), MOQ_RECORD_STATE).empty());
}

TEST(T15_Trust, TheRightPinIsAccepted) {
  Relay relay;
  for (const std::string& url : {relay.quic_url(), relay.url()}) {
    Client client(ClientOptions(url, relay.hash()));
    const Record* state = client.Wait(client.handle(), MOQ_RECORD_STATE);
    ASSERT_NE(state, nullptr) << url;
    EXPECT_EQ(state->header.code, static_cast<uint32_t>(MOQ_CLIENT_OPEN));
    EXPECT_NE(state->payload.find("\"draft\":18"), std::string::npos) << state->payload;
  }
}

TEST(T15_Trust, AWrongPinIsRefused) {
  Relay relay;
  for (const std::string& url : {relay.quic_url(), relay.url()}) {
    ExpectRefused(ClientOptions(url, std::string(64, 'a')));
  }
}

TEST(T15_Trust, WithoutAPinASelfSignedCertificateIsRefused) {
  Relay relay;
  ExpectRefused("{\"url\":\"" + relay.quic_url() + "\"}");
  ExpectRefused("{\"url\":\"" + relay.url() + "\"}");
}

} // namespace
