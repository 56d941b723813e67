// T8: every function is called from inside every callback; nothing deadlocks, and what would wait
// for the calling thread is refused.
#include <atomic>
#include <thread>

#include "harness.h"

using namespace moq_test;

namespace {

struct Inside {
  MoqHandle client = 0;
  MoqHandle publication = 0;
  MoqHandle relay = 0;
  std::string options;
  std::atomic<int> runs{0};
  std::atomic<bool> ok{true};
  // Which callback this is.
  bool in_log = false;

  void Expect(MoqResultCode code, MoqResultCode wanted, int line) {
    if (code == wanted)
      return;
    ok = false;
    ADD_FAILURE() << "line " << line << ": " << code << " instead of " << wanted << ": "
                  << moq_last_error();
  }

  void Run() {
#define EXPECT_CODE(call, wanted) Expect(call, wanted, __LINE__)
    std::vector<uint64_t> buffer(64 * 1024);
    std::vector<char> text(1 << 16);
    size_t needed = 0;
    MoqPollResult polled = {};
    polled.struct_size = sizeof(polled);
    EXPECT_CODE(
        moq_poll(client, reinterpret_cast<uint8_t*>(buffer.data()), buffer.size() * 8, &polled),
        MOQ_OK);
    if (moq_abi_version() != MOQ_ABI_VERSION || moq_version()[0] == '\0' || moq_now_us() == 0)
      ok = false;
    EXPECT_CODE(moq_client_stats(client, text.data(), text.size(), &needed), MOQ_OK);
    EXPECT_CODE(moq_publish(publication, 0, reinterpret_cast<const uint8_t*>("x"), 1), MOQ_OK);
    MoqUpdate update = {publication, reinterpret_cast<const uint8_t*>("y"), 1, MOQ_PUBLISH_KEYFRAME,
                        -1};
    EXPECT_CODE(moq_publish_batch(&update, 1), MOQ_OK);
    std::vector<uint8_t> packed(16, 0);
    std::memcpy(packed.data(), &publication, 8);
    int32_t result = -1;
    EXPECT_CODE(moq_publish_packed(packed.data(), packed.size(), &result, 1, &needed), MOQ_OK);

    const std::string track = TrackOptions("inside", "");
    const std::string fetch = TrackOptions("inside", ",\"fromGroup\":0,\"toGroup\":1");
    const std::string discover = "{\"prefix\":\"test\"}";
    MoqHandle handle = 0;
    EXPECT_CODE(moq_subscription_open(client, track.data(), track.size(), &handle), MOQ_OK);
    EXPECT_CODE(moq_subscription_update(handle, "{\"priority\":3}", 14), MOQ_OK);
    EXPECT_CODE(moq_handle_hold(handle, 1), MOQ_OK);
    EXPECT_CODE(moq_handle_hold(handle, 0), MOQ_OK);
    EXPECT_CODE(moq_handle_close(handle), MOQ_OK);
    EXPECT_CODE(moq_fetch_open(client, fetch.data(), fetch.size(), &handle), MOQ_OK);
    EXPECT_CODE(moq_handle_close(handle), MOQ_OK);
    EXPECT_CODE(moq_discovery_open(client, discover.data(), discover.size(), &handle), MOQ_OK);
    EXPECT_CODE(moq_handle_close(handle), MOQ_OK);
    EXPECT_CODE(moq_status_open(client, track.data(), track.size(), &handle), MOQ_OK);
    EXPECT_CODE(moq_handle_close(handle), MOQ_OK);
    const std::string other = TrackOptions("inside-" + std::to_string(runs), "");
    EXPECT_CODE(moq_publication_open(client, other.data(), other.size(), &handle), MOQ_OK);
    EXPECT_CODE(moq_publication_end(handle, 0), MOQ_OK);
    EXPECT_CODE(moq_handle_close(handle), MOQ_OK);

    MoqHandle second = 0;
    EXPECT_CODE(moq_client_open(options.data(), options.size(), &second), MOQ_OK);
    EXPECT_CODE(moq_client_close(second, 0), MOQ_OK);
    EXPECT_CODE(moq_relay_info(relay, text.data(), text.size(), &needed), MOQ_OK);
    // On the relay's own thread, which logs too, it has no answer.
    const MoqResultCode stats = moq_relay_stats(relay, text.data(), text.size(), &needed);
    EXPECT_CODE(in_log && stats == MOQ_ERROR_BUSY ? MOQ_OK : stats, MOQ_OK);
    EXPECT_CODE(moq_set_log(nullptr, nullptr, 0), MOQ_OK);
    EXPECT_CODE(moq_set_waker(client, in_log ? nullptr : Call, this), MOQ_OK);
    // These would wait for the thread that they run on.
    EXPECT_CODE(moq_shutdown(), MOQ_ERROR_BUSY);
    EXPECT_CODE(moq_relay_stop(relay, 0), MOQ_ERROR_BUSY);
    EXPECT_CODE(moq_relay_start("{}", 2, &second), MOQ_ERROR_BUSY);
#undef EXPECT_CODE
    ++runs;
  }

