// Opening, cancelling, closing, shutting down; who is woken when.
#include <atomic>
#include <thread>

#include "harness.h"
#include "silent_peer.h"

using namespace moq_test;
using Clock = std::chrono::steady_clock;

namespace {

double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Opening does not wait for the network; cancelling works.
TEST(T12_Open, ReturnsWhileThePeerIsSilentAndCanBeCancelled) {
  const SilentPeer peer;
  const std::string options = peer.options(",\"connectTimeout\":30000");
  MoqHandle client = 0;
  // The first call starts the I/O thread. Whoever waited for the network would wait for 30 s.
  auto start = Clock::now();
  ASSERT_EQ(moq_client_open(options.data(), options.size(), &client), MOQ_OK) << moq_last_error();
  EXPECT_LT(MsSince(start), 15000.0);
  // Requests are taken while nothing is known yet.
  const std::string track = TrackOptions("early", "");
  MoqHandle subscription = 0;
  start = Clock::now();
  ASSERT_EQ(moq_subscription_open(client, track.data(), track.size(), &subscription), MOQ_OK);
  EXPECT_LT(MsSince(start), 15000.0);
  start = Clock::now();
  ASSERT_EQ(moq_client_close(client, 0), MOQ_OK);
  EXPECT_LT(MsSince(start), 15000.0);
  MoqPollResult result = {};
  result.struct_size = sizeof(result);
  EXPECT_EQ(moq_poll(client, nullptr, 0, &result), MOQ_ERROR_CLOSED);
}

TEST(T12_Open, ASilentPeerEndsWithATimeout) {
  const SilentPeer peer;
  Client client(peer.options(",\"connectTimeout\":300"));
  const std::string track = TrackOptions("early", "");
  MoqHandle subscription = 0;
  ASSERT_EQ(moq_subscription_open(client.handle(), track.data(), track.size(), &subscription),
            MOQ_OK);
  const Record* end = client.Wait(client.handle(), MOQ_RECORD_END, 5000);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_ERROR_TIMEOUT)) << end->payload;
  // Every handle of the client ends too, before it.
  ASSERT_EQ(client.Of(subscription, MOQ_RECORD_END).size(), 1u);
  EXPECT_EQ(client.records().back().header.handle, client.handle());
  EXPECT_EQ(moq_subscription_open(client.handle(), track.data(), track.size(), &subscription),
            MOQ_ERROR_CLOSED);
}

TEST(Lifecycle, GracefulCloseDeliversWhatWasAccepted) {
  Relay relay;
  Client subscriber(relay);
  Client publisher(relay);
  const MoqHandle publication = publisher.Publish("last-words");
  const MoqHandle subscription = subscriber.Subscribe("last-words");
  for (int i = 0; i < 200; ++i)
    ASSERT_EQ(Send(publication, std::string(1000, 'w')), MOQ_OK);
  ASSERT_EQ(moq_client_close(publisher.handle(), 5000), MOQ_OK) << moq_last_error();
  EXPECT_EQ(Send(publication, "too late"), MOQ_ERROR_CLOSED);
  EXPECT_EQ(moq_client_close(publisher.handle(), 5000), MOQ_ERROR_CLOSED);
  const Record* end = publisher.Wait(publisher.handle(), MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_OK)) << end->payload;
  EXPECT_TRUE(subscriber.Until([&] {
    return subscriber.Of(subscription, MOQ_RECORD_OBJECT).size() == 200;
  })) << subscriber.Of(subscription, MOQ_RECORD_OBJECT).size();
}

TEST(Lifecycle, EndingATrackEndsItsSubscriptions) {
  Relay relay;
  Client subscriber(relay);
  Client publisher(relay);
  const MoqHandle publication = publisher.Publish("over");
  const MoqHandle subscription = subscriber.Subscribe("over");
  ASSERT_EQ(Send(publication, "only"), MOQ_OK);
  ASSERT_EQ(moq_publication_end(publication, 5000), MOQ_OK);
  EXPECT_EQ(Send(publication, "late"), MOQ_ERROR_CLOSED);
  const Record* flushed = publisher.Wait(publication, MOQ_RECORD_END);
  ASSERT_NE(flushed, nullptr);
  EXPECT_EQ(flushed->header.code, static_cast<uint32_t>(MOQ_OK)) << flushed->payload;
  const Record* end = subscriber.Wait(subscription, MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_OK)) << end->payload;
  EXPECT_EQ(subscriber.Of(subscription, MOQ_RECORD_OBJECT).size(), 1u);
}

struct Wakes {
  std::atomic<int> count{0};
  static void Call(void* user_data) { ++static_cast<Wakes*>(user_data)->count; }
};

