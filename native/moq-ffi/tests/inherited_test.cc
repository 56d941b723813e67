// The inherited functions over real QUIC: each point that their predecessor got wrong, and what its
// users rely on.
#include "inherited_harness.h"
#include "silent_peer.h"

using namespace moq_test;
using Clock = std::chrono::steady_clock;

namespace {

using States = std::vector<MoqConnectionState>;

TEST(Inherited, ConnectTellsItsStatesOverEveryTransport) {
  Relay relay;
  const std::string quic = relay.quic_url();
  for (const std::string& url : {relay.url(), quic, "quic" + quic.substr(quic.find(':'))}) {
    Old client;
    ASSERT_EQ(client.Trust(relay), MOQ_OK);
    EXPECT_FALSE(moq_is_connected(client.get()));
    ASSERT_EQ(client.Connect(url), MOQ_OK) << url << ": " << moq_last_error();
    EXPECT_TRUE(moq_is_connected(client.get()));
    EXPECT_EQ(client.states().All(), (States{MOQ_STATE_CONNECTING, MOQ_STATE_CONNECTED})) << url;
    EXPECT_EQ(client.Connect(url), MOQ_ERROR_INVALID_ARGUMENT) << "there is a connection";
    EXPECT_EQ(Code(moq_disconnect(client.get())), MOQ_OK);
    EXPECT_FALSE(moq_is_connected(client.get()));
    EXPECT_EQ(client.states().All(),
              (States{MOQ_STATE_CONNECTING, MOQ_STATE_CONNECTED, MOQ_STATE_DISCONNECTED}));
    EXPECT_EQ(Code(moq_disconnect(client.get())), MOQ_ERROR_NOT_CONNECTED);
    ASSERT_EQ(client.Connect(url), MOQ_OK) << "again: " << moq_last_error();
    EXPECT_TRUE(moq_is_connected(client.get()));
  }
}

TEST(Inherited, ASilentPeerGivesATimeout) {
  const SilentPeer peer;
  Old client;
  ASSERT_EQ(Configure(client.get(), "{\"connectTimeout\":300}"), MOQ_OK);
  const auto start = Clock::now();
  EXPECT_EQ(client.Connect(peer.url()), MOQ_ERROR_TIMEOUT) << moq_last_error();
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(15));
  EXPECT_EQ(client.states().All(), (States{MOQ_STATE_CONNECTING, MOQ_STATE_FAILED}));
  EXPECT_FALSE(moq_is_connected(client.get()));
  EXPECT_EQ(moq_create_publisher(client.get(), "a", "b"), nullptr);
}

TEST(Inherited, DisconnectingCancelsAConnect) {
  const SilentPeer peer;
  Old client;
  std::thread other([&] {
    ASSERT_TRUE(Within([&] { return client.states().Count() > 0; }));
    EXPECT_EQ(Code(moq_disconnect(client.get())), MOQ_OK);
  });
  EXPECT_EQ(client.Connect(peer.url()), MOQ_ERROR_CANCELLED) << moq_last_error();
  other.join();
}

TEST(Inherited, ASelfSignedCertificateNeedsAPin) {
  Relay relay;
  for (const std::string& url : {relay.url(), relay.quic_url()}) {
    Old client;
    EXPECT_EQ(client.Connect(url), MOQ_ERROR_CERTIFICATE) << moq_last_error();
    EXPECT_EQ(client.states().All(), (States{MOQ_STATE_CONNECTING, MOQ_STATE_FAILED}));
    const std::string wrong = "{\"serverCertificateHashes\":[\"" + std::string(64, 'a') + "\"]}";
    ASSERT_EQ(Configure(client.get(), wrong), MOQ_OK);
    EXPECT_EQ(client.Connect(url), MOQ_ERROR_CERTIFICATE) << moq_last_error();
    ASSERT_EQ(client.Trust(relay), MOQ_OK);
    EXPECT_EQ(client.Connect(url), MOQ_OK) << moq_last_error();
  }
}

