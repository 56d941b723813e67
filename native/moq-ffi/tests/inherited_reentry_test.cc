// Any of the inherited functions inside any of their callbacks, and the ends of things while their
// callbacks run.
#include "inherited_harness.h"

using namespace moq_test;

namespace {

constexpr char kCatalog[] = "{\"version\":1,\"tracks\":[{\"name\":\"a\"}]}";

// What a callback has at hand, and how often it ran to its end.
struct Inside {
  Relay* relay = nullptr;
  MoqClient* client = nullptr;
  std::string name;
  std::atomic<bool> enough{false};
  std::atomic<int> begun{0};
  std::atomic<int> runs{0};

  void Run() {
    // A few times are enough.
    if (begun++ >= 3 || enough) {
      --begun;
      return;
    }
    const std::string space = "inside/" + name;
    EXPECT_TRUE(moq_init());
    EXPECT_STRNE(moq_version(), "");
    EXPECT_TRUE(moq_is_connected(client));
    EXPECT_EQ(Code(moq_connect(client, relay->quic_url().c_str(), nullptr, nullptr)),
              MOQ_ERROR_INVALID_ARGUMENT)
        << "it is connected";
    EXPECT_EQ(Code(moq_announce_namespace(client, space.c_str())), MOQ_OK);
    EXPECT_EQ(Code(moq_subscribe_announces(client, Track, this)), MOQ_OK);
    MoqPublisher* publisher = moq_create_publisher(client, space.c_str(), "t");
    EXPECT_NE(publisher, nullptr) << moq_last_error();
    MoqPublisher* second =
        moq_create_publisher_ex(client, space.c_str(), "catalog", MOQ_DELIVERY_STREAM);
    EXPECT_NE(second, nullptr) << moq_last_error();
    EXPECT_EQ(moq_test::Send(publisher, "x"), MOQ_OK);
    EXPECT_EQ(moq_test::Send(publisher, "x", MOQ_DELIVERY_DATAGRAM), MOQ_OK);
    EXPECT_EQ(moq_test::Send(second, kCatalog), MOQ_OK);
    MoqSubscriber* subscriber = moq_subscribe(client, space.c_str(), "t", Data, this);
    EXPECT_NE(subscriber, nullptr) << moq_last_error();
    EXPECT_TRUE(moq_is_subscribed(subscriber));
    MoqSubscriber* catalog = moq_subscribe_catalog(client, space.c_str(), "catalog", Catalog, this);
    EXPECT_NE(catalog, nullptr) << moq_last_error();
    EXPECT_EQ(moq_catalog_refused(catalog), 0u);
    EXPECT_EQ(moq_subscribe(client, space.c_str(), "missing", Data, this), nullptr);
    EXPECT_EQ(Code(moq_unsubscribe(subscriber)), MOQ_OK);
    moq_subscriber_destroy(subscriber);
    moq_subscriber_destroy(catalog);
    moq_publisher_destroy(publisher);
    moq_publisher_destroy(second);
    // Another client, from its creation to its end.
    MoqClient* other = moq_client_create();
    const std::string options = "{\"serverCertificateHashes\":[\"" + relay->hash() + "\"]}";
    EXPECT_EQ(Configure(other, options), MOQ_OK);
    EXPECT_EQ(Code(moq_connect(other, relay->quic_url().c_str(), nullptr, nullptr)), MOQ_OK);
    EXPECT_EQ(Code(moq_disconnect(other)), MOQ_OK);
    moq_client_destroy(other);
    EXPECT_EQ(moq_shutdown(), MOQ_ERROR_BUSY);
    ++runs;
  }

  static void State(void* self, MoqConnectionState state) {
    if (state == MOQ_STATE_CONNECTED)
      static_cast<Inside*>(self)->Run();
  }
  static void Data(void* self, const uint8_t*, size_t) { static_cast<Inside*>(self)->Run(); }
  static void Track(void* self, const char*, const char*) { static_cast<Inside*>(self)->Run(); }
  static void Catalog(void* self, const MoqTrackInfo*, size_t) {
    static_cast<Inside*>(self)->Run();
  }
};

TEST(InheritedReentry, EveryFunctionWorksInsideEveryCallback) {
  Relay relay;
  const char* const kinds[] = {"state", "data", "track", "catalog"};
  for (const std::string kind : kinds) {
    SCOPED_TRACE(kind);
    Old client;
    Inside inside;
    inside.relay = &relay;
    inside.client = client.get();
    inside.name = kind;
    ASSERT_EQ(client.Trust(relay), MOQ_OK);
    const MoqConnectionCallback state = kind == "state" ? Inside::State : nullptr;
    ASSERT_EQ(Code(moq_connect(client.get(), relay.quic_url().c_str(), state, &inside)), MOQ_OK);
    Old publishing(relay);
    MoqPublisher* publisher = moq_create_publisher(publishing.get(), "outside", kind.c_str());
    ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "outside")), MOQ_OK);
    MoqSubscriber* subscriber = nullptr;
    if (kind == "data")
      subscriber = moq_subscribe(client.get(), "outside", "data", Inside::Data, &inside);
    if (kind == "catalog")
      subscriber =
          moq_subscribe_catalog(client.get(), "outside", "catalog", Inside::Catalog, &inside);
    if (kind == "track") {
      ASSERT_EQ(Code(moq_subscribe_announces(client.get(), Inside::Track, &inside)), MOQ_OK);
    }
    EXPECT_TRUE(Within(
        [&] {
          moq_test::Send(publisher, kCatalog);
          return inside.runs > 0;
        },
        60000));
    // A run that began comes to its end before its client is destroyed.
    inside.enough = true;
    EXPECT_TRUE(Within([&] { return inside.runs == inside.begun; }, 60000));
    moq_subscriber_destroy(subscriber);
    moq_publisher_destroy(publisher);
  }
}

