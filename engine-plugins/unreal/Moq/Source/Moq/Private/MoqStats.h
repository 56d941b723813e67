// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// "stat Moq" in the console, and the channel "Moq" in Unreal Insights (-trace=default,moq).
#pragma once

#include "CoreMinimal.h"
#include "ProfilingDebugging/CountersTrace.h"
#include "ProfilingDebugging/CpuProfilerTrace.h"
#include "Stats/Stats.h"
#include "Trace/Trace.h"

DECLARE_STATS_GROUP(TEXT("MoQ"), STATGROUP_Moq, STATCAT_Advanced);

UE_TRACE_CHANNEL_EXTERN(MoqChannel)
