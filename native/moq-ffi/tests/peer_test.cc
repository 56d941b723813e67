// T2, T5 and T10: peers under the test's control (tests/peer), which no honest relay plays: groups
// out of order, objects cut short, rules broken.
#include <set>
#include <thread>

#include "child.h"
#include "harness.h"

using namespace moq_test;

namespace {

using Objects = std::vector<std::tuple<uint64_t, uint64_t, std::string>>;

Objects Seen(const Client& client, MoqHandle subscription) {
  Objects seen;
  for (const Record* record : client.Of(subscription, MOQ_RECORD_OBJECT))
    seen.emplace_back(record->header.group, record->header.object, record->payload);
  return seen;
}

// Subscribes to what the peer publishes, from its first group; 0 when the client has ended already.
MoqHandle Subscribe(const Client& client) {
  const std::string options = R"({"namespace":"a","name":"b","start":"next"})";
  MoqHandle subscription = 0;
  const MoqResultCode code =
      moq_subscription_open(client.handle(), options.data(), options.size(), &subscription);
  EXPECT_TRUE(code == MOQ_OK || code == MOQ_ERROR_CLOSED) << moq_last_error();
  return subscription;
}

TEST(T2_GroupOrder, GroupsThatArrive0213AreDeliveredInOrderAndTheSubscriptionStaysOpen) {
  const ScriptedPeer peer("track", "groups-0-2-1-3");
  Client client(peer.options());
  const MoqHandle subscription = Subscribe(client);
  ASSERT_TRUE(client.Until([&] { return Seen(client, subscription).size() >= 8; }));
  const Objects all = {{0, 0, "a"}, {0, 1, "b"}, {1, 0, "c"}, {1, 1, "d"},
                       {2, 0, "e"}, {2, 1, "f"}, {3, 0, "g"}, {3, 1, "h"}};
  EXPECT_EQ(Seen(client, subscription), all);
  EXPECT_TRUE(client.Of(subscription, MOQ_RECORD_GAP).empty());
  EXPECT_TRUE(client.Of(subscription, MOQ_RECORD_END).empty());
}

// The same from a real publisher through the relay, on a network that loses and reorders packets.
TEST(T2_GroupOrder, OnANetworkThatLosesAndReordersEveryGroupComesOnceAndInOrder) {
  Relay relay;
  const BadNetwork network(relay.port(), {"--seed", "2", "--loss", "3%", "--reorder", "20%",
                                          "--reorder-delay", "15", "--delay", "5"});
  const std::string url = "moqt://127.0.0.1:" + std::to_string(network.port());
  Client publisher(ClientOptions(url, relay.hash()));
  Client subscriber(ClientOptions(url, relay.hash()));
  const MoqHandle publication = publisher.Publish("groups");
  const MoqHandle subscription = subscriber.Subscribe("groups", ",\"gapTimeout\":20000");
  constexpr size_t kGroups = 150;
  for (size_t group = 0; group < kGroups; ++group) {
    MoqResultCode code = MOQ_OK;
    do {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      code = Send(publication, std::string(group % 3 == 0 ? 5000 : 20, 'k'), true);
    } while (code == MOQ_ERROR_WOULD_BLOCK);
    ASSERT_EQ(code, MOQ_OK) << moq_last_error();
    ASSERT_EQ(Send(publication, std::to_string(group)), MOQ_OK) << moq_last_error();
  }
  ASSERT_TRUE(
      subscriber.Until([&] { return Seen(subscriber, subscription).size() >= kGroups * 2; }, 30000))
      << Seen(subscriber, subscription).size();
  const Objects seen = Seen(subscriber, subscription);
  const uint64_t first = std::get<0>(seen.front());
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(std::get<0>(seen[i]), first + i / 2);
    EXPECT_EQ(std::get<1>(seen[i]), i % 2);
    if (i % 2 == 1) {
      EXPECT_EQ(std::get<2>(seen[i]), std::to_string(i / 2));
    }
  }
  EXPECT_TRUE(subscriber.Of(subscription, MOQ_RECORD_GAP).empty());
  EXPECT_TRUE(subscriber.Of(subscription, MOQ_RECORD_END).empty());
}

TEST(T5_CutObject, CutByAResetItIsAGapAndIsNotDelivered) {
  const ScriptedPeer peer("track", "object-cut-by-reset");
  Client client(peer.options());
  const MoqHandle subscription = Subscribe(client);
  ASSERT_TRUE(client.Until([&] {
    const Objects seen = Seen(client, subscription);
    return !seen.empty() && std::get<2>(seen.back()) == "after";
  }));
  const Objects whole = {{0, 0, "whole"}, {1, 0, "first"}, {2, 0, "after"}};
  EXPECT_EQ(Seen(client, subscription), whole);
  const auto gaps = client.Of(subscription, MOQ_RECORD_GAP);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0]->header.group, 1u);
  EXPECT_EQ(gaps[0]->header.object, 1u);
  EXPECT_EQ(gaps[0]->header.code, static_cast<uint32_t>(MOQ_GAP_RESET));
  EXPECT_TRUE(client.Of(subscription, MOQ_RECORD_END).empty());
}