TEST(Inherited, ABurstOfSixtyArrivesWholeAndInOrder) {
  Relay relay;
  Old publishing(relay);
  Old reading(relay);
  MoqPublisher* publisher = moq_create_publisher(publishing.get(), "test", "burst");
  ASSERT_NE(publisher, nullptr) << moq_last_error();
  ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "test")), MOQ_OK);
  Heard<std::string> heard;
  MoqSubscriber* subscriber = moq_subscribe(reading.get(), "test", "burst", OnData, &heard);
  ASSERT_NE(subscriber, nullptr) << moq_last_error();
  EXPECT_TRUE(moq_is_subscribed(subscriber));
  std::vector<std::string> sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back(i == 30 ? std::string() : std::to_string(i) + std::string(5000, 'x'));
    ASSERT_EQ(Send(publisher, sent.back()), MOQ_OK);
  }
  EXPECT_TRUE(Within([&] { return heard.Count() >= 60; }));
  EXPECT_EQ(heard.All(), sent) << "empty ones are objects too";
  moq_subscriber_destroy(subscriber);
  moq_publisher_destroy(publisher);
}

TEST(Inherited, LargeObjectsArriveAmongSmallOnes) {
  Relay relay;
  Old client(relay);
  MoqPublisher* publisher = moq_create_publisher(client.get(), "test", "large");
  Heard<std::string> heard;
  MoqSubscriber* subscriber = moq_subscribe(client.get(), "test", "large", OnData, &heard);
  ASSERT_NE(subscriber, nullptr) << moq_last_error();
  std::vector<std::string> sent;
  // One is larger than all that may wait for one subscription in a relay (4 MiB).
  for (const size_t size : {1u, 300000u, 1u, 1u << 20, 2u, 5u << 20, 3u})
    sent.push_back(std::string(size, 'l'));
  for (const std::string& one : sent)
    ASSERT_EQ(Send(publisher, one), MOQ_OK) << moq_last_error();
  EXPECT_TRUE(Within([&] { return heard.Count() >= sent.size(); })) << heard.Count();
  EXPECT_TRUE(heard.All() == sent);
  moq_subscriber_destroy(subscriber);
  moq_publisher_destroy(publisher);
}

TEST(Inherited, ThousandsOfDatagramsLeaveTheSessionUp) {
  Relay relay;
  Old publishing(relay);
  Old reading(relay);
  MoqPublisher* publisher =
      moq_create_publisher_ex(publishing.get(), "test", "poses", MOQ_DELIVERY_DATAGRAM);
  ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "test")), MOQ_OK);
  Heard<std::string> heard;
  MoqSubscriber* subscriber = moq_subscribe(reading.get(), "test", "poses", OnData, &heard);
  ASSERT_NE(subscriber, nullptr) << moq_last_error();
  for (int i = 0; i < 4000; ++i) {
    ASSERT_EQ(Send(publisher, std::to_string(i), MOQ_DELIVERY_DATAGRAM), MOQ_OK);
    if (i % 50 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(Within([&] { return heard.Count() > 1000; })) << heard.Count();
  // The session and the subscription live.
  EXPECT_TRUE(Within([&] {
    Send(publisher, "last", MOQ_DELIVERY_DATAGRAM);
    return heard.Count("last") > 0;
  }));
  EXPECT_TRUE(moq_is_connected(publishing.get()) && moq_is_connected(reading.get()));
  EXPECT_TRUE(moq_is_subscribed(subscriber));
  moq_subscriber_destroy(subscriber);
  moq_publisher_destroy(publisher);
}

TEST(Inherited, ADatagramOverTheLimitIsAnErrorThatNamesIt) {
  Relay relay;
  Old client(relay);
  MoqPublisher* publisher =
      moq_create_publisher_ex(client.get(), "test", "poses", MOQ_DELIVERY_DATAGRAM);
  Heard<std::string> heard;
  MoqSubscriber* subscriber = moq_subscribe(client.get(), "test", "poses", OnData, &heard);
  ASSERT_NE(subscriber, nullptr) << moq_last_error();
  EXPECT_EQ(Send(publisher, std::string(4000, 'x'), MOQ_DELIVERY_DATAGRAM), MOQ_ERROR_TOO_LARGE);
  EXPECT_NE(std::string(moq_last_error()).find("limit of 1090 bytes"), std::string::npos)
      << moq_last_error();
  EXPECT_TRUE(moq_is_subscribed(subscriber));
  EXPECT_TRUE(Within([&] {
    Send(publisher, "small", MOQ_DELIVERY_DATAGRAM);
    return heard.Count("small") > 0;
  }));
  moq_publisher_destroy(publisher);
  moq_subscriber_destroy(subscriber);
}

TEST(Inherited, EachUpdateGoesAsItsCallAsks) {
  Relay relay;
  Old publishing(relay);
  Old reading(relay);
  for (const MoqDeliveryMode mode : {MOQ_DELIVERY_STREAM, MOQ_DELIVERY_DATAGRAM}) {
    const std::string track = "both-" + std::to_string(mode);
    MoqPublisher* publisher =
        moq_create_publisher_ex(publishing.get(), "test", track.c_str(), mode);
    ASSERT_NE(publisher, nullptr) << moq_last_error();
    ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "test")), MOQ_OK);
    Heard<std::string> heard;
    MoqSubscriber* subscriber = moq_subscribe(reading.get(), "test", track.c_str(), OnData, &heard);
    ASSERT_NE(subscriber, nullptr) << moq_last_error();
    // More than a datagram holds: these went on streams, all of them, in order.
    std::vector<std::string> sent;
    for (int i = 0; i < 60; ++i) {
      sent.push_back(std::to_string(i) + std::string(4000, 's'));
      ASSERT_EQ(Send(publisher, sent.back(), MOQ_DELIVERY_STREAM), MOQ_OK);
      ASSERT_EQ(Send(publisher, "datagram", MOQ_DELIVERY_DATAGRAM), MOQ_OK);
    }
    EXPECT_TRUE(Within([&] { return heard.Count() - heard.Count("datagram") >= 60; }));
    EXPECT_TRUE(Within([&] {
      Send(publisher, "datagram", MOQ_DELIVERY_DATAGRAM);
      return heard.Count("datagram") > 0;
    }));
    std::vector<std::string> streams;
    for (const std::string& one : heard.All()) {
      if (one != "datagram")
        streams.push_back(one);
    }
    EXPECT_EQ(streams, sent) << "created for " << mode;
    EXPECT_EQ(Send(publisher, std::string(4000, 'x'), MOQ_DELIVERY_DATAGRAM), MOQ_ERROR_TOO_LARGE);
    moq_subscriber_destroy(subscriber);
    moq_publisher_destroy(publisher);
  }
}

