// Publishing: batches of structs and packed buffers, back-pressure, statistics.
#include "harness.h"

using namespace moq_test;

namespace {

void Put(std::vector<uint8_t>& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void Pack(std::vector<uint8_t>& out, MoqHandle publication, uint32_t flags,
          const std::string& bytes) {
  Put(out, publication, 8);
  Put(out, flags, 4);
  Put(out, bytes.size(), 4);
  out.insert(out.end(), bytes.begin(), bytes.end());
  out.resize((out.size() + 7) / 8 * 8);
}

TEST(Publish, OneBatchReachesManyTracks) {
  Relay relay;
  Client publisher(relay);
  Client subscriber(relay);
  const MoqHandle tracks[2] = {publisher.Publish("a"), publisher.Publish("b")};
  const MoqHandle readers[2] = {subscriber.Subscribe("a"), subscriber.Subscribe("b")};
  std::vector<std::string> payloads;
  for (int i = 0; i < 20; ++i)
    payloads.push_back("update " + std::to_string(i));
  std::vector<MoqUpdate> updates;
  for (size_t i = 0; i < payloads.size(); ++i) {
    updates.push_back({tracks[i % 2], reinterpret_cast<const uint8_t*>(payloads[i].data()),
                       payloads[i].size(), 0, -1});
  }
  ASSERT_EQ(moq_publish_batch(updates.data(), updates.size()), MOQ_OK) << moq_last_error();
  for (const MoqUpdate& update : updates)
    EXPECT_EQ(update.result, MOQ_OK);
  std::vector<uint8_t> packed;
  for (size_t i = 0; i < payloads.size(); ++i)
    Pack(packed, tracks[i % 2], 0, payloads[i]);
  std::vector<int32_t> results(20, -1);
  size_t count = 0;
  ASSERT_EQ(
      moq_publish_packed(packed.data(), packed.size(), results.data(), results.size(), &count),
      MOQ_OK);
  EXPECT_EQ(count, 20u);
  for (const int32_t result : results)
    EXPECT_EQ(result, MOQ_OK);
  for (int which = 0; which < 2; ++which) {
    ASSERT_TRUE(subscriber.Until(
        [&] { return subscriber.Of(readers[which], MOQ_RECORD_OBJECT).size() >= 20; }));
    const auto objects = subscriber.Of(readers[which], MOQ_RECORD_OBJECT);
    for (size_t i = 0; i < 20; ++i)
      EXPECT_EQ(objects[i]->payload, payloads[(i % 10) * 2 + which]);
  }
}

TEST(Publish, UpdatesThatMoreFollowsArriveInOrder) {
  Relay relay;
  Client publisher(relay);
  Client subscriber(relay);
  const MoqHandle track = publisher.Publish("track");
  const MoqHandle reader = subscriber.Subscribe("track");
  const auto publish = [&](int number, uint32_t flags) {
    const std::string bytes = std::to_string(number);
    return moq_publish(track, flags, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  };
  for (int i = 0; i < 40; ++i)
    ASSERT_EQ(publish(i, MOQ_PUBLISH_MORE | (i % 10 == 0 ? MOQ_PUBLISH_KEYFRAME : 0)), MOQ_OK);
  ASSERT_EQ(moq_publish_flush(publisher.handle()), MOQ_OK);
  ASSERT_TRUE(
      subscriber.Until([&] { return subscriber.Of(reader, MOQ_RECORD_OBJECT).size() >= 40; }));
  // One without the flag takes those before it along.
  ASSERT_EQ(publish(40, MOQ_PUBLISH_MORE), MOQ_OK);
  ASSERT_EQ(publish(41, 0), MOQ_OK);
  ASSERT_TRUE(
      subscriber.Until([&] { return subscriber.Of(reader, MOQ_RECORD_OBJECT).size() >= 42; }));
  const auto objects = subscriber.Of(reader, MOQ_RECORD_OBJECT);
  for (int i = 0; i < 42; ++i)
    EXPECT_EQ(objects[i]->payload, std::to_string(i));
  EXPECT_EQ(moq_publish_flush(track), MOQ_ERROR_INVALID_ARGUMENT) << "not a client";
}

TEST(Publish, EachUpdateOfABatchHasItsOwnResult) {
  Relay relay;
  Client publisher(relay);
  const MoqHandle good = publisher.Publish("good");
  const MoqHandle small = publisher.Publish("small", ",\"delivery\":\"datagram\"");
  const std::string large(5000, 'l');
  const auto* bytes = reinterpret_cast<const uint8_t*>(large.data());
  MoqUpdate updates[] = {{good, bytes, 10, 0, -1},
                         {small, bytes, 5000, 0, -1},
                         {MoqHandle{1} << 50, bytes, 1, 0, -1},
                         {good, nullptr, 4, 0, -1},
                         {good, bytes, 10, MOQ_PUBLISH_KEYFRAME, -1}};
  EXPECT_EQ(moq_publish_batch(updates, 5), MOQ_ERROR_TOO_LARGE);
  const int32_t wanted[] = {MOQ_OK, MOQ_ERROR_TOO_LARGE, MOQ_ERROR_INVALID_ARGUMENT,
                            MOQ_ERROR_INVALID_ARGUMENT, MOQ_OK};
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(updates[i].result, wanted[i]) << i;
}

TEST(Publish, PackedBuffersThatAreCutShortAreRefused) {
  Relay relay;
  Client publisher(relay);
  const MoqHandle track = publisher.Publish("packed");
  std::vector<uint8_t> packed;
  Pack(packed, track, 0, "whole");
  const size_t whole = packed.size();
  Pack(packed, track, 0, "another one");
  int32_t results[4] = {-1, -1, -1, -1};
  size_t count = 9;
  for (size_t length = whole + 1; length < whole + 16 + 11; ++length) {
    EXPECT_EQ(moq_publish_packed(packed.data(), length, results, 4, &count),
              MOQ_ERROR_INVALID_ARGUMENT)
        << length;
    EXPECT_EQ(count, 1u);
  }
  EXPECT_EQ(moq_publish_packed(packed.data(), whole + 16 + 11, results, 4, &count), MOQ_OK)
      << "the padding of the last may be left out";
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(moq_publish_packed(packed.data(), packed.size(), results, 1, &count),
            MOQ_ERROR_BUFFER_TOO_SMALL);
  EXPECT_EQ(count, 1u);
}

// The publisher's own connection is behind: `would block`, then a WRITABLE record.
TEST(Publish, AFullQueuePushesBackAndTellsWhenItIsWritable) {
  Relay relay;
  Client publisher(relay);
  // Two updates do not fit together, so the second of a pair that comes quickly has to wait.
  const std::string options = TrackOptions("full", ",\"queueBytes\":10000");
  MoqHandle publication = 0;
  ASSERT_EQ(moq_publication_open(publisher.handle(), options.data(), options.size(), &publication),
            MOQ_OK);
  MoqResultCode code = MOQ_OK;
  size_t accepted = 0;
  for (; code == MOQ_OK && accepted < 100000; ++accepted)
    code = Send(publication, std::string(5000, 'f'));
  ASSERT_EQ(code, MOQ_ERROR_WOULD_BLOCK) << moq_last_error();
  ASSERT_NE(publisher.Wait(publication, MOQ_RECORD_WRITABLE), nullptr);
  EXPECT_EQ(Send(publication, "again"), MOQ_OK) << moq_last_error();
}

TEST(Publish, StatisticsCountWhatWasSentAndRead) {
  Relay relay;
  Client publisher(relay);
  Client subscriber(relay);
  const MoqHandle publication = publisher.Publish("counted");
  const MoqHandle subscription = subscriber.Subscribe("counted");
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(Send(publication, "12345"), MOQ_OK);
  ASSERT_TRUE(subscriber.Until(
      [&] { return subscriber.Of(subscription, MOQ_RECORD_OBJECT).size() == 10; }));
  const auto stats = [](MoqHandle client) {
    std::string text(65536, '\0');
    size_t needed = 0;
    EXPECT_EQ(moq_client_stats(client, text.data(), 4, &needed), MOQ_ERROR_BUFFER_TOO_SMALL);
    EXPECT_GT(needed, 4u);
    EXPECT_EQ(moq_client_stats(client, text.data(), text.size(), &needed), MOQ_OK);
    text.resize(needed);
    return text;
  };
  const auto eventually = [&](MoqHandle client, const std::string& part) {
    return subscriber.Until([&] { return stats(client).find(part) != std::string::npos; });
  };
  EXPECT_TRUE(eventually(publisher.handle(), "\"state\":\"open\"")) << stats(publisher.handle());
  EXPECT_TRUE(eventually(publisher.handle(), "\"objects\":10")) << stats(publisher.handle());
  EXPECT_TRUE(eventually(publisher.handle(), "\"subscribers\":1")) << stats(publisher.handle());
  EXPECT_TRUE(eventually(subscriber.handle(), "\"objects\":10")) << stats(subscriber.handle());
  EXPECT_TRUE(eventually(subscriber.handle(), "\"track\":\"test/counted\""))
      << stats(subscriber.handle());
  std::string text(1 << 20, '\0');
  size_t needed = 0;
  EXPECT_EQ(moq_relay_stats(relay.handle(), text.data(), text.size(), &needed), MOQ_OK)
      << moq_last_error();
  EXPECT_GT(needed, 100u);
}

} // namespace