// The draft makes this a protocol violation: the session ends, and says so.
TEST(T5_CutObject, CutByTheEndOfItsStreamItIsNeverDelivered) {
  const ScriptedPeer peer("track", "object-cut-by-fin");
  Client client(peer.options());
  const MoqHandle subscription = Subscribe(client);
  const Record* end = client.Wait(client.handle(), MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_ERROR_PROTOCOL_VIOLATION)) << end->payload;
  EXPECT_EQ(Seen(client, subscription), (Objects{{0, 0, "whole"}}));
  EXPECT_EQ(client.Of(subscription, MOQ_RECORD_END).size(), 1u);
}

// Draft-18 "Termination": the code that the client must close with for each broken rule.
struct Breach {
  const char* name;
  uint64_t code;
};
constexpr uint64_t kProtocolViolation = 0x3;
constexpr uint64_t kInvalidRequestId = 0x4;
constexpr uint64_t kInvalidPath = 0x8;
constexpr uint64_t kInvalidAuthority = 0x19;
const Breach kBreaches[] = {
    {"setup-names-a-path", kInvalidPath},
    {"setup-names-an-authority", kInvalidAuthority},
    {"request-instead-of-setup", kProtocolViolation},
    {"control-unknown-type", kProtocolViolation},
    {"control-second-setup", kProtocolViolation},
    {"control-request", kProtocolViolation},
    {"control-goaway-without-id", kProtocolViolation},
    {"control-goaway-foreign-id", kInvalidRequestId},
    {"control-ends", kProtocolViolation},
    {"second-control-stream", kProtocolViolation},
    {"unknown-stream-type", kProtocolViolation},
    {"unknown-request-type", kProtocolViolation},
    {"request-with-the-clients-id", kInvalidRequestId},
    {"response-as-a-request", kProtocolViolation},
    {"answer-of-unknown-type", kProtocolViolation},
    {"answer-is-a-request", kProtocolViolation},
    {"datagram-of-unknown-type", kProtocolViolation},
    {"datagram-cut-short", kProtocolViolation},
};

TEST(T10_BrokenPeer, EachBrokenRuleClosesTheSessionWithTheCodeOfTheDraft) {
  for (const Breach& breach : kBreaches) {
    SCOPED_TRACE(breach.name);
    ScriptedPeer peer("breach", breach.name);
    Client client(peer.options(",\"reconnect\":false"));
    const MoqHandle subscription = Subscribe(client);
    EXPECT_EQ(peer.LineWith("closed "), "closed " + std::to_string(breach.code));
    const Record* end = client.Wait(client.handle(), MOQ_RECORD_END);
    ASSERT_NE(end, nullptr);
    EXPECT_NE(end->header.code, static_cast<uint32_t>(MOQ_OK)) << end->payload;
    EXPECT_EQ(client.Of(subscription, MOQ_RECORD_END).size(), subscription == 0 ? 0u : 1u);
    EXPECT_TRUE(client.Of(subscription, MOQ_RECORD_OBJECT).empty());
  }
}

TEST(T10_BrokenPeer, ThePeerKnowsNoBreachThatIsNotTested) {
  std::set<std::string> tested = {"unimplemented-request"};
  for (const Breach& breach : kBreaches)
    tested.insert(breach.name);
  Child list({ScriptedPeerPath(), "breach", "list"});
  std::set<std::string> known;
  for (std::string line; !(line = list.LineWith("-")).empty();)
    known.insert(line);
  EXPECT_EQ(known, tested);
}

TEST(T10_BrokenPeer, ARequestThatIsNotImplementedIsAnsweredAndTheSessionGoesOn) {
  ScriptedPeer peer("breach", "unimplemented-request");
  Client client(peer.options());
  EXPECT_EQ(peer.LineWith(""), "answered");
  client.Poll();
  EXPECT_TRUE(client.Of(client.handle(), MOQ_RECORD_END).empty());
  EXPECT_EQ(client.Of(client.handle(), MOQ_RECORD_STATE).size(), 1u);
}

TEST(T10_BrokenPeer, GarbageEndsTheSessionWithAClearErrorAndNothingElse) {
  // What a session may end with when the peer breaks the rules.
  const std::set<uint32_t> clear = {MOQ_ERROR_PROTOCOL_VIOLATION, MOQ_ERROR_PROTOCOL_MISMATCH,
                                    MOQ_ERROR_CONNECTION_FAILED,  MOQ_ERROR_UNAUTHORIZED,
                                    MOQ_ERROR_LIMIT_EXCEEDED,     MOQ_ERROR_TIMEOUT};
  // The client that must not notice.
  const ScriptedPeer polite("polite");
  Client bystander(polite.options());
  ASSERT_NE(bystander.Wait(bystander.handle(), MOQ_RECORD_STATE), nullptr);
  for (int seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    const ScriptedPeer peer("garbage", std::to_string(seed));
    Client client(peer.options());
    const MoqHandle subscription = Subscribe(client);
    const Record* end = client.Wait(client.handle(), MOQ_RECORD_END, 20000);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(clear.count(end->header.code), 1u) << end->header.code << " " << end->payload;
    EXPECT_EQ(client.Of(subscription, MOQ_RECORD_END).size(), subscription == 0 ? 0u : 1u);
    EXPECT_TRUE(client.Of(subscription, MOQ_RECORD_OBJECT).empty());
  }
  bystander.Poll();
  EXPECT_TRUE(bystander.Of(bystander.handle(), MOQ_RECORD_END).empty());
}

} // namespace
