#include "MoqCore/LogThrottle.h"

namespace moq::unreal {

bool LogThrottle::ShouldLog(std::string_view cause, std::uint64_t now, std::uint64_t& suppressed) {
  std::string key(cause);
  if (Causes.size() >= kMostCauses && Causes.count(key) == 0)
    key.clear();
  const auto [found, isNew] = Causes.try_emplace(std::move(key));
  Cause& entry = found->second;
  if (!isNew && now - entry.LoggedAt < Interval) {
    ++entry.Suppressed;
    ++Total;
    return false;
  }
  suppressed = entry.Suppressed;
  entry = {now, 0};
  return true;
}

} // namespace moq::unreal
