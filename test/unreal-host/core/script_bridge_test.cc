// The bridge of scripts without a script engine: what no argument of a script may break, and an
// environment that is destroyed while data flows.
#include "ScriptBridge.h"
#include "fake_library.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <thread>
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
  EXPECT_NE(script.Problem(), "");
  EXPECT_EQ(script.Version(), "");
  EXPECT_EQ(script.AbiVersion(), 0);
  EXPECT_GT(script.Now(), 0);
  EXPECT_EQ(script.Open("{}"), Failure(MOQ_ERROR_UNAVAILABLE));
  EXPECT_EQ(script.LastError(), script.Problem());
  EXPECT_EQ(script.Publish(1, 0, {nullptr, 0, true}), Failure(MOQ_ERROR_UNAVAILABLE));
  EXPECT_EQ(script.CloseHandle(1), Failure(MOQ_ERROR_UNAVAILABLE));
  EXPECT_EQ(script.Stats(1), "");
}

TEST_F(Bridge, RefusesWhatIsNoHandle) {
  Script = std::make_unique<ScriptBridge>();
  for (const double bad : {0.0, -1.0, 0.5, kNaN, 1e300, 99.0}) {
    EXPECT_EQ(Script->Close(bad, 0), Failure(MOQ_ERROR_CLOSED));
    EXPECT_EQ(Script->Flush(bad), Failure(MOQ_ERROR_CLOSED));
    EXPECT_EQ(Script->Request(bad, "subscribe", "{}"), Failure(MOQ_ERROR_CLOSED));
    EXPECT_EQ(Script->PollInto(bad, {}, 0), Failure(MOQ_ERROR_CLOSED));
    EXPECT_EQ(Script->Stats(bad), "");
  }
  EXPECT_EQ(Script->LastError(), "This client is closed.");
}

TEST_F(Bridge, RefusesWhatIsNoMemory) {
  Script = std::make_unique<ScriptBridge>();
  const double client = Script->Open("{}");
  ASSERT_GT(client, 0);
  EXPECT_EQ(Script->Publish(2, 0, {}), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->Publish(2, 0, {nullptr, 0, true}), 0);
  EXPECT_EQ(Script->Publish(2, 8, {nullptr, 0, true}), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->PollInto(client, {}, 0), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  std::vector<std::uint64_t> memory(32);
  for (const double at : {-1.0, 257.0, kNaN, 0.5})
    EXPECT_EQ(Script->PollInto(client, Bytes(memory), at), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->PollInto(client, Bytes(memory), 256), 0);
  ScriptBytes odd = Bytes(memory);
  odd.Data += 1;
  EXPECT_EQ(Script->PublishPacked(Bytes(memory), odd), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->SupplyToken(client, 1, {}), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->Request(client, "nonsense", "{}"), Failure(MOQ_ERROR_INVALID_ARGUMENT));
  EXPECT_EQ(Script->Close(client, kNaN), Failure(MOQ_ERROR_INVALID_ARGUMENT));
}

TEST_F(Bridge, PollsIntoTheScriptsMemory) {
  Script = std::make_unique<ScriptBridge>();
  const double client = Script->Open("{}");
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
  EXPECT_GT(Script->Open("{}"), 0);
  EXPECT_GT(other.Open("{}"), 0);
  moq::unreal::CloseScriptBridges();
  EXPECT_EQ(Fake.ClosedClients.size(), 2U);
  EXPECT_EQ(other.Open("{}"), Failure(MOQ_ERROR_CLOSED));
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
    const double client = environment->Open("{}");
    target = static_cast<MoqHandle>(client);
    double bytes = 0;
    for (int tick = 0; tick < 100'000 && bytes == 0; ++tick) {
      bytes += environment->PollInto(client, Bytes(memory), 0);
      std::this_thread::yield();
    }
    environment.reset();
  }
  stop = true;
  library.join();
  EXPECT_EQ(Fake.WithWaker.size(), 0U);
}
