// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// "stat Moq" in the console, and the channel "Moq" in Unreal Insights: its scope MoqDrain with
// -trace=default,moq, the counters MoQ/… with -trace=default,counters,moq.
#pragma once

#include "CoreMinimal.h"
#include "ProfilingDebugging/CountersTrace.h"
#include "ProfilingDebugging/CpuProfilerTrace.h"
#include "Stats/Stats.h"
#include "Trace/Trace.h"

DECLARE_STATS_GROUP(TEXT("MoQ"), STATGROUP_Moq, STATCAT_Advanced);

UE_TRACE_CHANNEL_EXTERN(MoqChannel)

/**
 * What all game instances of the process show together: several play side by side in the editor,
 * and the counters are of the process. Of the game thread.
 */
class FMoqProcessStats {
public:
  static FMoqProcessStats& Get();

  /** One drain of one game instance. */
  void OnDrained(uint64 Records, uint64 Bytes, bool bOverBudget);
  /** A game instance has so many clients now, and had so many when it last told. */
  void OnClients(int32 Had, int32 Has);

private:
  /** What was drained in this frame. */
  uint64 Frame = 0;
  int64 Records = 0;
  int64 Bytes = 0;
  int32 Clients = 0;
};
