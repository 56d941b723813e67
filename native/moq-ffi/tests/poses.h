// T14: 17 kB poses and 100-byte updates at 60 Hz over a lossy network: what arrives, and how old.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace moq_test {

// One track of one run.
struct PoseTrack {
  std::string delivery;
  size_t bytes = 0;
  uint64_t published = 0;
  uint64_t refused = 0; // by back-pressure; not published
  uint64_t delivered = 0;
  uint64_t gaps = 0;
  // Between `send` and the object in the hands of a reader that polls every ms.
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
  bool in_order = true;
  bool newest_arrived = false;
  bool ended = false;
};

struct PoseNetwork {
  double loss_percent = 0;
  // One way, of each of the two hops: publisher to relay, relay to subscriber.
  int delay_ms = 10;
  unsigned seed = 14;
};

// Publishes for so long on the tracks of every class, each class with connections of its own.
std::vector<PoseTrack> MeasurePoses(const PoseNetwork& network, int seconds);

// How long moq_client_open takes while the peer says nothing.
struct OpenTimes {
  double p50_us = 0;
  double max_us = 0;
};
OpenTimes MeasureOpen(int count);

} // namespace moq_test
