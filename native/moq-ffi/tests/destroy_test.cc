// T9: things are destroyed while data flows. When a close returns, nothing of it runs, comes or is
// touched any more. Under ThreadSanitizer too (npm run test:deep -- tsan).
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>

#include "harness.h"

using namespace moq_test;

namespace {

void SleepMs(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

int Rounds() {
  const char* rounds = std::getenv("MOQ_TEST_ROUNDS");
  return rounds != nullptr ? std::max(1, std::atoi(rounds)) : 40;
}

const char* const kClasses[] = {"reliable", "latest", "deadline", "datagram"};

// Publishes on one track of each class, all the time.
class Stream {
public:
  explicit Stream(const Relay& relay) : publisher_(relay) {
    for (const char* name : kClasses) {
      const std::string more = std::string(",\"delivery\":\"") + name + "\"";
      tracks_.push_back(publisher_.Publish(name, more));
    }
    thread_ = std::thread([this] { Run(); });
  }
  ~Stream() {
    stop_ = true;
    thread_.join();
  }

private:
  void Run() {
    for (int i = 0; !stop_; ++i) {
      for (const MoqHandle track : tracks_)
        Send(track, std::string(100 + i % 900, 'd'), i % 60 == 0);
      // No faster than a tool lets the relay follow.
      std::this_thread::sleep_for(std::chrono::microseconds(200) * Patience());
    }
  }

  Client publisher_;
  std::vector<MoqHandle> tracks_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Memory that the waker writes to, and that goes right after the close.
struct Target {
  std::atomic<int> wakes{0};
  std::atomic<uint64_t> alive{0x600d600d600d600d};
  ~Target() { alive = 0xdeaddeaddeaddead; }
  static void Wake(void* user_data) {
    auto* target = static_cast<Target*>(user_data);
    EXPECT_EQ(target->alive, 0x600d600d600d600du);
    ++target->wakes;
  }
};

MoqHandle Subscribe(MoqHandle client, const std::string& name) {
  const std::string options = TrackOptions(name, ",\"wait\":5000");
  MoqHandle subscription = 0;
  EXPECT_EQ(moq_subscription_open(client, options.data(), options.size(), &subscription), MOQ_OK)
      << moq_last_error();
  return subscription;
}

TEST(T9_Destroy, AClientWithItsTracksWhileOneThreadPollsAndAnotherPublishes) {
  Relay relay;
  const Stream stream(relay);
  const std::string options = ClientOptions(relay.quic_url(), relay.hash());
  for (int round = 0; round < Rounds(); ++round) {
    auto target = std::make_unique<Target>();
    MoqHandle client = 0;
    ASSERT_EQ(moq_client_open(options.data(), options.size(), &client), MOQ_OK);
    ASSERT_EQ(moq_set_waker(client, Target::Wake, target.get()), MOQ_OK);
    for (const char* name : kClasses)
      Subscribe(client, name);
    const std::string own = TrackOptions("own-" + std::to_string(round), "");
    MoqHandle publication = 0;
    ASSERT_EQ(moq_publication_open(client, own.data(), own.size(), &publication), MOQ_OK);

    std::thread poller([client] {
      std::vector<uint64_t> buffer(16 * 1024);
      MoqPollResult result = {};
      result.struct_size = sizeof(result);
      MoqResultCode code = MOQ_OK;
      while (code == MOQ_OK || code == MOQ_ERROR_BUFFER_TOO_SMALL) {
        code =
            moq_poll(client, reinterpret_cast<uint8_t*>(buffer.data()), buffer.size() * 8, &result);
        std::this_thread::yield();
      }
      EXPECT_EQ(code, MOQ_ERROR_CLOSED);
    });
    std::thread sender([publication] {
      MoqResultCode code = MOQ_OK;
      while (code == MOQ_OK || code == MOQ_ERROR_WOULD_BLOCK) {
        code = Send(publication, "mine");
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
      EXPECT_EQ(code, MOQ_ERROR_CLOSED);
    });
    SleepMs(round % 25);
    ASSERT_EQ(moq_client_close(client, 0), MOQ_OK) << moq_last_error();
    const int wakes = target->wakes;
    SleepMs(1);
    EXPECT_EQ(target->wakes, wakes) << "a call after the close returned";
    target.reset();
    poller.join();
    sender.join();
  }
}

TEST(T9_Destroy, ASubscriptionWhileItsObjectsArrive) {
  Relay relay;
  const Stream stream(relay);
  Client client(relay);
  size_t objects = 0;
  for (int round = 0; round < Rounds() * 2; ++round) {
    const MoqHandle subscription = Subscribe(client.handle(), kClasses[round % 4]);
    // Mostly in the middle of its beginning; now and then once objects have come, however slow all
    // is.
    if (round % 8 == 0)
      client.Wait(subscription, MOQ_RECORD_OBJECT);
    SleepMs(round % 10);
    client.Poll();
    ASSERT_EQ(moq_handle_close(subscription), MOQ_OK) << moq_last_error();
    objects += client.Of(subscription, MOQ_RECORD_OBJECT).size();
    client.records().clear();
    SleepMs(round % 3);
    client.Poll();
    for (const Record& record : client.records())
      ASSERT_NE(record.header.handle, subscription) << "a record after the close returned";
    ASSERT_EQ(moq_handle_close(subscription), MOQ_ERROR_CLOSED);
  }
  EXPECT_GT(objects, 0u) << "nothing was destroyed while data flowed";
}

TEST(T9_Destroy, APublicationWhileItIsPublishedTo) {
  Relay relay;
  Client client(relay);
  for (int round = 0; round < Rounds(); ++round) {
    const std::string options = TrackOptions("short-lived", "");
    MoqHandle publication = 0;
    ASSERT_EQ(moq_publication_open(client.handle(), options.data(), options.size(), &publication),
              MOQ_OK);
    std::thread sender([publication] {
      MoqResultCode code = MOQ_OK;
      while (code == MOQ_OK || code == MOQ_ERROR_WOULD_BLOCK)
        code = Send(publication, std::string(300, 'p'));
      EXPECT_EQ(code, MOQ_ERROR_CLOSED);
    });
    SleepMs(round % 5);
    ASSERT_EQ(moq_handle_close(publication), MOQ_OK);
    sender.join();
    client.records().clear();
    client.Poll();
    for (const Record& record : client.records())
      ASSERT_NE(record.header.handle, publication);
  }
}

TEST(T9_Destroy, ARelayWhileItsClientsSendAndReceive) {
  for (int round = 0; round < std::max(2, Rounds() / 8); ++round) {
    MoqHandle relay = 0;
    ASSERT_EQ(moq_relay_start("{}", 2, &relay), MOQ_OK) << moq_last_error();
    std::string info(4096, '\0');
    size_t needed = 0;
    ASSERT_EQ(moq_relay_info(relay, info.data(), info.size(), &needed), MOQ_OK);
    const size_t url = info.find("moqt://");
    const std::string options = "{\"url\":\"" + info.substr(url, info.find('"', url) - url) +
                                "\",\"insecure\":true,\"reconnect\":false}";
    Client publisher(options);
    Client subscriber(options);
    const MoqHandle publication = publisher.Publish("flow");
    subscriber.Subscribe("flow");
    std::thread sender([publication] {
      MoqResultCode code = MOQ_OK;
      while (code == MOQ_OK || code == MOQ_ERROR_WOULD_BLOCK) {
        code = Send(publication, std::string(500, 'r'));
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
    });
    SleepMs(round * 7 % 20);
    ASSERT_EQ(moq_relay_stop(relay, 0), MOQ_OK) << moq_last_error();
    EXPECT_NE(subscriber.Wait(subscriber.handle(), MOQ_RECORD_END), nullptr);
    EXPECT_NE(publisher.Wait(publisher.handle(), MOQ_RECORD_END), nullptr);
    sender.join();
  }
}

struct Lines {
  std::atomic<int> count{0};
  static void Call(void* user_data, uint32_t, const char*, size_t) {
    ++static_cast<Lines*>(user_data)->count;
  }
};

TEST(T9_Destroy, TheLogFunctionWhileLinesCome) {
  Relay relay;
  const Stream stream(relay);
  int heard = 0;
  for (int round = 0; round < Rounds(); ++round) {
    auto lines = std::make_unique<Lines>();
    ASSERT_EQ(moq_set_log(Lines::Call, lines.get(), 5), MOQ_OK);
    {
      // Opening and closing is what is logged.
      Client client(ClientOptions(relay.quic_url(), relay.hash()));
      Subscribe(client.handle(), "reliable");
      SleepMs(round % 8);
    }
    ASSERT_EQ(moq_set_log(nullptr, nullptr, 0), MOQ_OK);
    const int count = lines->count;
    heard += count;
    SleepMs(1);
    EXPECT_EQ(lines->count, count) << "a line after the function was taken back";
  }
  EXPECT_GT(heard, 0);
}

TEST(T9_Destroy, EverythingAtOnceByAShutdown) {
  for (int round = 0; round < std::max(2, Rounds() / 8); ++round) {
    MoqHandle relay = 0;
    ASSERT_EQ(moq_relay_start("{}", 2, &relay), MOQ_OK) << moq_last_error();
    std::string info(4096, '\0');
    size_t needed = 0;
    ASSERT_EQ(moq_relay_info(relay, info.data(), info.size(), &needed), MOQ_OK);
    const size_t url = info.find("moqt://");
    const std::string options =
        "{\"url\":\"" + info.substr(url, info.find('"', url) - url) + "\",\"insecure\":true}";
    Target target;
    MoqHandle clients[2] = {};
    for (MoqHandle& client : clients) {
      ASSERT_EQ(moq_client_open(options.data(), options.size(), &client), MOQ_OK);
      ASSERT_EQ(moq_set_waker(client, Target::Wake, &target), MOQ_OK);
    }
    const std::string track = TrackOptions("all", "");
    MoqHandle publication = 0;
    ASSERT_EQ(moq_publication_open(clients[0], track.data(), track.size(), &publication), MOQ_OK);
    Subscribe(clients[1], "all");
    std::thread sender([publication] {
      MoqResultCode code = MOQ_OK;
      while (code == MOQ_OK || code == MOQ_ERROR_WOULD_BLOCK) {
        code = Send(publication, std::string(200, 'a'));
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
      EXPECT_EQ(code, MOQ_ERROR_CLOSED);
    });
    SleepMs(10 + round * 7 % 20);
    ASSERT_EQ(moq_shutdown(), MOQ_OK) << moq_last_error();
    const int wakes = target.wakes;
    sender.join();
    SleepMs(2);
    EXPECT_EQ(target.wakes, wakes) << "a call after the shutdown returned";
    for (const MoqHandle client : clients)
      EXPECT_EQ(moq_client_close(client, 0), MOQ_OK) << moq_last_error();
  }
}

} // namespace
