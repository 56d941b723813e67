// What arrives: bursts, order across groups, datagrams, empty and oversized objects, late joiners.
#include <set>
#include <thread>

#include "harness.h"

using namespace moq_test;

namespace {

struct Pair {
  Relay relay;
  Client publisher{relay};
  Client subscriber{relay};

  // For bursts larger than the queue: a slow machine pushes back in the middle of one.
  MoqResultCode SendWhenThereIsRoom(MoqHandle publication, const std::string& bytes,
                                    bool keyframe = false) {
    MoqResultCode code = MOQ_OK;
    publisher.Until([&] {
      code = Send(publication, bytes, keyframe);
      subscriber.Poll();
      return code != MOQ_ERROR_WOULD_BLOCK;
    });
    return code;
  }
};

void SleepMs(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

// 60 objects in one burst, reliable: 60 received, in order.
TEST(T1_Burst, ReliableObjectsArriveWholeAndInOrder) {
  Pair pair;
  const MoqHandle publication = pair.publisher.Publish("burst");
  const MoqHandle subscription = pair.subscriber.Subscribe("burst");
  for (int i = 0; i < 60; ++i)
    ASSERT_EQ(Send(publication, "object " + std::to_string(i)), MOQ_OK);
  ASSERT_TRUE(pair.subscriber.Until(
      [&] { return pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT).size() >= 60; }));
  const auto objects = pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT);
  ASSERT_EQ(objects.size(), 60u);
  for (size_t i = 0; i < objects.size(); ++i) {
    EXPECT_EQ(objects[i]->payload, "object " + std::to_string(i));
    EXPECT_EQ(objects[i]->header.object, i);
    EXPECT_EQ((objects[i]->header.flags & MOQ_FLAG_KEYFRAME) != 0, i == 0);
  }
}

// Every group rides on a stream of its own; whatever the order of their arrival, groups are
// delivered in order and the subscription stays open.
TEST(T2_GroupOrder, ManyGroupsAtOnceArriveInOrder) {
  Pair pair;
  const MoqHandle publication = pair.publisher.Publish("groups");
  const MoqHandle subscription = pair.subscriber.Subscribe("groups");
  constexpr int kGroups = 300;
  for (int group = 0; group < kGroups; ++group) {
    // Sizes differ so that a later group may well be complete first.
    const std::string keyframe(group % 3 == 0 ? 9000 : 10, 'k');
    ASSERT_EQ(pair.SendWhenThereIsRoom(publication, keyframe, true), MOQ_OK) << moq_last_error();
    ASSERT_EQ(pair.SendWhenThereIsRoom(publication, "delta"), MOQ_OK) << moq_last_error();
  }
  ASSERT_TRUE(pair.subscriber.Until([&] {
    return pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT).size() >= kGroups * 2;
  })) << pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT).size();
  const auto objects = pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT);
  for (size_t i = 2; i < objects.size(); i += 2) {
    EXPECT_EQ(objects[i]->header.group, objects[0]->header.group + i / 2);
    EXPECT_EQ(objects[i]->header.object, 0u);
    EXPECT_EQ(objects[i + 1]->header.group, objects[i]->header.group);
    EXPECT_EQ(objects[i + 1]->header.object, 1u);
  }
  EXPECT_TRUE(pair.subscriber.Of(subscription, MOQ_RECORD_GAP).empty());
  EXPECT_TRUE(pair.subscriber.Of(subscription, MOQ_RECORD_END).empty());
}

// The number in the newest "datagram N", -1 before the first.
int Newest(const Client& client, MoqHandle subscription) {
  const auto objects = client.Of(subscription, MOQ_RECORD_OBJECT);
  return objects.empty() ? -1 : std::stoi(objects.back()->payload.substr(9));
}

