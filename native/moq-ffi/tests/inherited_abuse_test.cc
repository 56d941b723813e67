// What a careless caller of the inherited functions can do: NULL in every place, pointers that are
// stale, foreign or made up, numbers out of range, texts that are none.
#include <cstdint>
#include <limits>

#include "inherited_harness.h"

using namespace moq_test;

namespace {

class InheritedAbuse : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_NE(publisher, nullptr) << moq_last_error();
    ASSERT_EQ(Code(moq_announce_namespace(client.get(), "test")), MOQ_OK);
    subscriber = moq_subscribe(client.get(), "test", "t", OnData, &heard);
    ASSERT_NE(subscriber, nullptr) << moq_last_error();
  }
  void TearDown() override {
    // Whatever was tried: what worked before still does.
    EXPECT_EQ(moq_test::Send(publisher, "still here"), MOQ_OK);
    EXPECT_TRUE(Within([&] { return heard.Count("still here") == 1; }));
    moq_subscriber_destroy(subscriber);
    moq_publisher_destroy(publisher);
  }

  // Calls that must be refused, with a reason.
  static void Refused(MoqResult result, const char* what) {
    const MoqResultCode code = Code(result);
    EXPECT_TRUE(code == MOQ_ERROR_INVALID_ARGUMENT || code == MOQ_ERROR_CLOSED)
        << what << ": " << code << " " << moq_last_error();
  }

  Relay relay;
  Old client{relay};
  MoqPublisher* publisher = moq_create_publisher(client.get(), "test", "t");
  MoqSubscriber* subscriber = nullptr;
  Heard<std::string> heard;
};

template <class Pointer>
Pointer* At(uintptr_t address) {
  return reinterpret_cast<Pointer*>(address); // NOLINT
}

// Every function on pointers that are no client, no publisher or no subscriber.
void All(MoqClient* client, MoqPublisher* publisher, MoqSubscriber* subscriber,
         void (*refused)(MoqResult, const char*)) {
  refused(moq_client_configure(client, "{}", 2), "configure");
  refused(moq_connect(client, "moqt://127.0.0.1:1", nullptr, nullptr), "connect");
  refused(moq_disconnect(client), "disconnect");
  EXPECT_FALSE(moq_is_connected(client));
  refused(moq_announce_namespace(client, "a"), "announce");
  refused(moq_subscribe_announces(client, OnTrack, nullptr), "announces");
  refused(moq_subscribe_announces(client, nullptr, nullptr), "no announces");
  EXPECT_EQ(moq_create_publisher(client, "a", "b"), nullptr);
  EXPECT_STRNE(moq_last_error(), "");
  EXPECT_EQ(moq_create_publisher_ex(client, "a", "b", MOQ_DELIVERY_DATAGRAM), nullptr);
  EXPECT_EQ(moq_subscribe(client, "a", "b", OnData, nullptr), nullptr);
  EXPECT_EQ(moq_subscribe_catalog(client, "a", "b", nullptr, nullptr), nullptr);
  const uint8_t byte = 0;
  refused(moq_publish_data(publisher, &byte, 1, MOQ_DELIVERY_STREAM), "publish");
  refused(moq_unsubscribe(subscriber), "unsubscribe");
  EXPECT_FALSE(moq_is_subscribed(subscriber));
  EXPECT_EQ(moq_catalog_refused(subscriber), 0u);
  moq_client_destroy(client);
  moq_publisher_destroy(publisher);
  moq_subscriber_destroy(subscriber);
}

TEST_F(InheritedAbuse, NullInEveryPlace) {
  All(nullptr, nullptr, nullptr, Refused);
  moq_free_str(nullptr);
  MoqClient* fresh = moq_client_create();
  Refused(moq_connect(fresh, nullptr, nullptr, nullptr), "url");
  Refused(moq_client_configure(fresh, nullptr, 5), "options");
  moq_client_destroy(fresh);
  Refused(moq_announce_namespace(client.get(), nullptr), "namespace");
  EXPECT_EQ(moq_create_publisher(client.get(), nullptr, "b"), nullptr);
  EXPECT_EQ(moq_create_publisher(client.get(), "a", nullptr), nullptr);
  EXPECT_EQ(moq_subscribe(client.get(), nullptr, "b", OnData, nullptr), nullptr);
  EXPECT_EQ(moq_subscribe(client.get(), "a", nullptr, OnData, nullptr), nullptr);
  EXPECT_EQ(moq_subscribe_catalog(client.get(), "a", nullptr, nullptr, nullptr), nullptr);
  Refused(moq_publish_data(publisher, nullptr, 1, MOQ_DELIVERY_STREAM), "bytes");
  // A subscription without a function is one all the same.
  MoqSubscriber* mute = moq_subscribe(client.get(), "test", "t", nullptr, nullptr);
  EXPECT_TRUE(moq_is_subscribed(mute)) << moq_last_error();
  EXPECT_EQ(moq_test::Send(publisher, "unheard"), MOQ_OK);
  moq_subscriber_destroy(mute);
}

