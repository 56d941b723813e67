// The inbox and its budgets, with a library that fails, lies and floods.
#include "fake_library.h"

#include <MoqCore/Host.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using moq::unreal::DrainBudget;
using moq::unreal::DrainResult;
using moq::unreal::Host;
using moq::unreal::Library;
using moq::unreal::RecordSink;
using moq::unreal::RequestKind;
using moq::unreal::Session;
using moq_test::FakeLibrary;

namespace {

struct Seen {
  MoqHandle Handle;
  std::uint16_t Kind;
  std::string Payload;
};

class Recorder : public RecordSink {
public:
  void OnRecord(const moq::Record& record) override {
    All.push_back({record.handle(), record.header.kind, std::string(record.payload.text())});
    if (Then)
      Then(record);
  }

  std::vector<Seen> All;
  std::function<void(const moq::Record&)> Then;
};

class Drain : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(Native.Load(Fake.Loader(), "x"));
    Client = TheHost.Open("{}", Error);
    ASSERT_NE(Client, 0U);
  }

  MoqHandle Subscribe() {
    MoqHandle handle = 0;
    EXPECT_EQ(TheHost.Find(Client)->Request(RequestKind::Subscribe, "{}", handle), MOQ_OK);
    return handle;
  }

  void GiveObjects(MoqHandle handle, int count, std::size_t size = 8) {
    for (int i = 0; i < count; ++i)
      Fake.Give(Client, handle, MOQ_RECORD_OBJECT,
                std::string(size, static_cast<char>('a' + i % 26)));
  }

  std::uint64_t Now = 1'000'000;
  FakeLibrary Fake;
  Library Native;
  Host TheHost{Native, [this] { return Now; }};
  moq::Error Error;
  MoqHandle Client = 0;
  Recorder Sink;
};

} // namespace

TEST_F(Drain, GivesRecordsInOrder) {
  const MoqHandle handle = Subscribe();
  Fake.Give(Client, handle, MOQ_RECORD_READY, "{}");
  GiveObjects(handle, 3);
  Fake.Give(Client, handle, MOQ_RECORD_OBJECT, "");
  const DrainResult result = TheHost.Tick(Sink);
  EXPECT_EQ(result.Records, 5U);
  EXPECT_EQ(result.Bytes, 26U);
  EXPECT_FALSE(result.More);
  ASSERT_EQ(Sink.All.size(), 5U);
  EXPECT_EQ(Sink.All[0].Kind, MOQ_RECORD_READY);
  EXPECT_EQ(Sink.All[3].Payload, "cccccccc");
  EXPECT_EQ(Sink.All[4].Payload, "");
  const auto stats = TheHost.Stats();
  EXPECT_EQ(stats.Objects, 4U);
  EXPECT_EQ(stats.Records, 5U);
  EXPECT_EQ(stats.Bytes, 26U);
  EXPECT_EQ(stats.Sessions, 1U);
}

TEST_F(Drain, IdleTicksDoNotCallTheLibrary) {
  TheHost.Tick(Sink);
  const int polls = Fake.Polls;
  for (int i = 0; i < 100; ++i)
    TheHost.Tick(Sink);
  EXPECT_EQ(Fake.Polls, polls);
  GiveObjects(Subscribe(), 1);
  TheHost.Tick(Sink);
  EXPECT_EQ(Sink.All.size(), 1U);
}

TEST_F(Drain, StopsAtEachBudgetAndGoesOnWithTheNextTick) {
  const MoqHandle handle = Subscribe();
  GiveObjects(handle, 100, 10);
  DrainBudget budget;
  budget.Records = 7;
  EXPECT_EQ(TheHost.Tick(Sink, budget).Records, 7U);
  budget = {};
  budget.Bytes = 25;
  EXPECT_EQ(TheHost.Tick(Sink, budget).Records, 3U);
  budget = {};
  budget.Microseconds = 50;
  Sink.Then = [&](const moq::Record&) { Now += 10; };
  const DrainResult result = TheHost.Tick(Sink, budget);
  EXPECT_EQ(result.Records, 5U);
  EXPECT_TRUE(result.More);
  EXPECT_EQ(TheHost.Stats().TicksOverBudget, 3U);
  EXPECT_EQ(TheHost.Stats().LongestTick, 50U);
  Sink.Then = nullptr;
  EXPECT_FALSE(TheHost.Tick(Sink, {}).More);
  ASSERT_EQ(Sink.All.size(), 100U);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(Sink.All[static_cast<std::size_t>(i)].Payload[0], 'a' + i % 26);
}

TEST_F(Drain, ATickOfTwoSecondsStillGetsOn) {
  // One record takes longer than the whole budget: each tick gives one, none is lost.
  GiveObjects(Subscribe(), 5);
  Sink.Then = [&](const moq::Record&) { Now += 2'000'000; };
  for (int tick = 1; tick <= 5; ++tick) {
    const DrainResult result = TheHost.Tick(Sink);
    EXPECT_EQ(result.Records, 1U);
  }
  EXPECT_EQ(Sink.All.size(), 5U);
  EXPECT_EQ(TheHost.Stats().LongestTick, 2'000'000U);
}