// Thousands of datagrams: the session stays up.
TEST(T3_Datagrams, ThousandsLeaveTheSessionUp) {
  Pair pair;
  const MoqHandle publication = pair.publisher.Publish("pings", ",\"delivery\":\"datagram\"");
  const MoqHandle subscription = pair.subscriber.Subscribe("pings");
  constexpr int kCount = 5000;
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(Send(publication, "datagram " + std::to_string(i)), MOQ_OK) << moq_last_error();
    if (i % 20 != 19)
      continue;
    SleepMs(1);
    pair.subscriber.Poll();
    // No faster than they arrive, or are lost for good: what a slow machine cannot take is dropped.
    for (int waits = 0; waits < 20 && Newest(pair.subscriber, subscription) < i - 100; ++waits) {
      SleepMs(5);
      pair.subscriber.Poll();
    }
  }
  ASSERT_TRUE(pair.subscriber.Until([&] {
    const auto objects = pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT);
    return !objects.empty() && objects.back()->payload == "datagram 4999";
  })) << "the newest did not arrive";
  const auto objects = pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT);
  EXPECT_GE(objects.size(), static_cast<size_t>(kCount) / 2);
  for (size_t i = 1; i < objects.size(); ++i) {
    ASSERT_GT(objects[i]->header.group, objects[i - 1]->header.group) << "only ever newer";
  }
  EXPECT_TRUE(pair.subscriber.Of(subscription, MOQ_RECORD_END).empty());
  EXPECT_TRUE(pair.publisher.Of(publication, MOQ_RECORD_END).empty());
}

// A datagram over the limit: error to the caller naming the limit; subscription unaffected.
TEST(T4_DatagramLimit, OverItTheCallerIsToldAndTheSubscriptionGoesOn) {
  Pair pair;
  const MoqHandle publication = pair.publisher.Publish("limit", ",\"delivery\":\"datagram\"");
  const MoqHandle subscription = pair.subscriber.Subscribe("limit");
  EXPECT_EQ(Send(publication, std::string(2000, 'x')), MOQ_ERROR_TOO_LARGE);
  EXPECT_NE(std::string(moq_last_error()).find("1090 bytes"), std::string::npos)
      << moq_last_error();
  EXPECT_EQ(Send(publication, std::string(1091, 'x')), MOQ_ERROR_TOO_LARGE);
  EXPECT_EQ(Send(publication, std::string(1090, 'y')), MOQ_OK) << moq_last_error();
  const Record* object = pair.subscriber.Wait(subscription, MOQ_RECORD_OBJECT);
  ASSERT_NE(object, nullptr) << "the largest that fits did not arrive";
  EXPECT_EQ(object->payload, std::string(1090, 'y'));
}

// An empty object is delivered, in every class.
TEST(T6_EmptyObject, IsDeliveredInEveryClass) {
  Pair pair;
  for (const std::string delivery : {"reliable", "latest", "deadline", "datagram"}) {
    const std::string option = ",\"delivery\":\"" + delivery + "\"";
    const MoqHandle publication = pair.publisher.Publish("empty-" + delivery, option);
    const MoqHandle subscription = pair.subscriber.Subscribe("empty-" + delivery);
    ASSERT_EQ(moq_publish(publication, 0, nullptr, 0), MOQ_OK) << moq_last_error();
    const Record* object = pair.subscriber.Wait(subscription, MOQ_RECORD_OBJECT);
    ASSERT_NE(object, nullptr) << delivery;
    EXPECT_TRUE(object->payload.empty()) << delivery;
    EXPECT_EQ((object->header.flags & MOQ_FLAG_PUBLISHED_AT) != 0, delivery == "deadline");
  }
}

