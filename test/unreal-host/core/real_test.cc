// The core over the real library: sessions of several owners through a relay on loopback.
#include "support/system_loader.h"

#include <MoqCore/HandleTable.h>
#include <MoqCore/Host.h>
#include <moq_ffi/options.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

using moq::unreal::DrainBudget;
using moq::unreal::Host;
using moq::unreal::Library;
using moq::unreal::RecordSink;
using moq::unreal::RequestKind;
using moq::unreal::Session;

namespace {

std::string Field(const std::string& json, const std::string& name) {
  const std::string key = "\"" + name + "\":\"";
  const auto at = json.find(key);
  if (at == std::string::npos)
    return "";
  const auto from = at + key.size();
  return json.substr(from, json.find('"', from) - from);
}

int Threads() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind("Threads:", 0) == 0)
      return std::atoi(line.c_str() + 8);
  }
  return -1;
}

// A thread that was joined is still counted until the kernel has taken it out.
bool ThreadsAreAgain(int wanted) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Threads() != wanted && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return Threads() == wanted;
}

// Counts records by handle and kind, and keeps the payloads of objects.
class Recorder : public RecordSink {
public:
  void OnRecord(const moq::Record& record) override {
    ++Kinds[{record.handle(), record.header.kind}];
    if (record.header.kind == MOQ_RECORD_OBJECT)
      Objects[record.handle()].emplace_back(record.payload.text());
    if (Then)
      Then(record);
  }

  int Of(MoqHandle handle, MoqRecordKind kind) {
    const std::pair<MoqHandle, std::uint16_t> key(handle, static_cast<std::uint16_t>(kind));
    return Kinds[key];
  }

  std::map<std::pair<MoqHandle, std::uint16_t>, int> Kinds;
  std::map<MoqHandle, std::vector<std::string>> Objects;
  std::function<void(const moq::Record&)> Then;
};

class Real : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(Native.Load(moq_test::SystemLoader(), MOQ_FFI_PATH)) << Native.Problem();
    StartRelay();
  }
  void TearDown() override { EXPECT_TRUE(Native.Shutdown()); }

  void StartRelay() {
    const auto api = Native.Api();
    MoqHandle relay = 0;
    ASSERT_EQ(api->moq_relay_start("{}", 2, &relay), MOQ_OK) << api->moq_last_error();
    std::string info(4096, '\0');
    std::size_t needed = 0;
    ASSERT_EQ(api->moq_relay_info(relay, info.data(), info.size(), &needed), MOQ_OK);
    info.resize(needed);
    moq::ClientOptions options;
    options.url = Field(info, "quicUrl");
    options.certificate_hashes = {Field(info, "certificateHash")};
    Options = options.json();
  }

  static bool Until(Host& host, RecordSink& sink, const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end)
        return false;
      if (host.Tick(sink).Records == 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  static MoqHandle Publish(Session& session, const std::string& name) {
    moq::PublishOptions options;
    options.track_namespace = "game";
    options.name = name;
    MoqHandle handle = 0;
    EXPECT_EQ(session.Request(RequestKind::Publish, options.json(), handle), MOQ_OK)
        << session.LastError();
    return handle;
  }

  static MoqHandle Subscribe(Session& session, const std::string& name) {
    moq::SubscribeOptions options;
    options.track_namespace = "game";
    options.name = name;
    options.wait = 10'000;
    MoqHandle handle = 0;
    EXPECT_EQ(session.Request(RequestKind::Subscribe, options.json(), handle), MOQ_OK)
        << session.LastError();
    return handle;
  }

  Library Native;
  std::string Options;
};

} // namespace

TEST_F(Real, TwoGameInstancesTalkThroughTheRelay) {
  Host server(Native);
  Host player(Native);
  moq::Error error;
  const MoqHandle one = server.Open(Options, error);
  const MoqHandle other = player.Open(Options, error);
  ASSERT_NE(one, 0U) << error.message;
  ASSERT_NE(other, 0U) << error.message;
  Recorder at_server;
  Recorder at_player;
  const MoqHandle track = Publish(*server.Find(one), "world");
  const MoqHandle reader = Subscribe(*player.Find(other), "world");
  ASSERT_TRUE(Until(player, at_player, [&] { return at_player.Of(reader, MOQ_RECORD_READY) > 0; }));
  for (int i = 0; i < 60; ++i) {
    const std::string text = "update " + std::to_string(i);
    const std::uint32_t flags = i % 20 == 0 ? MOQ_PUBLISH_KEYFRAME : 0;
    EXPECT_EQ(server.Find(one)->Publish(track, flags, text.data(), text.size()), MOQ_OK);
  }
  ASSERT_TRUE(Until(player, at_player, [&] { return at_player.Objects[reader].size() >= 60; }));
  for (int i = 0; i < 60; ++i)
    EXPECT_EQ(at_player.Objects[reader][static_cast<std::size_t>(i)],
              "update " + std::to_string(i));
  ASSERT_TRUE(
      Until(server, at_server, [&] { return at_server.Of(track, MOQ_RECORD_SUBSCRIBERS) > 0; }));
  EXPECT_NE(server.Find(one)->Stats().find("\"rtt\""), std::string::npos);

  // One instance stops; the other hears of the track's end and lives on.
  server.CloseAll();
  ASSERT_TRUE(Until(player, at_player, [&] { return at_player.Of(reader, MOQ_RECORD_END) > 0; }));
  EXPECT_EQ(at_player.Of(reader, MOQ_RECORD_END), 1);
  EXPECT_NE(player.Find(other), nullptr);
}