TEST_F(Drain, GrowsForALargeRecordAndShrinksAgain) {
  const MoqHandle handle = Subscribe();
  Fake.Give(Client, handle, MOQ_RECORD_OBJECT, std::string(3'000'000, 'x'));
  GiveObjects(handle, 1);
  TheHost.Tick(Sink, {});
  ASSERT_EQ(Sink.All.size(), 2U);
  EXPECT_EQ(Sink.All[0].Payload.size(), 3'000'000U);
}

TEST_F(Drain, ABufferThatIsAlwaysTooSmallIsNoEndlessLoop) {
  const MoqHandle handle = Subscribe();
  GiveObjects(handle, 1);
  Fake.TooSmallPolls = 3;
  Fake.TooSmallNeeded = 1'000'000;
  TheHost.Tick(Sink);
  EXPECT_EQ(Sink.All.size(), 0U);
  TheHost.Tick(Sink);
  EXPECT_EQ(Sink.All.size(), 1U);
  // It says that nothing is needed, which makes no sense.
  Fake.TooSmallPolls = 1;
  Fake.TooSmallNeeded = 0;
  GiveObjects(handle, 1);
  TheHost.Tick(Sink);
  EXPECT_EQ(Sink.All.size(), 1U);
  TheHost.Tick(Sink);
  EXPECT_EQ(Sink.All.size(), 2U);
}

TEST_F(Drain, ARecordThatIsLongerThanItsBufferIsNotRead) {
  const MoqHandle handle = Subscribe();
  Fake.Give(Client, handle, MOQ_RECORD_OBJECT, "broken", 4096);
  TheHost.Tick(Sink);
  EXPECT_EQ(Sink.All.size(), 0U);
  Fake.Give(Client, handle, MOQ_RECORD_OBJECT, "broken", 8);
  TheHost.Tick(Sink);
  EXPECT_EQ(Sink.All.size(), 0U);
  GiveObjects(handle, 1);
  TheHost.Tick(Sink);
  EXPECT_EQ(Sink.All.size(), 1U);
}

TEST_F(Drain, ALibraryThatLiesAboutWhatItWroteIsNotReadBeyondIt) {
  const MoqHandle handle = Subscribe();
  // Less than a header, and more than there is room for.
  for (const std::size_t says : {std::size_t{1}, std::size_t{63}, std::size_t{1} << 40}) {
    Fake.SaysPolled = says;
    GiveObjects(handle, 1);
    TheHost.Tick(Sink);
    EXPECT_EQ(Sink.All.size(), 0U);
    GiveObjects(handle, 1);
    TheHost.Tick(Sink);
    EXPECT_EQ(Sink.All.size(), 1U);
    Sink.All.clear();
  }
}

TEST_F(Drain, NothingOfAClosedHandleComesFromTheInbox) {
  const MoqHandle one = Subscribe();
  const MoqHandle other = Subscribe();
  for (int i = 0; i < 4; ++i) {
    GiveObjects(one, 1);
    GiveObjects(other, 1);
  }
  Sink.Then = [&](const moq::Record& record) {
    if (record.handle() == one)
      TheHost.Find(Client)->CloseHandle(one);
  };
  TheHost.Tick(Sink);
  int of_one = 0;
  for (const Seen& seen : Sink.All)
    of_one += seen.Handle == one ? 1 : 0;
  EXPECT_EQ(of_one, 1);
  EXPECT_EQ(Sink.All.size(), 5U);
}

TEST_F(Drain, AHandleThatEndedIsClosed) {
  const MoqHandle handle = Subscribe();
  Fake.Give(Client, handle, MOQ_RECORD_END, "{}");
  TheHost.Tick(Sink);
  ASSERT_EQ(Fake.ClosedHandles.size(), 1U);
  EXPECT_EQ(Fake.ClosedHandles[0], handle);
}

TEST_F(Drain, ASessionThatEndedIsClosedAfterItsLastRecord) {
  const MoqHandle handle = Subscribe();
  Fake.GiveEnd(Client);
  GiveObjects(handle, 1);
  TheHost.Tick(Sink);
  EXPECT_EQ(Sink.All.size(), 2U);
  EXPECT_EQ(TheHost.Find(Client), nullptr);
  EXPECT_EQ(Fake.ClosedClients.size(), 1U);
  EXPECT_EQ(TheHost.Stats().Sessions, 0U);
}

TEST_F(Drain, ClosingGracefullyGivesTheEnd) {
  EXPECT_EQ(TheHost.Find(Client)->BeginClose(0), MOQ_OK);
  EXPECT_NE(TheHost.Find(Client), nullptr);
  TheHost.Tick(Sink);
  EXPECT_EQ(TheHost.Find(Client), nullptr);
}

