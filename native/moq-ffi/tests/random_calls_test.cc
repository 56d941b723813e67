// Random calls from several threads on shared handles: no call crashes, hangs or gives a code that
// is not on the list, every handle ends once and nothing follows its end.
// A failing run is repeated with MOQ_SEED=<seed>, at least its choices.
#include "harness.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

using namespace moq_test;

namespace {

constexpr int kThreads = 4;
constexpr int kCallsPerThread = 4000;
constexpr size_t kClients = 6;
constexpr size_t kChildren = 64;

// Handles of one kind that the threads share, ended and closed ones included; the oldest make room.
class Pool {
public:
  explicit Pool(size_t most) : most_(most) {}

  // Gives the handle whose place it took, or 0.
  MoqHandle Add(MoqHandle handle) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (handles_.size() < most_) {
      handles_.push_back(handle);
      return 0;
    }
    return std::exchange(handles_[next_++ % most_], handle);
  }
  MoqHandle Any(std::mt19937& random) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return handles_.empty() ? 0 : handles_[random() % handles_.size()];
  }
  std::vector<MoqHandle> All() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return handles_;
  }

private:
  const size_t most_;
  std::mutex mutex_;
  std::vector<MoqHandle> handles_;
  size_t next_ = 0;
};

// Checks the records of each client, which only one thread polls at a time.
class Watch {
public:
  void Poll(MoqHandle client) {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock)
      return;
    MoqPollResult polled = {};
    polled.struct_size = sizeof(polled);
    auto* bytes = reinterpret_cast<uint8_t*>(buffer_.data());
    if (moq_poll(client, bytes, buffer_.size() * 8, &polled) != MOQ_OK)
      return;
    size_t at = 0;
    for (size_t i = 0; i < polled.count; ++i) {
      MoqRecordHeader header;
      std::memcpy(&header, bytes + at, sizeof(header));
      if (header.length < MOQ_RECORD_HEADER_SIZE || at + header.length > polled.bytes)
        ++broken;
      if (ended_[header.handle])
        ++after_end;
      if (header.kind == MOQ_RECORD_END)
        ended_[header.handle] = true;
      at += header.length;
    }
    records += polled.count;
  }

  std::atomic<uint64_t> records{0}, broken{0}, after_end{0};

private:
  std::mutex mutex_;
  std::vector<uint64_t> buffer_ = std::vector<uint64_t>(64 * 1024);
  std::map<MoqHandle, bool> ended_;
};

struct Shared {
  Relay relay;
  Pool clients{kClients};
  Pool children{kChildren};
  Watch watch;
  std::atomic<uint64_t> accepted{0}, strange{0}, wakes{0};

  ~Shared() {
    // Their wakers point in here.
    for (const MoqHandle client : clients.All())
      moq_client_close(client, 0);
  }

  void Code(MoqResultCode code) {
    if (code == MOQ_OK)
      ++accepted;
    else if (code < MOQ_OK || code > MOQ_ERROR_RATE_LIMITED || code == MOQ_ERROR_INTERNAL)
      ++strange;
  }

  // A handle that fits in most cases, and in some one of another kind or none at all.
  MoqHandle Pick(std::mt19937& random, bool client) {
    const unsigned luck = random() % 20;
    if (luck == 0)
      return random() % 100;
    return (luck == 1) != client ? clients.Any(random) : children.Any(random);
  }
};

void OnWake(void* count) {
  ++*static_cast<std::atomic<uint64_t>*>(count);
}

std::string AnyTrack(std::mt19937& random, bool published) {
  static const char* const kClasses[] = {"reliable", "latest", "deadline", "datagram"};
  const std::string name = "t" + std::to_string(random() % 6);
  const std::string delivery = std::string(",\"delivery\":\"") + kClasses[random() % 4] + "\"";
  const std::string wait = published ? "" : ",\"wait\":" + std::to_string(random() % 100);
  return TrackOptions(name, delivery + wait);
}

// Opens a client in the place of another, which is closed.
void OpenClient(Shared& shared, std::mt19937& random) {
  const std::string url = random() % 2 != 0 ? shared.relay.memory_url() : shared.relay.quic_url();
  const std::string options = ClientOptions(url, shared.relay.hash());
  MoqHandle client = 0;
  const MoqResultCode code = moq_client_open(options.data(), options.size(), &client);
  shared.Code(code);
  if (code != MOQ_OK)
    return;
  const MoqHandle replaced = shared.clients.Add(client);
  if (replaced != 0)
    shared.Code(moq_client_close(replaced, random() % 2 * 5));
  if (replaced != 0)
    moq_client_close(replaced, 0);
}