TEST(Inherited, ARejectedSubscribeIsReported) {
  Relay relay;
  Old client(relay);
  Heard<std::string> heard;
  EXPECT_EQ(moq_subscribe(client.get(), "test", "missing", OnData, &heard), nullptr);
  EXPECT_NE(std::string(moq_last_error()), "");
  EXPECT_FALSE(moq_is_subscribed(nullptr));
  EXPECT_TRUE(moq_is_connected(client.get()));
  // A track that ends is seen to.
  MoqPublisher* publisher = moq_create_publisher(client.get(), "test", "ends");
  MoqSubscriber* subscriber = moq_subscribe(client.get(), "test", "ends", OnData, &heard);
  ASSERT_NE(subscriber, nullptr) << moq_last_error();
  EXPECT_EQ(Send(publisher, "last words"), MOQ_OK);
  moq_publisher_destroy(publisher);
  EXPECT_TRUE(Within([&] { return !moq_is_subscribed(subscriber); }));
  EXPECT_EQ(heard.All(), std::vector<std::string>{"last words"});
  moq_subscriber_destroy(subscriber);
}

TEST(Inherited, ARejectedAnnounceIsReported) {
  Relay relay("{\"tokens\":{\"tokens\":{},\"anonymous\":{\"publish\":[\"mine\"],"
              "\"subscribe\":[\"*\"]}}}");
  Old client(relay);
  EXPECT_EQ(Code(moq_announce_namespace(client.get(), "mine/1")), MOQ_OK);
  EXPECT_EQ(Code(moq_announce_namespace(client.get(), "mine/1")), MOQ_OK) << "once more";
  EXPECT_EQ(Code(moq_announce_namespace(client.get(), "theirs")), MOQ_ERROR_UNAUTHORIZED);
  EXPECT_EQ(Code(moq_announce_namespace(client.get(), "a//b")), MOQ_ERROR_INVALID_ARGUMENT);
  // A publisher there says so when it publishes.
  MoqPublisher* publisher = moq_create_publisher(client.get(), "theirs", "t");
  ASSERT_NE(publisher, nullptr);
  EXPECT_TRUE(Within([&] { return Send(publisher, "x") == MOQ_ERROR_UNAUTHORIZED; }))
      << moq_last_error();
  moq_publisher_destroy(publisher);
  EXPECT_TRUE(moq_is_connected(client.get()));
}

