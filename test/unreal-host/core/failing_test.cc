// Every function of the library fails, one after the other and one call after the other: the code
// reaches the caller, nothing is left behind, and the next call works.
#include "ScriptBridge.h"
#include "fake_library.h"

#include <MoqCore/Host.h>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

using moq::unreal::Host;
using moq::unreal::Library;
using moq::unreal::RecordSink;
using moq::unreal::RequestKind;
using moq::unreal::ScriptBridge;
using moq::unreal::ScriptBytes;
using moq::unreal::Session;
using moq_test::FakeLibrary;

namespace {

struct Nobody : RecordSink {
  void OnRecord(const moq::Record&) override { ++Records; }
  int Records = 0;
};

// One call of the core for each function of the library that can fail.
struct Call {
  const char* Function;
  std::function<MoqResultCode(Session&)> Make;
};

std::vector<Call> Calls() {
  const auto request = [](RequestKind kind) {
    return [kind](Session& session) {
      MoqHandle handle = 99;
      const MoqResultCode code = session.Request(kind, "{}", handle);
      EXPECT_EQ(handle == 0, code != MOQ_OK);
      return code;
    };
  };
  return {
      {"moq_publication_open", request(RequestKind::Publish)},
      {"moq_subscription_open", request(RequestKind::Subscribe)},
      {"moq_fetch_open", request(RequestKind::Fetch)},
      {"moq_discovery_open", request(RequestKind::Discover)},
      {"moq_status_open", request(RequestKind::Status)},
      {"moq_publish", [](Session& session) { return session.Publish(1, 0, "x", 1); }},
      {"moq_publish_flush", [](Session& session) { return session.Flush(); }},
      {"moq_publication_end", [](Session& session) { return session.EndPublication(1, 5); }},
      {"moq_handle_close", [](Session& session) { return session.CloseHandle(1); }},
      {"moq_subscription_update",
       [](Session& session) { return session.UpdateSubscription(1, "{}"); }},
      {"moq_handle_hold", [](Session& session) { return session.Hold(1, true); }},
      {"moq_client_supply_token", [](Session& session) { return session.SupplyToken(1, "t", 1); }},
      {"moq_client_refuse_token", [](Session& session) { return session.RefuseToken(1, "none"); }},
      {"moq_client_close", [](Session& session) { return session.BeginClose(1); }},
  };
}

} // namespace

TEST(Failing, TheCodeReachesTheCallerAndTheNextCallWorks) {
  for (const Call& call : Calls()) {
    FakeLibrary fake;
    Library native;
    ASSERT_TRUE(native.Load(fake.Loader(), "x"));
    Host host(native);
    moq::Error error;
    const MoqHandle client = host.Open("{}", error);
    const auto session = host.Find(client);
    ASSERT_NE(session, nullptr);
    for (const MoqResultCode code : {MOQ_ERROR_INVALID_ARGUMENT, MOQ_ERROR_INTERNAL,
                                     MOQ_ERROR_CLOSED, MOQ_ERROR_WOULD_BLOCK, MOQ_ERROR_BUSY}) {
      fake.Failing[call.Function] = code;
      EXPECT_EQ(call.Make(*session), code) << call.Function;
      EXPECT_EQ(session->LastError(), "the fake said no");
      EXPECT_FALSE(session->IsClosed()) << call.Function;
      fake.Failing.clear();
    }
    EXPECT_EQ(call.Make(*session), MOQ_OK) << call.Function;
    // What came meanwhile is there.
    fake.Give(client, client, MOQ_RECORD_OBJECT, "still");
    Nobody sink;
    host.Tick(sink);
    EXPECT_GE(sink.Records, 1) << call.Function;
  }
}

TEST(Failing, EveryFunctionThatIsMissingIsNamed) {
#define NAME(function) #function,
  const std::vector<std::string> names = {MOQ_FFI_FUNCTIONS(NAME)};
#undef NAME
  for (const std::string& name : names) {
    FakeLibrary fake;
    fake.MissingFunction = name;
    Library library;
    EXPECT_FALSE(library.Load(fake.Loader(), "x"));
    EXPECT_NE(library.Problem().find("has no function " + name), std::string::npos)
        << library.Problem();
    EXPECT_EQ(fake.Unloads, 1);
  }
}

// A script's whole life, of which one call after the other fails.
TEST(Failing, OneCallOfAScriptsLife) {
  std::vector<std::uint64_t> memory(64);
  const ScriptBytes bytes = {reinterpret_cast<std::uint8_t*>(memory.data()), 512, true};
  int calls = 1;
  for (int failing = 0; failing <= calls; ++failing) {
    FakeLibrary fake;
    ASSERT_TRUE(Library::Get().Load(fake.Loader(), "x"));
    {
      ScriptBridge script;
      fake.FailingCall = failing;
      int failures = 0;
      const auto told = [&](double result) {
        failures += result < 0 ? 1 : 0;
        EXPECT_TRUE(result >= 0 || script.LastError() != "") << failing;
        return result;
      };
      const double client = told(script.Open(0, "client", "{}"));
      if (client > 0) {
        told(script.AnswerToken(client, 1, bytes, ""));
        told(script.AnswerToken(client, 1, {}, "none"));
        const double track = told(script.Open(client, "publish", "{}"));
        for (const char* const kind : {"subscribe", "fetch", "discover", "status"})
          told(script.Open(client, kind, "{}"));
        const auto handle = static_cast<MoqHandle>(client);
        fake.Give(handle, handle, MOQ_RECORD_OBJECT, "data");
        told(script.PollInto(client, bytes, 0));
        failures += script.Stats(client).empty() ? 1 : 0;
        told(script.Hold(client, true));
        told(script.Update(client, "{}"));
        if (track > 0) {
          told(script.Publish(track, 0, bytes));
          told(script.Flush(client));
          told(script.Close(track, 10));
          told(script.Close(track, ScriptBridge::kAtOnce));
        }
        told(script.Close(client, 10));
        told(script.Close(client, ScriptBridge::kAtOnce));
      }
      if (failing == 0)
        calls = fake.Calls;
      EXPECT_EQ(failures, failing == 0 ? 0 : 1) << failing;
    }
    EXPECT_EQ(fake.WithWaker.size(), 0U) << failing;
    EXPECT_TRUE(Library::Get().Shutdown());
    EXPECT_EQ(fake.Unloads, 1);
  }
  EXPECT_GT(calls, 15);
}