TEST(Lifecycle, TheWakerIsCalledOncePerEmptyToNonEmpty) {
  Relay relay;
  Client publisher(relay);
  Client subscriber(relay);
  const MoqHandle publication = publisher.Publish("wakes");
  const MoqHandle subscription = subscriber.Subscribe("wakes");
  subscriber.Poll();
  Wakes wakes;
  ASSERT_EQ(moq_set_waker(subscriber.handle(), Wakes::Call, &wakes), MOQ_OK);
  EXPECT_EQ(wakes.count, 0);
  for (int round = 1; round <= 5; ++round) {
    wakes.count = 0;
    for (int i = 0; i < 100; ++i)
      ASSERT_EQ(Send(publication, "wake"), MOQ_OK);
    const auto start = Clock::now();
    while (wakes.count == 0 && MsSince(start) < 20000)
      std::this_thread::yield();
    ASSERT_GE(wakes.count, 1);
    // Nobody polls: the queue stays non-empty, so there is no second call. That of the last round
    // may come late: what it told of was taken before it was made.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_LE(wakes.count, round == 1 ? 1 : 2);
    // The waker stays out of the way while the rest is read.
    ASSERT_TRUE(subscriber.Until([&] {
      return subscriber.Of(subscription, MOQ_RECORD_OBJECT).size() ==
             static_cast<size_t>(round) * 100;
    }));
  }
  ASSERT_EQ(moq_set_waker(subscriber.handle(), nullptr, nullptr), MOQ_OK);
  const int before = wakes.count;
  ASSERT_EQ(Send(publication, "unheard"), MOQ_OK);
  ASSERT_TRUE(subscriber.Until(
      [&] { return subscriber.Of(subscription, MOQ_RECORD_OBJECT).size() == 501; }));
  EXPECT_EQ(wakes.count, before);
}

TEST(Lifecycle, AWakerSetWhileRecordsWaitIsCalled) {
  Relay relay;
  Client client(relay);
  const std::string options = TrackOptions("missing", "");
  MoqHandle subscription = 0;
  ASSERT_EQ(moq_subscription_open(client.handle(), options.data(), options.size(), &subscription),
            MOQ_OK);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  Wakes wakes;
  ASSERT_EQ(moq_set_waker(client.handle(), Wakes::Call, &wakes), MOQ_OK);
  // On a slow machine the record comes only now.
  const auto start = Clock::now();
  while (wakes.count == 0 && MsSince(start) < 20000)
    std::this_thread::yield();
  EXPECT_EQ(wakes.count, 1);
}

// Destroying while data flows: no call after return.
TEST(T9_Destroy, NoWakeAfterCloseReturns) {
  Relay relay;
  Client publisher(relay);
  const MoqHandle publication = publisher.Publish("flood", ",\"delivery\":\"datagram\"");
  std::atomic<bool> stop{false};
  std::thread sender([&] {
    while (!stop) {
      Send(publication, "flood");
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  for (int round = 0; round < 30; ++round) {
    auto wakes = std::make_unique<Wakes>();
    const std::string options = ClientOptions(relay.quic_url(), relay.hash());
    MoqHandle client = 0;
    MoqHandle subscription = 0;
    const std::string track = TrackOptions("flood", "");
    ASSERT_EQ(moq_client_open(options.data(), options.size(), &client), MOQ_OK);
    ASSERT_EQ(moq_set_waker(client, Wakes::Call, wakes.get()), MOQ_OK);
    ASSERT_EQ(moq_subscription_open(client, track.data(), track.size(), &subscription), MOQ_OK);
    std::this_thread::sleep_for(std::chrono::milliseconds(round % 10));
    ASSERT_EQ(moq_client_close(client, 0), MOQ_OK);
    const int after = wakes->count;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(wakes->count, after);
    // The memory may go: a later call would be a use after free.
    wakes.reset();
  }
  stop = true;
  sender.join();
}

// Runs last by its name: it shuts everything down, twice, and starts again.
TEST(LifecycleZ, ShutdownEndsEverythingAndTheLibraryStartsAgain) {
  for (int round = 0; round < 3; ++round) {
    MoqHandle relay = 0;
    ASSERT_EQ(moq_relay_start("{}", 2, &relay), MOQ_OK) << moq_last_error();
    char info[4096];
    size_t needed = 0;
    ASSERT_EQ(moq_relay_info(relay, info, sizeof(info), &needed), MOQ_OK);
    const std::string text(info, needed);
    const size_t url = text.find("moqt://");
    const size_t hash = text.find("\"certificateHash\":\"") + 19;
    const std::string options =
        ClientOptions(text.substr(url, text.find('"', url) - url), text.substr(hash, 64));
    MoqHandle client = 0;
    ASSERT_EQ(moq_client_open(options.data(), options.size(), &client), MOQ_OK);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_EQ(moq_shutdown(), MOQ_OK) << moq_last_error();
    // The handle of the client still tells its end.
    std::vector<uint64_t> buffer(4096);
    MoqPollResult result = {};
    result.struct_size = sizeof(result);
    ASSERT_EQ(
        moq_poll(client, reinterpret_cast<uint8_t*>(buffer.data()), buffer.size() * 8, &result),
        MOQ_OK);
    bool ended = false;
    const auto* bytes = reinterpret_cast<const uint8_t*>(buffer.data());
    for (size_t at = 0; at < result.bytes;) {
      MoqRecordHeader header;
      std::memcpy(&header, bytes + at, sizeof(header));
      ended = ended || (header.kind == MOQ_RECORD_END && header.handle == client);
      at += header.length;
    }
    EXPECT_TRUE(ended);
    EXPECT_EQ(moq_client_close(client, 0), MOQ_OK);
    EXPECT_EQ(moq_relay_stop(relay, 0), MOQ_ERROR_CLOSED);
  }
}

} // namespace