TEST_F(Real, AnUnknownOptionIsRefusedByName) {
  Host host(Native);
  moq::Error error;
  EXPECT_EQ(host.Open(R"({"url":"moqt://127.0.0.1:1","speed":3})", error), 0U);
  EXPECT_EQ(error.code, MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(error.message.find("speed"), std::string::npos) << error.message;
}

TEST_F(Real, ASessionThatCannotConnectEndsOnce) {
  Host host(Native);
  moq::Error error;
  const MoqHandle client = host.Open(R"({"url":"moqt://127.0.0.1:1","connectTimeout":300})", error);
  ASSERT_NE(client, 0U);
  Recorder sink;
  ASSERT_TRUE(Until(host, sink, [&] { return sink.Of(client, MOQ_RECORD_END) > 0; }));
  EXPECT_EQ(sink.Of(client, MOQ_RECORD_END), 1);
  EXPECT_EQ(host.Find(client), nullptr);
}

// The game stands still for two seconds while data flows: nothing is lost, and no tick after it
// takes more than its budget allows at once.
TEST_F(Real, AHitchOfTwoSeconds) {
  Host host(Native);
  moq::Error error;
  const MoqHandle client = host.Open(Options, error);
  Recorder sink;
  const auto session = host.Find(client);
  const MoqHandle track = Publish(*session, "hitch");
  const MoqHandle reader = Subscribe(*session, "hitch");
  ASSERT_TRUE(Until(host, sink, [&] { return sink.Of(reader, MOQ_RECORD_READY) > 0; }));
  std::uint32_t sent = 0;
  std::thread publisher([&] {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (std::chrono::steady_clock::now() < end) {
      const std::string text = std::to_string(sent);
      if (session->Publish(track, sent % 100 == 0 ? MOQ_PUBLISH_KEYFRAME : 0, text.data(),
                           text.size()) == MOQ_OK)
        ++sent;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  // Stands still.
  publisher.join();
  DrainBudget budget;
  budget.Records = 500;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (sink.Objects[reader].size() < sent && std::chrono::steady_clock::now() < end) {
    EXPECT_LE(host.Tick(sink, budget).Records, 500U);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_EQ(sink.Objects[reader].size(), sent);
  for (std::uint32_t i = 0; i < sent; ++i)
    ASSERT_EQ(sink.Objects[reader][i], std::to_string(i));
}

TEST_F(Real, AScriptEnvironmentThatDiesWhileDataFlows) {
  Host server(Native);
  moq::Error error;
  Recorder at_server;
  const auto publisher = server.Find(server.Open(Options, error));
  ASSERT_NE(publisher, nullptr) << error.message;
  const MoqHandle track = Publish(*publisher, "flow");
  std::atomic<bool> stop{false};
  std::thread flood([&] {
    for (std::uint32_t i = 0; !stop; ++i) {
      publisher->Publish(track, i % 50 == 0 ? MOQ_PUBLISH_KEYFRAME : 0, &i, sizeof(i));
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  for (int round = 0; round < 10; ++round) {
    Recorder sink;
    auto environment = std::make_unique<Host>(Native);
    const MoqHandle client = environment->Open(Options, error);
    const MoqHandle reader = Subscribe(*environment->Find(client), "flow");
    EXPECT_TRUE(Until(*environment, sink, [&] { return sink.Objects[reader].size() > 50; }));
    environment.reset();
    server.Tick(at_server);
  }
  stop = true;
  flood.join();
}

TEST_F(Real, FiftyRestarts) {
  ASSERT_TRUE(Native.Shutdown());
  const int threads = Threads();
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(Native.Load(moq_test::SystemLoader(), MOQ_FFI_PATH)) << Native.Problem();
    StartRelay();
    Host host(Native);
    moq::Error error;
    const MoqHandle client = host.Open(Options, error);
    ASSERT_NE(client, 0U) << error.message;
    Recorder sink;
    const MoqHandle track = Publish(*host.Find(client), "again");
    const MoqHandle reader = Subscribe(*host.Find(client), "again");
    ASSERT_EQ(host.Find(client)->Publish(track, MOQ_PUBLISH_KEYFRAME, "hi", 2), MOQ_OK);
    ASSERT_TRUE(Until(host, sink, [&] { return !sink.Objects[reader].empty(); }));
    ASSERT_TRUE(Native.Shutdown());
    ASSERT_TRUE(ThreadsAreAgain(threads)) << Threads() << " threads after round " << round;
  }
}
