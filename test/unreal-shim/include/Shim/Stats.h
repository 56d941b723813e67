// Stat groups and Insights: identifiers are checked, values of counters are kept.
#pragma once

#include "Shim/Text.h"

namespace Shim {
struct FStat {
  std::atomic<int64> Value{0};
};
struct FTraceChannel {
  bool bShim = true;
};
} // namespace Shim

#define DECLARE_STATS_GROUP(Description, Group, Category)                                          \
  struct FStatGroup_##Group {                                                                      \
    static const TCHAR* Describe() { return Description; }                                         \
  };
#define SHIM_STAT(Description, Stat, Group)                                                        \
  static_assert(sizeof(FStatGroup_##Group) > 0);                                                   \
  [[maybe_unused]] static Shim::FStat Stat;
#define DECLARE_CYCLE_STAT(Description, Stat, Group) SHIM_STAT(Description, Stat, Group)
#define DECLARE_DWORD_COUNTER_STAT(Description, Stat, Group) SHIM_STAT(Description, Stat, Group)
#define DECLARE_DWORD_ACCUMULATOR_STAT(Description, Stat, Group) SHIM_STAT(Description, Stat, Group)
#define SCOPE_CYCLE_COUNTER(Stat) ++Stat.Value
#define INC_DWORD_STAT(Stat) ++Stat.Value
#define INC_DWORD_STAT_BY(Stat, Amount) Stat.Value += (Amount)
#define SET_DWORD_STAT(Stat, Amount) Stat.Value = (Amount)

#define UE_TRACE_CHANNEL_EXTERN(Name, ...) extern Shim::FTraceChannel Name;
#define UE_TRACE_CHANNEL_DEFINE(Name, ...) Shim::FTraceChannel Name;
#define TRACE_CPUPROFILER_EVENT_SCOPE(Name)
#define TRACE_CPUPROFILER_EVENT_SCOPE_ON_CHANNEL(Name, Channel) static_cast<void>(Channel.bShim)
#define TRACE_DECLARE_INT_COUNTER(Name, Description)                                               \
  [[maybe_unused]] static Shim::FStat Trace##Name;
#define TRACE_COUNTER_SET(Name, Amount) Trace##Name.Value = (Amount)
