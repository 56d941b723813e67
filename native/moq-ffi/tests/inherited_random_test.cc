// Random calls of the inherited functions from several threads on shared pointers: no call crashes,
// hangs or gives a code that is not on the list, and no callback comes after its end.
// A failing run is repeated with MOQ_SEED=<seed>, at least its choices.
#include <cstdlib>
#include <random>

#include "inherited_harness.h"

using namespace moq_test;

namespace {

constexpr int kThreads = 4;
constexpr int kCallsPerThread = 600;

// Pointers of one kind that the threads share, destroyed ones included.
template <class Kind>
class Pointers {
public:
  void Add(Kind* pointer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (pointers_.size() < 12)
      pointers_.push_back(pointer);
    else
      pointers_[next_++ % pointers_.size()] = pointer;
    all_.push_back(pointer);
  }
  Kind* Any(std::mt19937& random) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return pointers_.empty() || random() % 20 == 0 ? nullptr
                                                   : pointers_[random() % pointers_.size()];
  }
  std::vector<Kind*> All() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return all_;
  }

private:
  std::mutex mutex_;
  std::vector<Kind*> pointers_;
  std::vector<Kind*> all_;
  size_t next_ = 0;
};

struct Shared {
  Relay relay;
  Pointers<MoqClient> clients;
  Pointers<MoqPublisher> publishers;
  Pointers<MoqSubscriber> subscribers;
  std::atomic<uint64_t> accepted{0}, strange{0}, callbacks{0}, late{0};
  std::atomic<bool> over{false};

  void Called() {
    ++callbacks;
    if (over)
      ++late;
  }
  void Count(MoqResultCode code) {
    if (code == MOQ_OK)
      ++accepted;
    else if (code < MOQ_OK || code > MOQ_ERROR_UNAVAILABLE || code == MOQ_ERROR_INTERNAL)
      ++strange;
  }
};

void State(void* shared, MoqConnectionState) {
  static_cast<Shared*>(shared)->Called();
}
void Data(void* shared, const uint8_t*, size_t) {
  static_cast<Shared*>(shared)->Called();
}
void Track(void* shared, const char*, const char*) {
  static_cast<Shared*>(shared)->Called();
}
void Catalog(void* shared, const MoqTrackInfo*, size_t) {
  static_cast<Shared*>(shared)->Called();
}

void Create(Shared& shared) {
  MoqClient* client = moq_client_create();
  const std::string options =
      "{\"serverCertificateHashes\":[\"" + shared.relay.hash() + "\"],\"connectTimeout\":5000}";
  shared.Count(Configure(client, options));
  shared.clients.Add(client);
}

void OnClient(Shared& shared, std::mt19937& random) {
  MoqClient* client = shared.clients.Any(random);
  const std::string track = "t" + std::to_string(random() % 4);
  const auto mode = random() % 2 == 0 ? MOQ_DELIVERY_STREAM : MOQ_DELIVERY_DATAGRAM;
  switch (random() % 12) {
  case 0:
    // Seldom, so that clients live long enough to do something.
    if (random() % 10 == 0)
      moq_client_destroy(client);
    return Create(shared);
  case 1:
    return random() % 5 == 0 ? shared.Count(Code(moq_disconnect(client))) : void();
  case 2:
  case 3:
    return shared.Count(Code(moq_connect(client, shared.relay.quic_url().c_str(), State, &shared)));
  case 4:
    return shared.Count(Code(moq_announce_namespace(client, track.c_str())));
  case 5:
    return shared.Count(
        Code(moq_subscribe_announces(client, random() % 2 == 0 ? Track : nullptr, &shared)));
  case 6:
  case 7:
    if (MoqPublisher* made = moq_create_publisher_ex(client, "random", track.c_str(), mode))
      shared.publishers.Add(made);
    return;
  case 8:
    if (MoqSubscriber* made =
            moq_subscribe_catalog(client, "random", track.c_str(), Catalog, &shared))
      shared.subscribers.Add(made);
    return;
  case 9:
    moq_is_connected(client);
    return;
  default:
    if (MoqSubscriber* made = moq_subscribe(client, "random", track.c_str(), Data, &shared))
      shared.subscribers.Add(made);
    return;
  }
}

void OnOther(Shared& shared, std::mt19937& random) {
  switch (random() % 12) {
  case 0:
    return moq_publisher_destroy(shared.publishers.Any(random));
  case 1:
    return moq_subscriber_destroy(shared.subscribers.Any(random));
  case 2:
    return shared.Count(Code(moq_unsubscribe(shared.subscribers.Any(random))));
  case 3:
    moq_is_subscribed(shared.subscribers.Any(random));
    return;
  default:
    const uint8_t bytes[64] = {};
    const auto mode = random() % 2 == 0 ? MOQ_DELIVERY_STREAM : MOQ_DELIVERY_DATAGRAM;
    return shared.Count(Code(
        moq_publish_data(shared.publishers.Any(random), bytes, random() % sizeof(bytes), mode)));
  }
}

TEST(InheritedRandomCalls, FromManyThreadsOnSharedPointers) {
  const char* given = std::getenv("MOQ_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                         : std::random_device{}();
  std::printf("seed %u (repeat with MOQ_SEED=%u)\n", seed, seed);
  Shared shared;
  for (int i = 0; i < 6; ++i)
    Create(shared);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&shared, seed, i] {
      std::mt19937 random(seed + 1 + static_cast<unsigned>(i));
      for (int call = 0; call < kCallsPerThread; ++call) {
        if (random() % 3 == 0)
          OnClient(shared, random);
        else
          OnOther(shared, random);
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  for (MoqClient* client : shared.clients.All())
    moq_client_destroy(client);
  shared.over = true;
  for (MoqSubscriber* subscriber : shared.subscribers.All())
    moq_subscriber_destroy(subscriber);
  for (MoqPublisher* publisher : shared.publishers.All())
    moq_publisher_destroy(publisher);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(shared.strange, 0u);
  EXPECT_EQ(shared.late, 0u) << "callbacks after their client was destroyed";
  // It was no empty exercise.
  EXPECT_GT(shared.accepted, 100u);
  EXPECT_GT(shared.callbacks, 0u);
  std::printf("%llu calls accepted, %llu callbacks\n",
              static_cast<unsigned long long>(shared.accepted),
              static_cast<unsigned long long>(shared.callbacks));
}

} // namespace
