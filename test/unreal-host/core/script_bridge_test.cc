// The bridge of scripts without a script engine: what no argument of a script may break, and an
// environment that is destroyed while data flows.
#include "ScriptBridge.h"
#include "fake_library.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using moq::unreal::Library;
using moq::unreal::ScriptBridge;
using moq::unreal::ScriptBytes;
using moq_test::FakeLibrary;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double Failure(MoqResultCode code) {
  return -static_cast<double>(code);
}

class Bridge : public ::testing::Test {
protected:
  void SetUp() override { ASSERT_TRUE(Library::Get().Load(Fake.Loader(), "x")); }
  void TearDown() override {
    Script.reset();
    EXPECT_TRUE(Library::Get().Shutdown());
    EXPECT_EQ(Fake.Unloads, 1);
  }

  ScriptBytes Bytes(std::vector<std::uint64_t>& memory) {
    return {reinterpret_cast<std::uint8_t*>(memory.data()), memory.size() * 8, true};
  }

  FakeLibrary Fake;
  std::unique_ptr<ScriptBridge> Script;
};

} // namespace

TEST(ScriptBridgeWithoutLibrary, SaysWhatIsMissing) {
  ScriptBridge script;
  const std::string problem = Library::Get().Problem();
  EXPECT_NE(problem, "");
  EXPECT_EQ(script.About(), R"({"version":"","abiVersion":0,"problem":")" + problem + R"("})");
  EXPECT_GT(script.Now(), 0);
  EXPECT_EQ(script.Open(0, "client", "{}"), Failure(MOQ_ERROR_UNAVAILABLE));
  EXPECT_EQ(script.LastError(), problem);
  EXPECT_EQ(script.Publish(1, 0, {nullptr, 0, true}), Failure(MOQ_ERROR_UNAVAILABLE));
  EXPECT_EQ(script.LastError(), problem);
  EXPECT_EQ(script.Close(1, ScriptBridge::kAtOnce), Failure(MOQ_ERROR_UNAVAILABLE));
  EXPECT_EQ(script.Update(1, "{}"), Failure(MOQ_ERROR_UNAVAILABLE));
  EXPECT_EQ(script.Hold(1, true), Failure(MOQ_ERROR_UNAVAILABLE));
  EXPECT_EQ(script.Flush(1), Failure(MOQ_ERROR_CLOSED));
  EXPECT_EQ(script.AnswerToken(1, 1, {}, "none"), Failure(MOQ_ERROR_CLOSED));
  EXPECT_EQ(script.Stats(1), "");
}

// The module Moq was stopped and started again while a script environment lived on.
TEST(ScriptBridgeWithoutLibrary, GoesOnWhenTheLibraryComesAgain) {
  ScriptBridge script;
  for (int round = 0; round < 3; ++round) {
    FakeLibrary fake;
    EXPECT_NE(script.About().find(R"("version":"","abiVersion":0,)"), std::string::npos)
        << script.About();
    EXPECT_EQ(script.Open(0, "client", "{}"), Failure(MOQ_ERROR_UNAVAILABLE));
    ASSERT_TRUE(Library::Get().Load(fake.Loader(), "x"));
    EXPECT_EQ(script.About(), R"({"version":"0.0.0-fake","abiVersion":1,"problem":""})");
    const double client = script.Open(0, "client", "{}");
    const double track = script.Open(client, "publish", "{}");
    ASSERT_GT(track, 0);
    EXPECT_EQ(script.Publish(track, 0, {nullptr, 0, true}), 0);
    EXPECT_EQ(script.Close(client, ScriptBridge::kAtOnce), 0);
    EXPECT_TRUE(Library::Get().Shutdown());
    // A script that goes on with what it had hears that it is over.
    EXPECT_EQ(script.Open(0, "client", "{}"), Failure(MOQ_ERROR_UNAVAILABLE));
    EXPECT_EQ(fake.Unloads, 1);
  }
}

TEST_F(Bridge, RefusesWhatIsNoHandle) {
  Script = std::make_unique<ScriptBridge>();
  for (const double bad : {0.0, -1.0, 0.5, kNaN, 1e300, 99.0}) {
    EXPECT_LT(Script->Close(bad, ScriptBridge::kAtOnce), 0);
    EXPECT_LT(Script->Close(bad, 10), 0);
    EXPECT_EQ(Script->AnswerToken(bad, 1, {}, "none"), Failure(MOQ_ERROR_CLOSED));
    EXPECT_EQ(Script->Flush(bad), Failure(MOQ_ERROR_CLOSED));
    EXPECT_EQ(Script->Open(bad, "subscribe", "{}"), Failure(MOQ_ERROR_CLOSED));
    EXPECT_EQ(Script->PollInto(bad, {}, 0), Failure(MOQ_ERROR_CLOSED));
    EXPECT_EQ(Script->Stats(bad), "");
  }
  EXPECT_EQ(Script->LastError(), "This client is closed.");
}