TEST_F(Drain, EverythingMayBeClosedInsideTheSink) {
  const MoqHandle handle = Subscribe();
  GiveObjects(handle, 10);
  Sink.Then = [&](const moq::Record&) {
    const auto session = TheHost.Find(Client);
    TheHost.CloseAll();
    EXPECT_TRUE(session->IsClosed());
    EXPECT_EQ(session->Stats(), "");
    EXPECT_EQ(TheHost.Tick(Sink).Records, 0U);
    EXPECT_EQ(TheHost.Open("{}", Error), 0U);
    EXPECT_EQ(Error.code, MOQ_ERROR_CLOSED);
  };
  EXPECT_EQ(TheHost.Tick(Sink).Records, 1U);
  EXPECT_EQ(TheHost.Tick(Sink).Records, 0U);
  EXPECT_EQ(Fake.WithWaker.size(), 0U);
}

TEST_F(Drain, SessionsTakeTurnsAtTheBudget) {
  const MoqHandle second = TheHost.Open("{}", Error);
  for (int i = 0; i < 10; ++i) {
    Fake.Give(Client, Client, MOQ_RECORD_OBJECT, "a");
    Fake.Give(second, second, MOQ_RECORD_OBJECT, "b");
  }
  DrainBudget budget;
  budget.Records = 5;
  TheHost.Tick(Sink, budget);
  TheHost.Tick(Sink, budget);
  int first = 0;
  for (const Seen& seen : Sink.All)
    first += seen.Handle == Client ? 1 : 0;
  EXPECT_EQ(Sink.All.size(), 10U);
  EXPECT_EQ(first, 5);
}

TEST_F(Drain, AFailedOpenLeavesNothing) {
  Fake.Failing["moq_client_open"] = MOQ_ERROR_INVALID_ARGUMENT;
  EXPECT_EQ(TheHost.Open("{}", Error), 0U);
  EXPECT_EQ(Error.code, MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(Error.message, "the fake said no");
  Fake.Failing = {{"moq_set_waker", MOQ_ERROR_INTERNAL}};
  EXPECT_EQ(TheHost.Open("{}", Error), 0U);
  EXPECT_EQ(Fake.ClosedClients.size(), 1U);
  EXPECT_EQ(TheHost.Stats().Sessions, 1U);
}

TEST_F(Drain, SessionsAreBounded) {
  while (TheHost.Open("{}", Error) != 0) {
  }
  EXPECT_EQ(Error.code, MOQ_ERROR_LIMIT_EXCEEDED);
  EXPECT_EQ(TheHost.Stats().Sessions, Host::kMostSessions);
}

TEST_F(Drain, APollThatFailsIsNoCrash) {
  GiveObjects(Subscribe(), 1);
  Fake.Failing["moq_poll"] = MOQ_ERROR_CLOSED;
  EXPECT_EQ(TheHost.Tick(Sink).Records, 0U);
}

TEST_F(Drain, PollCopiesStraightIntoTheHostsMemory) {
  const auto session = TheHost.Find(Client);
  GiveObjects(Subscribe(), 3);
  std::vector<std::uint64_t> buffer(64);
  MoqPollResult result = {};
  auto* const bytes = reinterpret_cast<std::uint8_t*>(buffer.data());
  EXPECT_EQ(session->Poll(bytes, 8, result), MOQ_ERROR_BUFFER_TOO_SMALL);
  EXPECT_EQ(result.needed, 72U);
  EXPECT_EQ(session->Poll(bytes, 150, result), MOQ_OK);
  EXPECT_EQ(result.count, 2U);
  EXPECT_EQ(result.more, 1U);
  EXPECT_EQ(session->Poll(bytes, 512, result), MOQ_OK);
  EXPECT_EQ(result.count, 1U);
  const int polls = Fake.Polls;
  EXPECT_EQ(session->Poll(bytes, 512, result), MOQ_OK);
  EXPECT_EQ(result.count, 0U);
  EXPECT_EQ(Fake.Polls, polls);
}

TEST_F(Drain, StatisticsOfAnyLength) {
  EXPECT_EQ(TheHost.Find(Client)->Stats().size(), 3000U);
}

// A script environment or game instance that goes away while the library's threads deliver.
TEST_F(Drain, DestroyedWhileDataFlows) {
  std::atomic<bool> stop{false};
  std::atomic<MoqHandle> target{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        if (const MoqHandle client = target)
          Fake.Give(client, client, MOQ_RECORD_OBJECT, "data");
        std::this_thread::yield();
      }
    });
  }
  std::size_t records = 0;
  for (int round = 0; round < 50; ++round) {
    Host host(Native);
    const MoqHandle client = host.Open("{}", Error);
    ASSERT_NE(client, 0U);
    const auto kept = round % 2 == 0 ? host.Find(client) : nullptr;
    std::thread publisher([session = host.Find(client)] {
      while (session->Publish(1, 0, "x", 1) == MOQ_OK)
        std::this_thread::yield();
    });
    target = client;
    // Bounded, and until something arrived.
    for (int tick = 0; tick < 100'000 && host.Stats().Records < 20; ++tick) {
      host.Tick(Sink);
      std::this_thread::yield();
    }
    records += host.Stats().Records;
    host.CloseAll();
    publisher.join();
  }
  stop = true;
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_GT(records, 0U);
  EXPECT_EQ(Fake.WithWaker.size(), 1U);
}
