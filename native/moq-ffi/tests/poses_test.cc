// T14, a few seconds of it; `npm run poses` measures for minutes and writes the page.
#include "poses.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <set>

using namespace moq_test;

namespace {

constexpr int kSeconds = 2;

void Measure(double loss_percent) {
  PoseNetwork network;
  network.loss_percent = loss_percent;
  const std::vector<PoseTrack> tracks = MeasurePoses(network, kSeconds);
  std::set<std::string> seen;
  for (const PoseTrack& track : tracks) {
    SCOPED_TRACE(track.delivery + ", " + std::to_string(track.bytes) + " bytes");
    std::printf("%4.1f %% loss  %-8s %6zu B  %4llu of %4llu  p50 %7.1f ms  p99 %7.1f ms\n",
                loss_percent, track.delivery.c_str(), track.bytes,
                static_cast<unsigned long long>(track.delivered),
                static_cast<unsigned long long>(track.published), track.p50_ms, track.p99_ms);
    seen.insert(track.delivery);
    EXPECT_FALSE(track.ended) << "the subscription stays open";
    EXPECT_TRUE(track.in_order) << "only ever newer";
    EXPECT_GT(track.published, 0u);
    EXPECT_GT(track.delivered, 0u);
    EXPECT_LE(track.delivered, track.published);
    if (track.delivery == "reliable") {
      EXPECT_EQ(track.delivered, track.published) << "every object";
      EXPECT_EQ(track.gaps, 0u);
    }
    if (track.delivery == "latest") {
      EXPECT_TRUE(track.newest_arrived) << "the last one always arrives";
    }
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST(T14_Poses, WithoutLossEveryClassKeepsItsPromise) {
  Measure(0);
}
TEST(T14_Poses, With2PercentLossEveryClassKeepsItsPromise) {
  Measure(2);
}
TEST(T14_Poses, With5PercentLossEveryClassKeepsItsPromise) {
  Measure(5);
}

} // namespace
