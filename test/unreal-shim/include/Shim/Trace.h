// Channels, scopes and counters of Insights. Nothing is recorded while its channels are off; the
// names follow the engine's rules ("MoqChannel" is moq, Moq or moqs).
#pragma once

#include "Shim/Text.h"

#include <vector>

namespace UE::Trace {

struct FChannelArguments {
  const ANSICHAR* Description = nullptr;
  bool bReadOnly = false;
};

class FChannel {
public:
  FChannel(const ANSICHAR* InName, FChannelArguments InArguments);
  bool IsEnabled() const { return bEnabled; }
  explicit operator bool() const { return bEnabled; }
  // Whether both are on.
  bool operator|(const FChannel& Other) const { return bEnabled && Other.bEnabled; }

  const std::string Name;
  const FChannelArguments Arguments;
  bool bEnabled = false;
};

// Whether it is on afterwards; false when there is none.
bool ToggleChannel(const TCHAR* Name, bool bEnabled);
bool IsChannel(const TCHAR* Name);

} // namespace UE::Trace

namespace Shim {

// What a trace got: a scope that began or ended, or the new value of a counter.
struct FTraceEvent {
  enum EKind { Begin, End, Value } Kind;
  FString Name;
  int64 Number = 0;
};
std::vector<FTraceEvent>& TraceEvents();

class FTraceScope {
public:
  FTraceScope(const ANSICHAR* InName, const UE::Trace::FChannel& Channel);
  ~FTraceScope();

private:
  const ANSICHAR* Name;
  const bool bRecorded;
};

class FTraceCounter {
public:
  explicit FTraceCounter(const TCHAR* InName) : Name(InName) {}
  // Recorded only when it changed.
  void Set(int64 InValue);

private:
  const FString Name;
  int64 Value = 0;
};

} // namespace Shim

#if UE_TRACE_ENABLED
#define UE_TRACE_CHANNEL_EXTERN(Name, ...) extern UE::Trace::FChannel Name;
#define UE_TRACE_CHANNEL_DEFINE(Name, ...) UE::Trace::FChannel Name(#Name, {__VA_ARGS__});
#define TRACE_CPUPROFILER_EVENT_SCOPE_ON_CHANNEL(Name, Channel)                                    \
  const Shim::FTraceScope UE_SHIM_JOIN(CpuProfilerEventScope, __LINE__, , )(#Name, Channel);
#define TRACE_DECLARE_INT_COUNTER(Name, Description)                                               \
  Shim::FTraceCounter __GTraceCounter##Name(Description);
#define TRACE_COUNTER_SET(Name, Amount) __GTraceCounter##Name.Set(Amount);
#else
#define UE_TRACE_CHANNEL_EXTERN(Name, ...)
#define UE_TRACE_CHANNEL_DEFINE(Name, ...)
#define TRACE_CPUPROFILER_EVENT_SCOPE_ON_CHANNEL(Name, Channel)
#define TRACE_DECLARE_INT_COUNTER(Name, Description)
#define TRACE_COUNTER_SET(Name, Amount)
#endif

UE_TRACE_CHANNEL_EXTERN(CpuChannel)
UE_TRACE_CHANNEL_EXTERN(CountersChannel)