  static void Call(void* user_data) {
    static_cast<Inside*>(user_data)->Run();
  }
  static void Line(void* user_data, uint32_t, const char*, size_t) {
    static_cast<Inside*>(user_data)->Run();
  }
};

TEST(T8_Reentry, EveryFunctionWorksInsideTheWaker) {
  Relay relay;
  Client other(relay);
  const MoqHandle feed = other.Publish("feed");
  Client client(relay);
  client.Subscribe("feed");
  Inside inside;
  inside.client = client.handle();
  inside.publication = client.Publish("inside");
  inside.relay = relay.handle();
  inside.options = ClientOptions(relay.quic_url(), relay.hash());
  client.Poll();
  ASSERT_EQ(moq_set_waker(client.handle(), Inside::Call, &inside), MOQ_OK);
  for (int i = 0; i < 2000 && inside.runs < 20; ++i) {
    Send(feed, "go");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_GE(inside.runs, 20);
  EXPECT_TRUE(inside.ok);
  ASSERT_EQ(moq_set_waker(client.handle(), nullptr, nullptr), MOQ_OK);
}

struct ClosesItself {
  MoqHandle client = 0;
  std::atomic<int> calls{0};
  std::atomic<int> code{-1};
  static void Call(void* user_data) {
    auto* self = static_cast<ClosesItself*>(user_data);
    ++self->calls;
    self->code = moq_client_close(self->client, 0);
  }
};

TEST(T8_Reentry, EveryFunctionWorksInsideTheLogFunction) {
  Relay relay;
  Client client(relay);
  Inside inside;
  inside.client = client.handle();
  inside.publication = client.Publish("inside");
  inside.relay = relay.handle();
  inside.options = ClientOptions(relay.quic_url(), relay.hash());
  inside.in_log = true;
  // What happens to connections is what is logged, on several threads; each line takes the log
  // back.
  for (int i = 0; i < 2000 && inside.runs < 20; ++i) {
    ASSERT_EQ(moq_set_log(Inside::Line, &inside, 5), MOQ_OK);
    Client other(inside.options);
    other.Wait(other.handle(), MOQ_RECORD_STATE);
  }
  ASSERT_EQ(moq_set_log(nullptr, nullptr, 0), MOQ_OK);
  EXPECT_GE(inside.runs, 20);
  EXPECT_TRUE(inside.ok);
}

TEST(T8_Reentry, AClientMayBeClosedInsideItsOwnWaker) {
  Relay relay;
  const std::string options = ClientOptions(relay.quic_url(), relay.hash());
  ClosesItself self;
  ASSERT_EQ(moq_client_open(options.data(), options.size(), &self.client), MOQ_OK);
  ASSERT_EQ(moq_set_waker(self.client, ClosesItself::Call, &self), MOQ_OK);
  for (int i = 0; i < 10000 && self.calls == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(self.calls, 1) << "no call follows the close";
  EXPECT_EQ(self.code, MOQ_OK);
  EXPECT_EQ(moq_client_close(self.client, 0), MOQ_ERROR_CLOSED);
}

struct Lines {
  std::atomic<int> count{0};
  static void Call(void* user_data, uint32_t level, const char* message, size_t length) {
    auto* lines = static_cast<Lines*>(user_data);
    EXPECT_GE(level, 1u);
    EXPECT_LE(level, 5u);
    EXPECT_EQ(message[length], '\0');
    // The log may be changed, and other functions called, inside.
    EXPECT_GT(moq_now_us(), 0u);
    ++lines->count;
  }
};

TEST(T8_Reentry, TheLogHookHearsAndCanBeTakenBack) {
  Lines lines;
  ASSERT_EQ(moq_set_log(Lines::Call, &lines, 5), MOQ_OK);
  {
    Relay relay;
    Client client(relay);
  }
  ASSERT_EQ(moq_set_log(nullptr, nullptr, 0), MOQ_OK);
  const int heard = lines.count;
  EXPECT_GT(heard, 0);
  {
    Relay relay;
    Client client(relay);
  }
  EXPECT_EQ(lines.count, heard);
}

} // namespace