TEST(Inherited, AnnouncesAreHeardEvenWithoutAPublisher) {
  Relay relay;
  Old before;
  Heard<std::string> heard;
  // Registered before there is a connection.
  ASSERT_EQ(Code(moq_subscribe_announces(before.get(), OnTrack, &heard)), MOQ_OK);
  Old announcing(relay);
  ASSERT_EQ(Code(moq_announce_namespace(announcing.get(), "early/1")), MOQ_OK);
  ASSERT_EQ(before.Trust(relay), MOQ_OK);
  ASSERT_EQ(before.Connect(relay.quic_url()), MOQ_OK) << moq_last_error();
  EXPECT_TRUE(Within([&] { return heard.Count("early/1") == 1; }));
  ASSERT_EQ(Code(moq_announce_namespace(announcing.get(), "late/2")), MOQ_OK);
  EXPECT_TRUE(Within([&] { return heard.Count("late/2") == 1; }));
  // Another function hears what there is.
  Heard<std::string> second;
  ASSERT_EQ(Code(moq_subscribe_announces(before.get(), OnTrack, &second)), MOQ_OK);
  EXPECT_TRUE(Within([&] { return second.Count() == 2; }));
  ASSERT_EQ(Code(moq_subscribe_announces(before.get(), nullptr, nullptr)), MOQ_OK);
  ASSERT_EQ(Code(moq_announce_namespace(announcing.get(), "unheard")), MOQ_OK);
  // What goes by another client's discovery would have come here too.
  Heard<std::string> third;
  Old witness(relay);
  ASSERT_EQ(Code(moq_subscribe_announces(witness.get(), OnTrack, &third)), MOQ_OK);
  EXPECT_TRUE(Within([&] { return third.Count("unheard") == 1; }));
  EXPECT_EQ(second.Count(), 2u);
  EXPECT_EQ(heard.Count(), 2u);
  // Disconnecting takes the announcements back.
  ASSERT_EQ(Code(moq_disconnect(announcing.get())), MOQ_OK);
  Old last(relay);
  EXPECT_TRUE(Within([&] {
    Heard<std::string> now;
    moq_subscribe_announces(last.get(), OnTrack, &now);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    moq_subscribe_announces(last.get(), nullptr, nullptr);
    return now.Count() == 0;
  }));
}

// A relay that can be started again at the same address.
struct Restartable {
  std::unique_ptr<Relay> relay = std::make_unique<Relay>();
  std::string url = relay->quic_url();

  void Stop() { relay.reset(); }
  void Start() {
    relay = std::make_unique<Relay>("{\"listen\":\"" + url.substr(url.rfind('/') + 1) + "\"}");
  }
};

constexpr char kImpatient[] = "{\"insecure\":true,\"idleTimeout\":3000,\"keepAlive\":700,"
                              "\"connectTimeout\":10000,"
                              "\"reconnect\":{\"initialDelay\":20,\"maxDelay\":200}}";

TEST(Inherited, ALossIsReportedAndRepaired) {
  Restartable place;
  // What callbacks write to outlives their clients.
  Heard<std::string> announced;
  Heard<std::string> heard;
  Heard<std::string> now;
  Old publishing;
  Old reading;
  ASSERT_EQ(Code(moq_subscribe_announces(reading.get(), OnTrack, &announced)), MOQ_OK);
  for (Old* client : {&publishing, &reading}) {
    ASSERT_EQ(Configure(client->get(), kImpatient), MOQ_OK);
    ASSERT_EQ(client->Connect(place.url), MOQ_OK) << moq_last_error();
  }
  MoqPublisher* publisher = moq_create_publisher(publishing.get(), "test", "t");
  ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "test/alone")), MOQ_OK);
  MoqSubscriber* subscriber = nullptr;
  ASSERT_TRUE(Within([&] {
    subscriber = moq_subscribe(reading.get(), "test", "t", OnData, &heard);
    return subscriber != nullptr;
  })) << moq_last_error();
  ASSERT_EQ(Send(publisher, "before"), MOQ_OK);
  ASSERT_TRUE(Within([&] { return heard.Count("before") == 1; }));
  ASSERT_TRUE(Within([&] { return announced.Count("test/alone") == 1; }));

  place.Stop();
  for (Old* client : {&publishing, &reading}) {
    EXPECT_TRUE(Within([&] { return client->states().Count(MOQ_STATE_CONNECTING) == 2; }));
    EXPECT_EQ(client->states().Count(MOQ_STATE_DISCONNECTED), 1u);
    EXPECT_FALSE(moq_is_connected(client->get()));
  }
  EXPECT_TRUE(moq_is_subscribed(subscriber));
  place.Start();
  for (Old* client : {&publishing, &reading}) {
    EXPECT_TRUE(Within([&] { return moq_is_connected(client->get()); }));
    EXPECT_TRUE(Within([&] { return client->states().Count(MOQ_STATE_CONNECTED) >= 2; }));
  }
  // The publisher and the subscriber are the same, and work.
  EXPECT_TRUE(Within([&] {
    Send(publisher, "after");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return heard.Count("after") > 0;
  }));
  EXPECT_TRUE(moq_is_subscribed(subscriber));
  // So are announcements: somebody who comes now hears of them.
  Old witness;
  ASSERT_EQ(Configure(witness.get(), kImpatient), MOQ_OK);
  ASSERT_EQ(Code(moq_subscribe_announces(witness.get(), OnTrack, &now)), MOQ_OK);
  ASSERT_EQ(witness.Connect(place.url), MOQ_OK) << moq_last_error();
  EXPECT_TRUE(Within([&] { return now.Count("test/alone") == 1 && now.Count("test") == 1; }));
  // And discovery: what is new is told to those who were there before.
  ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "test/new")), MOQ_OK);
  EXPECT_TRUE(Within([&] { return announced.Count("test/new") == 1; }));
  moq_subscriber_destroy(subscriber);
  moq_publisher_destroy(publisher);
}

