// A game loop: poses are published and followed at 60 Hz, everything that arrived is drained once
// per tick within a budget, and nothing blocks the loop.
// Build: c++ -std=c++17 game_loop.cc -I../include -lmoq_ffi
// Run:   game_loop [seconds] [url certificate-sha256]     (without a URL: a relay of its own)
#include <moq_ffi.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

struct Pose {
  std::uint32_t tick;
  float x, y, yaw;
};

struct World {
  Pose newest = {};
  std::uint64_t updates = 0;
  std::uint64_t lost = 0;
  bool over = false;

  // Called for what arrived; the bytes hold during the call.
  void apply(const moq::Object& object) {
    if (object.payload.size() != sizeof(Pose))
      return;
    std::memcpy(&newest, object.payload.data(), sizeof(Pose));
    ++updates;
  }
};

int failed(const char* what, const moq::Error& error) {
  std::fprintf(stderr, "%s: %s\n", what, error.message.c_str());
  return 1;
}

int play(const moq::ClientOptions& options, int seconds) {
  auto client = moq::Client::open(options);
  if (!client)
    return failed("open", client.error());
  auto poses = client->publish({{"match", "1"}, "poses", moq::Delivery::Latest});
  if (!poses)
    return failed("publish", poses.error());
  moq::SubscribeOptions follow;
  follow.track_namespace = {"match", "1"};
  follow.name = "poses";
  follow.wait = 5000;
  auto subscription = client->subscribe(follow);
  if (!subscription)
    return failed("subscribe", subscription.error());

  World world;
  const auto visitor = moq::overloaded{
      [&](const moq::Object& object) { world.apply(object); },
      [&](const moq::Gap& gap) { world.lost += gap.objects().value_or(0); },
      [&](const moq::End& end) {
        std::fprintf(stderr, "ended: %s\n", std::string(end.json()).c_str());
        world.over = true;
      },
  };
  // At most a quarter of a 60 Hz frame; what is left comes with the next tick.
  moq::Budget budget;
  budget.time = std::chrono::milliseconds(4);
  auto next = std::chrono::steady_clock::now();
  const int ticks = 60 * seconds;
  for (int tick = 1; tick <= ticks && !world.over; ++tick) {
    client->drain(visitor, budget);
    const float t = static_cast<float>(tick) / 60.0F;
    const Pose pose = {static_cast<std::uint32_t>(tick), t, 2.0F * t, 0.5F * t};
    poses->send(moq::Bytes(&pose, sizeof(pose)));
    next += std::chrono::microseconds(16667);
    std::this_thread::sleep_until(next);
  }
  client->drain(visitor);
  std::printf("%llu updates, newest of tick %u of %d, %llu lost\n",
              static_cast<unsigned long long>(world.updates), world.newest.tick, ticks,
              static_cast<unsigned long long>(world.lost));
  return world.updates > 0 && !world.over ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 3;
  moq::ClientOptions options;
  moq::Relay relay;
  if (argc > 3) {
    options.url = argv[2];
    options.certificate_hashes = {argv[3]};
  } else {
    auto started = moq::Relay::start();
    if (!started)
      return failed("relay", started.error());
    relay = started.take();
    const std::string info = *relay.info();
    const std::string key = "\"memoryUrl\":\"";
    const std::size_t from = info.find(key) + key.size();
    options.url = info.substr(from, info.find('"', from) - from);
  }
  const int code = play(options, seconds);
  relay.stop();
  return moq::shutdown() ? 1 : code;
}