TEST(Delivery, LateJoinersBeginAtTheLatestGroup) {
  Pair pair;
  const MoqHandle publication = pair.publisher.Publish("world");
  ASSERT_EQ(Send(publication, "old", true), MOQ_OK);
  ASSERT_EQ(Send(publication, "snapshot", true), MOQ_OK);
  ASSERT_EQ(Send(publication, "delta 1"), MOQ_OK);
  const MoqHandle subscription = pair.subscriber.Subscribe("world");
  ASSERT_EQ(Send(publication, "delta 2"), MOQ_OK);
  ASSERT_TRUE(pair.subscriber.Until(
      [&] { return pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT).size() >= 3; }));
  const auto objects = pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT);
  EXPECT_EQ(objects[0]->payload, "snapshot");
  EXPECT_EQ(objects[1]->payload, "delta 1");
  EXPECT_EQ(objects[2]->payload, "delta 2");
}

TEST(Delivery, LargeObjectsArriveAndSmallBuffersAreToldTheSize) {
  Pair pair;
  const MoqHandle publication = pair.publisher.Publish("large", ",\"queueBytes\":16777216");
  const MoqHandle subscription = pair.subscriber.Subscribe("large");
  std::string large(3 << 20, '\0');
  for (size_t i = 0; i < large.size(); ++i)
    large[i] = static_cast<char>(i * 7 + i / 256);
  ASSERT_EQ(Send(publication, large), MOQ_OK) << moq_last_error();
  const Record* object = pair.subscriber.Wait(subscription, MOQ_RECORD_OBJECT);
  ASSERT_NE(object, nullptr);
  EXPECT_TRUE(object->payload == large);
}

// A reader that does not poll pushes a reliable publisher back, and nothing is lost.
TEST(Delivery, SlowReliableReaderPushesBackAndLosesNothing) {
  Pair pair;
  const MoqHandle publication = pair.publisher.Publish("slow");
  const MoqHandle subscription = pair.subscriber.Subscribe("slow", ",\"queueBytes\":65536");
  const std::string payload(1000, 's');
  constexpr size_t kCount = 1000;
  for (size_t i = 0; i < kCount;) {
    const MoqResultCode code = Send(publication, payload);
    if (code == MOQ_OK) {
      ++i;
    } else {
      ASSERT_EQ(code, MOQ_ERROR_WOULD_BLOCK) << moq_last_error();
      SleepMs(1);
    }
  }
  SleepMs(100);
  ASSERT_TRUE(pair.subscriber.Until([&] {
    return pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT).size() >= kCount;
  })) << pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT).size();
  EXPECT_TRUE(pair.subscriber.Of(subscription, MOQ_RECORD_GAP).empty());
}

// A reader of a class that drops gets the newest, and the drops are counted.
TEST(Delivery, SlowDatagramReaderGetsTheNewest) {
  Pair pair;
  const MoqHandle publication = pair.publisher.Publish("fresh", ",\"delivery\":\"datagram\"");
  const MoqHandle subscription = pair.subscriber.Subscribe("fresh", ",\"queueBytes\":4096");
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(Send(publication, std::to_string(i)), MOQ_OK);
    if (i % 10 == 9)
      SleepMs(1);
  }
  SleepMs(300);
  pair.subscriber.Poll();
  EXPECT_LE(pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT).size(), 4096u / 64u);
  // On a slow machine some are still on their way.
  EXPECT_TRUE(pair.subscriber.Until([&] {
    const auto objects = pair.subscriber.Of(subscription, MOQ_RECORD_OBJECT);
    return !objects.empty() && objects.back()->payload == "499";
  }));
}

TEST(Delivery, WebTransportAndMemoryCarryTheSame) {
  Relay relay;
  for (const std::string& url : {relay.url(), relay.memory_url()}) {
    Client publisher(ClientOptions(url, relay.hash()));
    Client subscriber(ClientOptions(url, relay.hash()));
    const MoqHandle publication = publisher.Publish("same");
    const MoqHandle subscription = subscriber.Subscribe("same");
    ASSERT_EQ(Send(publication, "hello"), MOQ_OK);
    const Record* object = subscriber.Wait(subscription, MOQ_RECORD_OBJECT);
    ASSERT_NE(object, nullptr) << url;
    EXPECT_EQ(object->payload, "hello");
  }
}

} // namespace