TEST(Inherited, WithoutReconnectALossIsTheEnd) {
  Restartable place;
  Old client;
  ASSERT_EQ(Configure(client.get(), "{\"insecure\":true,\"idleTimeout\":3000,\"keepAlive\":700,"
                                    "\"reconnect\":false}"),
            MOQ_OK);
  ASSERT_EQ(client.Connect(place.url), MOQ_OK) << moq_last_error();
  MoqPublisher* publisher = moq_create_publisher(client.get(), "test", "t");
  place.Stop();
  EXPECT_TRUE(Within([&] { return client.states().Count(MOQ_STATE_DISCONNECTED) == 1; }));
  EXPECT_FALSE(moq_is_connected(client.get()));
  EXPECT_EQ(Send(publisher, "x"), MOQ_ERROR_NOT_CONNECTED) << moq_last_error();
  place.Start();
  EXPECT_EQ(client.Connect(place.url), MOQ_OK)
      << "the client can be used again: " << moq_last_error();
  moq_publisher_destroy(publisher);
}

TEST(Inherited, AFailureToReconnectIsReported) {
  Restartable place;
  Old client;
  ASSERT_EQ(
      Configure(client.get(),
                "{\"insecure\":true,\"idleTimeout\":3000,\"keepAlive\":700,"
                "\"connectTimeout\":10000,\"reconnect\":{\"initialDelay\":20,\"timeout\":300}}"),
      MOQ_OK);
  ASSERT_EQ(client.Connect(place.url), MOQ_OK) << moq_last_error();
  place.Stop();
  EXPECT_TRUE(Within([&] { return client.states().Count(MOQ_STATE_FAILED) == 1; }));
  EXPECT_EQ(client.states().All(),
            (States{MOQ_STATE_CONNECTING, MOQ_STATE_CONNECTED, MOQ_STATE_DISCONNECTED,
                    MOQ_STATE_CONNECTING, MOQ_STATE_FAILED}));
}

TEST(Inherited, DisconnectSendsWhatWasAccepted) {
  Relay relay;
  Old publishing(relay);
  Old reading(relay);
  MoqPublisher* publisher = moq_create_publisher(publishing.get(), "test", "t");
  ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "test")), MOQ_OK);
  Heard<std::string> heard;
  MoqSubscriber* subscriber = moq_subscribe(reading.get(), "test", "t", OnData, &heard);
  ASSERT_NE(subscriber, nullptr) << moq_last_error();
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(Send(publisher, std::string(1000, 'x')), MOQ_OK);
  ASSERT_EQ(Code(moq_disconnect(publishing.get())), MOQ_OK);
  EXPECT_TRUE(Within([&] { return heard.Count() == 100; })) << heard.Count();
  EXPECT_EQ(Send(publisher, "late"), MOQ_ERROR_NOT_CONNECTED);
  moq_publisher_destroy(publisher);
  moq_subscriber_destroy(subscriber);
}

TEST(Inherited, AnUpdateOverTheLimitIsRefused) {
  Relay relay;
  Old client(relay);
  MoqPublisher* publisher = moq_create_publisher(client.get(), "test", "t");
  EXPECT_EQ(Send(publisher, std::string((16u << 20) + 1, 'x')), MOQ_ERROR_TOO_LARGE);
  moq_publisher_destroy(publisher);
}

} // namespace
