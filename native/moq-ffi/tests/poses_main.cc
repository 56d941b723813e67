// moq_ffi_poses SECONDS…: measures with 0, 2 and 5 % loss for so many seconds each; JSON.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "poses.h"

using namespace moq_test;

int main(int count, char** arguments) {
  const double losses[] = {0, 2, 5};
  if (count != 4) {
    std::fprintf(stderr, "moq_ffi_poses SECONDS SECONDS SECONDS: with 0, 2 and 5 %% loss\n");
    return 2;
  }
  const OpenTimes open = MeasureOpen(500);
  std::printf("{\"open\":{\"count\":500,\"p50us\":%.1f,\"maxUs\":%.1f},\"runs\":[", open.p50_us,
              open.max_us);
  for (int i = 0; i < 3; ++i) {
    PoseNetwork network;
    network.loss_percent = losses[i];
    const int seconds = std::atoi(arguments[i + 1]);
    std::printf("%s{\"loss\":%g,\"seconds\":%d,\"delayMs\":%d,\"seed\":%u,\"tracks\":[",
                i == 0 ? "" : ",", losses[i], seconds, network.delay_ms, network.seed);
    const char* comma = "";
    for (const PoseTrack& track : MeasurePoses(network, seconds)) {
      std::printf("%s{\"delivery\":\"%s\",\"bytes\":%zu,\"published\":%llu,\"refused\":%llu,"
                  "\"delivered\":%llu,\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}",
                  comma, track.delivery.c_str(), track.bytes,
                  static_cast<unsigned long long>(track.published),
                  static_cast<unsigned long long>(track.refused),
                  static_cast<unsigned long long>(track.delivered), track.p50_ms, track.p99_ms,
                  track.max_ms);
      comma = ",";
    }
    std::printf("]}");
    std::fflush(stdout);
  }
  std::printf("]}\n");
  return ::testing::UnitTest::GetInstance()->Failed() ? 1 : 0;
}