// Destroys what it belongs to, in its first call.
struct Ends {
  MoqClient* client = nullptr;
  std::atomic<MoqSubscriber*> subscriber{nullptr};
  bool whole = false;
  std::atomic<int> calls{0};

  void Run() {
    // The first object may come before the pointer does.
    if (!whole && subscriber == nullptr)
      return;
    ++calls;
    if (whole)
      moq_client_destroy(client);
    else
      moq_subscriber_destroy(subscriber);
  }
  static void State(void* self, MoqConnectionState state) {
    if (state == MOQ_STATE_CONNECTED)
      static_cast<Ends*>(self)->Run();
  }
  static void Data(void* self, const uint8_t*, size_t) { static_cast<Ends*>(self)->Run(); }
  static void Track(void* self, const char*, const char*) { static_cast<Ends*>(self)->Run(); }
  static void Catalog(void* self, const MoqTrackInfo*, size_t) { static_cast<Ends*>(self)->Run(); }
};

TEST(InheritedReentry, ThingsMayBeDestroyedInsideTheirOwnCallbacks) {
  Relay relay;
  Old publishing(relay);
  MoqPublisher* publisher = moq_create_publisher(publishing.get(), "test", "t");
  ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "test")), MOQ_OK);
  for (const std::string kind : {"state", "data", "subscriber", "track", "catalog"}) {
    SCOPED_TRACE(kind);
    MoqClient* client = moq_client_create();
    Ends ends;
    ends.client = client;
    ends.whole = kind != "subscriber";
    const std::string options = "{\"serverCertificateHashes\":[\"" + relay.hash() + "\"]}";
    ASSERT_EQ(Configure(client, options), MOQ_OK);
    const MoqConnectionCallback state = kind == "state" ? Ends::State : nullptr;
    // Destroyed while it connects, or after.
    const MoqResultCode code = Code(moq_connect(client, relay.quic_url().c_str(), state, &ends));
    EXPECT_TRUE(code == MOQ_OK || (kind == "state" && code == MOQ_ERROR_CANCELLED)) << code;
    MoqSubscriber* subscriber = nullptr;
    if (kind == "data" || kind == "subscriber") {
      subscriber = moq_subscribe(client, "test", "t", Ends::Data, &ends);
      ends.subscriber = subscriber;
    }
    if (kind == "catalog")
      subscriber = moq_subscribe_catalog(client, "test", "t", Ends::Catalog, &ends);
    if (kind == "track") {
      EXPECT_EQ(Code(moq_subscribe_announces(client, Ends::Track, &ends)), MOQ_OK);
    }
    EXPECT_TRUE(Within([&] {
      moq_test::Send(publisher, kCatalog);
      return ends.calls > 0;
    }));
    const int calls = ends.calls;
    for (int i = 0; i < 20; ++i)
      moq_test::Send(publisher, kCatalog);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(ends.calls, calls);
    EXPECT_FALSE(moq_is_subscribed(subscriber) && ends.whole);
    moq_subscriber_destroy(subscriber);
    moq_client_destroy(client);
  }
  moq_publisher_destroy(publisher);
}

TEST(InheritedReentry, NothingComesAfterTheEnd) {
  Relay relay;
  Old publishing(relay);
  MoqPublisher* publisher =
      moq_create_publisher_ex(publishing.get(), "test", "t", MOQ_DELIVERY_DATAGRAM);
  ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "test")), MOQ_OK);
  std::atomic<bool> stop{false};
  std::thread sender([&] {
    while (!stop) {
      moq_test::Send(publisher, "flood", MOQ_DELIVERY_DATAGRAM);
      moq_test::Send(publisher, "flood", MOQ_DELIVERY_STREAM);
      // No faster than a tool lets the relay follow: beyond that it hears no new client either.
      std::this_thread::sleep_for(std::chrono::microseconds(200) * Patience());
    }
  });
  struct Count {
    std::atomic<int> calls{0};
    static void Data(void* self, const uint8_t*, size_t) { ++static_cast<Count*>(self)->calls; }
  };
  int heard = 0;
  for (int round = 0; round < 30; ++round) {
    auto count = std::make_unique<Count>();
    auto client = std::make_unique<Old>(relay);
    MoqSubscriber* subscriber = moq_subscribe(client->get(), "test", "t", Count::Data, count.get());
    EXPECT_NE(subscriber, nullptr) << moq_last_error();
    if (subscriber == nullptr)
      break;
    // Now and then once something has come, however slow all is.
    if (round % 8 == 0) {
      EXPECT_TRUE(Within([&] { return count->calls > 0; }));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1 + round % 10));
    switch (round % 4) {
    case 0:
      EXPECT_EQ(Code(moq_unsubscribe(subscriber)), MOQ_OK);
      break;
    case 1:
      moq_subscriber_destroy(subscriber);
      break;
    case 2:
      EXPECT_EQ(Code(moq_disconnect(client->get())), MOQ_OK);
      break;
    default:
      client.reset();
      break;
    }
    const int after = count->calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    EXPECT_EQ(count->calls, after) << round;
    heard += after;
    // The memory goes: a later call would be a use after free.
    count.reset();
    moq_subscriber_destroy(subscriber);
  }
  EXPECT_GT(heard, 0);
  stop = true;
  sender.join();
  moq_publisher_destroy(publisher);
}

