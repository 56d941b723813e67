// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqStats.h"

#include "CoreGlobals.h"

UE_TRACE_CHANNEL_DEFINE(MoqChannel, "MoQ: what the game thread spends on what arrived")

DECLARE_DWORD_COUNTER_STAT(TEXT("Records"), STAT_MoqRecords, STATGROUP_Moq);
DECLARE_DWORD_COUNTER_STAT(TEXT("Bytes"), STAT_MoqBytes, STATGROUP_Moq);
DECLARE_DWORD_COUNTER_STAT(TEXT("Ticks that ended at their budget"), STAT_MoqOverBudget,
                           STATGROUP_Moq);
DECLARE_DWORD_ACCUMULATOR_STAT(TEXT("Clients"), STAT_MoqClients, STATGROUP_Moq);
TRACE_DECLARE_INT_COUNTER(MoqRecords, TEXT("MoQ/Records"));
TRACE_DECLARE_INT_COUNTER(MoqBytes, TEXT("MoQ/Bytes"));

FMoqProcessStats& FMoqProcessStats::Get() {
  static FMoqProcessStats Stats;
  return Stats;
}

void FMoqProcessStats::OnDrained(uint64 InRecords, uint64 InBytes, bool bOverBudget) {
  if (Frame != GFrameCounter) {
    Frame = GFrameCounter;
    Records = 0;
    Bytes = 0;
  }
  Records += static_cast<int64>(InRecords);
  Bytes += static_cast<int64>(InBytes);
  INC_DWORD_STAT_BY(STAT_MoqRecords, InRecords);
  INC_DWORD_STAT_BY(STAT_MoqBytes, InBytes);
  if (bOverBudget) {
    INC_DWORD_STAT(STAT_MoqOverBudget);
  }
  TRACE_COUNTER_SET(MoqRecords, Records);
  TRACE_COUNTER_SET(MoqBytes, Bytes);
}

void FMoqProcessStats::OnClients(int32 Had, int32 Has) {
  if (Had == Has)
    return;
  Clients += Has - Had;
  SET_DWORD_STAT(STAT_MoqClients, Clients);
}
