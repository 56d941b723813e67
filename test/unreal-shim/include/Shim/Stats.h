// Stat groups: as in the engine, what counts a frame is recorded only while its group is shown, and
// begins again at 0 with each frame; accumulators are always recorded and keep their value.
#pragma once

#include "Shim/Text.h"

#include <map>

namespace Shim {

struct FStatGroup {
  FString Name;
  FString Description;
  bool bShown = false;
};
// The group of that name; made on the first call.
FStatGroup& StatGroup(const TCHAR* Name, const TCHAR* Description);
// NULL when nothing declares it.
FStatGroup* FindStatGroup(const TCHAR* Name);

class FStat {
public:
  enum EKind { Cycle, Counter, Accumulator };
  FStat(const TCHAR* InName, const TCHAR* InDescription, FStatGroup& InGroup, EKind InKind);

  void Add(int64 Amount) {
    if (IsRecorded())
      Value += Amount;
  }
  void Set(int64 Amount) {
    if (IsRecorded())
      Value = Amount;
  }
  bool IsRecorded() const { return Kind == Accumulator || Group.bShown; }
  void EndFrame();

  const FString Name;
  const FString Description;
  FStatGroup& Group;
  const EKind Kind;
  // Of this frame and of the one before. Of cycle counters in ns.
  std::atomic<int64> Value{0};
  std::atomic<int64> Calls{0};
  int64 LastValue = 0;
  int64 LastCalls = 0;
};
// By name; NULL when nothing declares it.
FStat* FindStat(const TCHAR* Name);

class FCycleScope {
public:
  explicit FCycleScope(FStat& InStat);
  ~FCycleScope();

private:
  FStat& Stat;
  int64 From;
};

// A frame of the engine begins: its number, and the counts of the one before.
void BeginFrame();

} // namespace Shim

#if STATS
#define DECLARE_STATS_GROUP(Description, Group, Category)                                          \
  struct FStatGroup_##Group {                                                                      \
    static Shim::FStatGroup& Get() { return Shim::StatGroup(TEXT(#Group), Description); }          \
  };
#define SHIM_STAT(Description, Stat, Group, Kind)                                                  \
  static Shim::FStat StatPtr_##Stat(TEXT(#Stat), Description, FStatGroup_##Group::Get(),           \
                                    Shim::FStat::Kind);
#define DECLARE_CYCLE_STAT(Description, Stat, Group) SHIM_STAT(Description, Stat, Group, Cycle)
#define DECLARE_DWORD_COUNTER_STAT(Description, Stat, Group)                                       \
  SHIM_STAT(Description, Stat, Group, Counter)
#define DECLARE_DWORD_ACCUMULATOR_STAT(Description, Stat, Group)                                   \
  SHIM_STAT(Description, Stat, Group, Accumulator)
#define SCOPE_CYCLE_COUNTER(Stat) const Shim::FCycleScope CycleCount_##Stat(StatPtr_##Stat);
#define INC_DWORD_STAT(Stat)                                                                       \
  { StatPtr_##Stat.Add(1); }
#define INC_DWORD_STAT_BY(Stat, Amount)                                                            \
  { StatPtr_##Stat.Add(static_cast<int64>(Amount)); }
#define SET_DWORD_STAT(Stat, Amount)                                                               \
  { StatPtr_##Stat.Set(static_cast<int64>(Amount)); }
#else
#define DECLARE_STATS_GROUP(Description, Group, Category)
#define DECLARE_CYCLE_STAT(Description, Stat, Group)
#define DECLARE_DWORD_COUNTER_STAT(Description, Stat, Group)
#define DECLARE_DWORD_ACCUMULATOR_STAT(Description, Stat, Group)
#define SCOPE_CYCLE_COUNTER(Stat)
#define INC_DWORD_STAT(Stat)
#define INC_DWORD_STAT_BY(Stat, Amount)
#define SET_DWORD_STAT(Stat, Amount)
#endif
