#include "poses.h"

#include <algorithm>
#include <memory>
#include <thread>

#include "child.h"
#include "harness.h"
#include "silent_peer.h"

namespace moq_test {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPoseBytes = 17000;
constexpr size_t kUpdateBytes = 100;
constexpr auto kTick = std::chrono::microseconds(1000000 / 60);

struct Track {
  PoseTrack result;
  MoqHandle publication = 0;
  MoqHandle subscription = 0;
  std::vector<double> ages;
  uint64_t last = 0; // number of the newest object seen
};

// The connections of one delivery class.
struct Pair {
  std::unique_ptr<Client> publisher;
  std::unique_ptr<Client> subscriber;
  std::vector<Track> tracks;
};

Pair Connect(const std::string& url, const std::string& hash, const std::string& delivery) {
  Pair pair;
  pair.publisher = std::make_unique<Client>(ClientOptions(url, hash));
  pair.subscriber = std::make_unique<Client>(ClientOptions(url, hash));
  for (const size_t bytes : {kPoseBytes, kUpdateBytes}) {
    // A pose does not fit into a datagram.
    if (delivery == "datagram" && bytes == kPoseBytes)
      continue;
    Track track;
    track.result.delivery = delivery;
    track.result.bytes = bytes;
    const std::string name = delivery + "-" + std::to_string(bytes);
    // The small ones go first, as a game would say.
    const std::string priority = bytes == kUpdateBytes ? ",\"priority\":10" : ",\"priority\":128";
    track.publication =
        pair.publisher->Publish(name, ",\"delivery\":\"" + delivery + "\"" + priority);
    track.subscription = pair.subscriber->Subscribe(name, priority);
    pair.tracks.push_back(std::move(track));
  }
  return pair;
}

// Number and time go with each object.
void Publish(Track& track) {
  std::string payload(track.result.bytes, 'p');
  const uint64_t number = track.result.published + 1;
  const uint64_t now = moq_now_us();
  std::memcpy(payload.data(), &number, 8);
  std::memcpy(payload.data() + 8, &now, 8);
  // A second of deltas, then the next keyframe.
  const bool keyframe = number % 60 == 1;
  const MoqResultCode code = Send(track.publication, payload, keyframe);
  if (code == MOQ_OK)
    track.result.published = number;
  else
    ++track.result.refused;
}

void Read(Pair& pair) {
  pair.subscriber->Poll();
  const uint64_t now = moq_now_us();
  for (const Record& record : pair.subscriber->records()) {
    for (Track& track : pair.tracks) {
      if (record.header.handle != track.subscription)
        continue;
      PoseTrack& result = track.result;
      result.ended = result.ended || record.header.kind == MOQ_RECORD_END;
      if (record.header.kind == MOQ_RECORD_GAP)
        ++result.gaps;
      if (record.header.kind != MOQ_RECORD_OBJECT)
        continue;
      uint64_t number = 0;
      uint64_t sent = 0;
      std::memcpy(&number, record.payload.data(), 8);
      std::memcpy(&sent, record.payload.data() + 8, 8);
      ++result.delivered;
      result.in_order = result.in_order && number > track.last;
      track.last = number;
      track.ages.push_back(static_cast<double>(now - sent) / 1000.0);
    }
  }
  pair.subscriber->records().clear();
  pair.publisher->Poll();
  pair.publisher->records().clear();
}

double Share(const std::vector<double>& sorted, double share) {
  if (sorted.empty())
    return 0;
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[at];
}

} // namespace

std::vector<PoseTrack> MeasurePoses(const PoseNetwork& network, int seconds) {
  const Relay relay;
  const BadNetwork path(relay.port(), {"--seed", std::to_string(network.seed), "--loss",
                                       std::to_string(network.loss_percent) + "%", "--delay",
                                       std::to_string(network.delay_ms)});
  const std::string url = "moqt://127.0.0.1:" + std::to_string(path.port());
  std::vector<Pair> pairs;
  for (const char* delivery : {"reliable", "latest", "deadline", "datagram"})
    pairs.push_back(Connect(url, relay.hash(), delivery));

  const auto start = Clock::now();
  auto next = start;
  while (Clock::now() - start < std::chrono::seconds(seconds)) {
    if (Clock::now() >= next) {
      next += kTick;
      for (Pair& pair : pairs) {
        for (Track& track : pair.tracks)
          Publish(track);
      }
    }
    for (Pair& pair : pairs)
      Read(pair);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // What is under way still comes. Of `deadline` and `datagram` the newest may be late or lost.
  const auto complete = [&] {
    return std::all_of(pairs.begin(), pairs.end(), [](const Pair& pair) {
      return std::all_of(pair.tracks.begin(), pair.tracks.end(), [](const Track& track) {
        const bool may_lose =
            track.result.delivery == "datagram" || track.result.delivery == "deadline";
        return may_lose || track.last == track.result.published;
      });
    });
  };
  const auto end = Clock::now() + std::chrono::seconds(30) * Patience();
  while (Clock::now() < end && !complete()) {
    for (Pair& pair : pairs)
      Read(pair);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  std::vector<PoseTrack> results;
  for (Pair& pair : pairs) {
    for (Track& track : pair.tracks) {
      std::sort(track.ages.begin(), track.ages.end());
      PoseTrack result = track.result;
      result.p50_ms = Share(track.ages, 0.5);
      result.p99_ms = Share(track.ages, 0.99);
      result.max_ms = Share(track.ages, 1.0);
      result.newest_arrived = track.last == track.result.published;
      results.push_back(result);
    }
  }
  return results;
}

OpenTimes MeasureOpen(int count) {
  const SilentPeer peer;
  const std::string options = peer.options("");
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    MoqHandle client = 0;
    const auto start = Clock::now();
    EXPECT_EQ(moq_client_open(options.data(), options.size(), &client), MOQ_OK);
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    EXPECT_EQ(moq_client_close(client, 0), MOQ_OK);
  }
  std::sort(times.begin(), times.end());
  return {Share(times, 0.5), times.empty() ? 0 : times.back()};
}

} // namespace moq_test