// Connects again inside the callback that says that it failed.
struct Retry {
  MoqClient* client = nullptr;
  Relay* relay = nullptr;
  std::atomic<int> code{-1};
  static void State(void* self, MoqConnectionState state) {
    auto* retry = static_cast<Retry*>(self);
    if (state != MOQ_STATE_FAILED)
      return;
    const std::string options = "{\"serverCertificateHashes\":[\"" + retry->relay->hash() + "\"]}";
    EXPECT_EQ(Configure(retry->client, options), MOQ_OK);
    retry->code =
        Code(moq_connect(retry->client, retry->relay->quic_url().c_str(), nullptr, nullptr));
  }
};

TEST(InheritedReentry, AFailedConnectMayBeTriedAgainInsideItsCallback) {
  Relay relay;
  Old client;
  Retry retry;
  retry.client = client.get();
  retry.relay = &relay;
  const std::string url = relay.quic_url();
  EXPECT_EQ(Code(moq_connect(client.get(), url.c_str(), Retry::State, &retry)),
            MOQ_ERROR_CERTIFICATE);
  EXPECT_TRUE(Within([&] { return retry.code == MOQ_OK; })) << retry.code;
  EXPECT_TRUE(moq_is_connected(client.get()));
}

// What waits for the network is refused where it would stop the network.
struct InWaker {
  MoqClient* client = nullptr;
  std::string url;
  std::atomic<int> runs{0};
  static void Call(void* self) {
    auto* in = static_cast<InWaker*>(self);
    EXPECT_EQ(Code(moq_announce_namespace(in->client, "waker")), MOQ_ERROR_BUSY);
    EXPECT_EQ(moq_subscribe(in->client, "waker", "t", OnData, nullptr), nullptr);
    MoqClient* other = moq_client_create();
    EXPECT_EQ(Code(moq_connect(other, in->url.c_str(), nullptr, nullptr)), MOQ_ERROR_BUSY);
    moq_client_destroy(other);
    ++in->runs;
  }
};

TEST(InheritedReentry, InAWakerWhatWaitsIsRefused) {
  Relay relay;
  Old client(relay);
  InWaker in;
  in.client = client.get();
  in.url = relay.quic_url();
  Client modern(relay);
  modern.Poll();
  ASSERT_EQ(moq_set_waker(modern.handle(), InWaker::Call, &in), MOQ_OK);
  MoqHandle subscription = 0;
  const std::string track = TrackOptions("missing", "");
  ASSERT_EQ(moq_subscription_open(modern.handle(), track.data(), track.size(), &subscription),
            MOQ_OK);
  EXPECT_TRUE(Within([&] { return in.runs > 0; }));
  ASSERT_EQ(moq_set_waker(modern.handle(), nullptr, nullptr), MOQ_OK);
}

// By its name the last of this file: it shuts the library down.
TEST(InheritedReentryZ, ShutdownEndsClientsAndTheyCanConnectAgain) {
  Old client;
  Heard<std::string> heard;
  for (int round = 0; round < 3; ++round) {
    auto relay = std::make_unique<Relay>();
    ASSERT_EQ(client.Trust(*relay), MOQ_OK);
    ASSERT_EQ(client.Connect(relay->quic_url()), MOQ_OK) << moq_last_error();
    MoqPublisher* publisher = moq_create_publisher(client.get(), "test", "t");
    const size_t before = client.states().Count(MOQ_STATE_DISCONNECTED);
    // The relay first: it is this test's to stop.
    relay.reset();
    ASSERT_EQ(moq_shutdown(), MOQ_OK) << moq_last_error();
    EXPECT_FALSE(moq_is_connected(client.get()));
    EXPECT_GE(client.states().Count(MOQ_STATE_DISCONNECTED), before + 1);
    EXPECT_EQ(moq_test::Send(publisher, "x"), MOQ_ERROR_NOT_CONNECTED);
    moq_publisher_destroy(publisher);
  }
}

} // namespace