TEST_F(Bridge, RefusesWhatIsNoMemory) {
  Script = std::make_unique<ScriptBridge>();
  const double client = Script->Open(0, "client", "{}");
  ASSERT_GT(client, 0);
  EXPECT_EQ(Script->Publish(2, 0, {}), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->Publish(2, 0, {nullptr, 0, true}), 0);
  EXPECT_EQ(Script->Publish(2, 8, {nullptr, 0, true}), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->PollInto(client, {}, 0), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->PollInto(client, {nullptr, 0, true}, 0), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  std::vector<std::uint64_t> memory(32);
  for (const double at : {-1.0, 257.0, kNaN, 0.5})
    EXPECT_EQ(Script->PollInto(client, Bytes(memory), at), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->PollInto(client, Bytes(memory), 256), 0);
  EXPECT_EQ(Script->AnswerToken(client, 1, {}, ""), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->Open(client, "nonsense", "{}"), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->Open(client, "client", "{}"), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  for (const double ms : {kNaN, -2.0, 0.5, 1e300})
    EXPECT_EQ(Script->Close(client, ms), Failure(MOQ_ERROR_INVALID_ARGUMENT));
}

// One function closes what a script has: a client or a handle of one, at once or with time to
// flush.
TEST_F(Bridge, ClosesEachKindOfHandleItsOwnWay) {
  Script = std::make_unique<ScriptBridge>();
  const double client = Script->Open(0, "client", "{}");
  const double track = Script->Open(client, "publish", "{}");
  const double reader = Script->Open(client, "subscribe", "{}");
  ASSERT_GT(track, 0);
  ASSERT_GT(reader, 0);
  EXPECT_EQ(Script->Close(track, 0), 0);
  EXPECT_EQ(Script->Close(track, 250), 0);
  EXPECT_EQ(Fake.EndedPublications,
            (std::vector<std::pair<MoqHandle, std::uint32_t>>{
                {static_cast<MoqHandle>(track), 0}, {static_cast<MoqHandle>(track), 250}}));
  EXPECT_EQ(Fake.ClosedHandles.size(), 0U);
  EXPECT_EQ(Script->Close(reader, ScriptBridge::kAtOnce), 0);
  EXPECT_EQ(Fake.ClosedHandles, std::vector<MoqHandle>{static_cast<MoqHandle>(reader)});
  // The client's END is still to come, and is polled.
  EXPECT_EQ(Script->Close(client, 10), 0);
  std::vector<std::uint64_t> memory(32);
  EXPECT_GT(Script->PollInto(client, Bytes(memory), 0), 0);
  EXPECT_EQ(Script->Close(client, ScriptBridge::kAtOnce), 0);
  EXPECT_EQ(Script->PollInto(client, Bytes(memory), 0), Failure(MOQ_ERROR_CLOSED));
}

TEST_F(Bridge, PollsIntoTheScriptsMemory) {
  Script = std::make_unique<ScriptBridge>();
  const double client = Script->Open(0, "client", "{}");
  const auto handle = static_cast<MoqHandle>(client);
  std::vector<std::uint64_t> memory(32);
  EXPECT_EQ(Script->PollInto(client, Bytes(memory), 0), 0);
  Fake.Give(handle, handle, MOQ_RECORD_OBJECT, "12345678");
  Fake.Give(handle, handle, MOQ_RECORD_OBJECT, std::string(200, 'x'));
  EXPECT_EQ(Script->PollInto(client, Bytes(memory), 8), 72 * 2 + 1);
  EXPECT_EQ(memory[0], 0U);
  EXPECT_EQ(memory[1] & 0xffffffff, 72U);
  EXPECT_EQ(Script->PollInto(client, Bytes(memory), 0), -264.0 - 1000);
}

TEST_F(Bridge, TheModuleClosesWhatScriptsLeft) {
  Script = std::make_unique<ScriptBridge>();
  ScriptBridge other;
  EXPECT_GT(Script->Open(0, "client", "{}"), 0);
  EXPECT_GT(other.Open(0, "client", "{}"), 0);
  moq::unreal::CloseScriptBridges();
  EXPECT_EQ(Fake.ClosedClients.size(), 2U);
  EXPECT_EQ(other.Open(0, "client", "{}"), Failure(MOQ_ERROR_CLOSED));
}

TEST_F(Bridge, AnEnvironmentDestroyedWhileDataFlows) {
  std::atomic<bool> stop{false};
  std::atomic<MoqHandle> target{0};
  std::thread library([&] {
    while (!stop) {
      if (const MoqHandle client = target)
        Fake.Give(client, client, MOQ_RECORD_OBJECT, "data");
      std::this_thread::yield();
    }
  });
  std::vector<std::uint64_t> memory(1024);
  for (int round = 0; round < 50; ++round) {
    auto environment = std::make_unique<ScriptBridge>();
    const double client = environment->Open(0, "client", "{}");
    target = static_cast<MoqHandle>(client);
    double bytes = 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (bytes == 0 && std::chrono::steady_clock::now() < end) {
      bytes += environment->PollInto(client, Bytes(memory), 0);
      std::this_thread::yield();
    }
    EXPECT_GT(bytes, 0);
    environment.reset();
  }
  stop = true;
  library.join();
  EXPECT_EQ(Fake.WithWaker.size(), 0U);
}
