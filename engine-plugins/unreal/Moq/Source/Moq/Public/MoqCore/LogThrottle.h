// Says once what happens a thousand times: a cause is logged when it comes up, and then at most
// once in an interval, with how often it came meanwhile.
#pragma once

#include "MoqCore/Export.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace moq::unreal {

// Of one thread.
class MOQ_API LogThrottle {
public:
  // Causes that are told apart; what comes beyond counts as one cause together.
  static constexpr std::size_t kMostCauses = 128;

  // `interval` in µs.
  explicit LogThrottle(std::uint64_t interval = 10'000'000) : Interval(interval) {}

  // Whether to log now (`now` in monotonic µs); then `suppressed` is how many were kept back since
  // the last line of this cause.
  bool ShouldLog(std::string_view cause, std::uint64_t now, std::uint64_t& suppressed);

  // All that were kept back.
  std::uint64_t Suppressed() const { return Total; }

private:
  struct Cause {
    std::uint64_t LoggedAt = 0;
    std::uint64_t Suppressed = 0;
  };

  const std::uint64_t Interval;
  std::unordered_map<std::string, Cause> Causes;
  std::uint64_t Total = 0;
};

} // namespace moq::unreal