using OpenRequest = MoqResultCode (*)(MoqHandle, const char*, size_t, MoqHandle*);

void OpenChild(Shared& shared, std::mt19937& random, OpenRequest request, const std::string& json) {
  MoqHandle handle = 0;
  const MoqResultCode code = request(shared.Pick(random, true), json.data(), json.size(), &handle);
  shared.Code(code);
  if (code == MOQ_OK)
    shared.children.Add(handle);
}

void CallOnChild(Shared& shared, std::mt19937& random) {
  const uint8_t bytes[64] = {};
  const MoqHandle handle = shared.Pick(random, false);
  switch (random() % 8) {
  case 0:
    return shared.Code(moq_handle_close(handle));
  case 1:
    return shared.Code(moq_publication_end(handle, random() % 3));
  case 2:
    return shared.Code(moq_handle_hold(handle, random() % 2));
  case 3:
    return shared.Code(moq_subscription_update(handle, "{\"priority\":9}", 14));
  case 4: {
    MoqUpdate updates[2] = {
        {handle, bytes, random() % 64, 0, 0},
        {shared.Pick(random, false), bytes, random() % 64, MOQ_PUBLISH_KEYFRAME, 0}};
    return shared.Code(moq_publish_batch(updates, 2));
  }
  default:
    return shared.Code(moq_publish(handle, random() % 2, bytes, random() % sizeof(bytes)));
  }
}

void CallOnClient(Shared& shared, std::mt19937& random) {
  char text[8192];
  size_t needed = 0;
  switch (random() % 10) {
  case 0:
    // Seldom, so that clients live long enough to open.
    return random() % 20 == 0 ? OpenClient(shared, random) : void();
  case 1:
  case 2:
    return OpenChild(shared, random, moq_publication_open, AnyTrack(random, true));
  case 3:
  case 4:
    return OpenChild(shared, random, moq_subscription_open, AnyTrack(random, false));
  case 5:
    return OpenChild(shared, random, moq_fetch_open,
                     TrackOptions("t1", ",\"fromGroup\":0,\"toGroup\":9007199254740991"));
  case 6:
    return OpenChild(shared, random, moq_discovery_open, "{\"prefix\":\"test\"}");
  case 7:
    return OpenChild(shared, random, moq_status_open, TrackOptions("t2", ""));
  case 8:
    return shared.Code(moq_client_stats(shared.Pick(random, true), text, sizeof(text), &needed));
  default: {
    const MoqWaker waker = random() % 2 != 0 ? &OnWake : nullptr;
    return shared.Code(moq_set_waker(shared.Pick(random, true), waker, &shared.wakes));
  }
  }
}

void CallOne(Shared& shared, std::mt19937& random) {
  switch (random() % 4) {
  case 0:
    return CallOnClient(shared, random);
  case 1:
    return shared.watch.Poll(shared.clients.Any(random));
  default:
    return CallOnChild(shared, random);
  }
}

TEST(RandomCalls, FromManyThreadsOnSharedHandles) {
  const char* given = std::getenv("MOQ_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                         : std::random_device{}();
  std::printf("seed %u (repeat with MOQ_SEED=%u)\n", seed, seed);
  Shared shared;
  std::mt19937 first(seed);
  for (size_t i = 0; i < kClients; ++i)
    OpenClient(shared, first);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&shared, seed, i] {
      std::mt19937 random(seed + 1 + static_cast<unsigned>(i));
      for (int call = 0; call < kCallsPerThread; ++call) {
        CallOne(shared, random);
        // Now and then the I/O threads get their turn, so that things are under way.
        if (call % 100 == 0)
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(shared.strange, 0u);
  EXPECT_EQ(shared.watch.broken, 0u);
  EXPECT_EQ(shared.watch.after_end, 0u);
  // It was no empty exercise.
  EXPECT_GT(shared.accepted, 1000u);
  EXPECT_GT(shared.watch.records, 100u);
  std::printf("%llu calls accepted, %llu records, %llu wakes\n",
              static_cast<unsigned long long>(shared.accepted),
              static_cast<unsigned long long>(shared.watch.records),
              static_cast<unsigned long long>(shared.wakes));
}

} // namespace