TEST_F(InheritedAbuse, PointersThatStandForNothing) {
  MoqClient* gone = moq_client_create();
  moq_client_destroy(gone);
  MoqPublisher* ended = moq_create_publisher(client.get(), "test", "ended");
  moq_publisher_destroy(ended);
  MoqSubscriber* left = moq_subscribe(client.get(), "test", "t", OnData, &heard);
  moq_subscriber_destroy(left);
  All(gone, ended, left, Refused);
  for (const uintptr_t address :
       {uintptr_t{1}, uintptr_t{8}, uintptr_t{16} << 40, std::numeric_limits<uintptr_t>::max()})
    All(At<MoqClient>(address), At<MoqPublisher>(address), At<MoqSubscriber>(address), Refused);
  // One that stands for something else is not taken, and not destroyed either.
  All(reinterpret_cast<MoqClient*>(subscriber), reinterpret_cast<MoqPublisher*>(client.get()),
      reinterpret_cast<MoqSubscriber*>(publisher), Refused);
  EXPECT_TRUE(moq_is_connected(client.get()) && moq_is_subscribed(subscriber));
}

TEST_F(InheritedAbuse, NumbersOutOfRange) {
  const uint8_t byte = 0;
  for (const int number : {-1, 2, 255, std::numeric_limits<int>::min()}) {
    // What C allows of an enum is any number: given as one, so that this file stays C++.
    using Publish = MoqResult (*)(MoqPublisher*, const uint8_t*, size_t, int);
    using Create = MoqPublisher* (*)(MoqClient*, const char*, const char*, int);
    const auto publish = reinterpret_cast<Publish>(&moq_publish_data);      // NOLINT
    const auto create = reinterpret_cast<Create>(&moq_create_publisher_ex); // NOLINT
    Refused(publish(publisher, &byte, 1, number), "mode");
    EXPECT_EQ(create(client.get(), "test", "mode", number), nullptr);
    EXPECT_NE(std::string(moq_last_error()).find("MOQ_DELIVERY_STREAM"), std::string::npos);
  }
  for (const size_t length :
       {std::numeric_limits<size_t>::max(), std::numeric_limits<size_t>::max() / 2 + 1}) {
    Refused(moq_publish_data(publisher, &byte, length, MOQ_DELIVERY_STREAM), "length");
    Refused(moq_client_configure(client.get(), "{}", length), "length of options");
  }
  EXPECT_EQ(Code(moq_publish_data(publisher, &byte, size_t{1} << 40, MOQ_DELIVERY_STREAM)),
            MOQ_ERROR_TOO_LARGE);
}

TEST_F(InheritedAbuse, TextsThatAreNone) {
  const std::string longest(70000, 'n');
  for (const std::string& text : {std::string(), std::string("\xff\xfe"), std::string("a//b"),
                                  std::string("/"), longest, std::string(5000, 'n')}) {
    Refused(moq_announce_namespace(client.get(), text.c_str()), "namespace");
    EXPECT_EQ(moq_create_publisher(client.get(), text.c_str(), "b"), nullptr);
    EXPECT_EQ(moq_subscribe(client.get(), text.c_str(), "b", OnData, nullptr), nullptr);
    EXPECT_EQ(moq_subscribe_catalog(client.get(), text.c_str(), "b", nullptr, nullptr), nullptr);
  }
  for (const std::string& text : {std::string(), std::string("\xff\xfe"), longest}) {
    EXPECT_EQ(moq_create_publisher(client.get(), "a", text.c_str()), nullptr);
    EXPECT_EQ(moq_subscribe(client.get(), "a", text.c_str(), OnData, nullptr), nullptr);
  }
  MoqClient* fresh = moq_client_create();
  for (const char* url : {"", "http://a", "moqt://", "127.0.0.1", "https://u@a", "\xff"})
    Refused(moq_connect(fresh, url, nullptr, nullptr), url);
  for (const char* options : {"", "[]", "{\"url\":\"moqt://a\"}", "{\"askToken\":true}",
                              "{\"connectTimeout\":0}", "{\"nonsense\":1}"})
    Refused(moq_client_configure(fresh, options, std::strlen(options)), options);
  moq_client_destroy(fresh);
}

} // namespace
