#include "Shim/Stats.h"
#include "Shim/Trace.h"

#include <cctype>
#include <chrono>

uint64 GFrameCounter = 0;

namespace {
std::map<std::u16string, Shim::FStatGroup>& Groups() {
  static auto* Made = new std::map<std::u16string, Shim::FStatGroup>();
  return *Made;
}
std::vector<Shim::FStat*>& Stats() {
  static auto* Made = new std::vector<Shim::FStat*>();
  return *Made;
}
int64 Now() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}
} // namespace

namespace Shim {

FStatGroup& StatGroup(const TCHAR* Name, const TCHAR* Description) {
  FStatGroup& Group = Groups()[Name];
  Group.Name = Name;
  Group.Description = Description;
  return Group;
}

FStatGroup* FindStatGroup(const TCHAR* Name) {
  for (auto& [Known, Group] : Groups())
    if (FString(Known) == FString(Name))
      return &Group;
  return nullptr;
}

FStat::FStat(const TCHAR* InName, const TCHAR* InDescription, FStatGroup& InGroup, EKind InKind)
    : Name(InName), Description(InDescription), Group(InGroup), Kind(InKind) {
  check(FindStat(InName) == nullptr);
  Stats().push_back(this);
}
void FStat::EndFrame() {
  LastValue = Value;
  LastCalls = Calls;
  Calls = 0;
  if (Kind != Accumulator)
    Value = 0;
}

FStat* FindStat(const TCHAR* Name) {
  for (FStat* Stat : Stats())
    if (Stat->Name == Name)
      return Stat;
  return nullptr;
}

FCycleScope::FCycleScope(FStat& InStat) : Stat(InStat), From(Now()) {}
FCycleScope::~FCycleScope() {
  if (!Stat.IsRecorded())
    return;
  Stat.Add(Now() - From);
  ++Stat.Calls;
}

void BeginFrame() {
  ++GFrameCounter;
  for (FStat* Stat : Stats())
    Stat->EndFrame();
}

} // namespace Shim

namespace {
std::vector<UE::Trace::FChannel*>& Channels() {
  static auto* Made = new std::vector<UE::Trace::FChannel*>();
  return *Made;
}
// Without "Channel" and one "s" at its end, in lower case.
std::string Plain(std::string Name) {
  constexpr std::string_view Suffix = "Channel";
  if (Name.size() > Suffix.size() &&
      Name.compare(Name.size() - Suffix.size(), Suffix.size(), Suffix) == 0)
    Name.resize(Name.size() - Suffix.size());
  for (char& Character : Name)
    Character = static_cast<char>(std::tolower(static_cast<unsigned char>(Character)));
  if (!Name.empty() && Name.back() == 's')
    Name.pop_back();
  return Name;
}
UE::Trace::FChannel* FindChannel(const TCHAR* Name) {
  for (UE::Trace::FChannel* Channel : Channels())
    if (Plain(Channel->Name) == Plain(Shim::ToUtf8(Name)))
      return Channel;
  return nullptr;
}
} // namespace

namespace UE::Trace {
FChannel::FChannel(const ANSICHAR* InName, FChannelArguments InArguments)
    : Name(InName), Arguments(InArguments) {
  Channels().push_back(this);
}
bool ToggleChannel(const TCHAR* Name, bool bEnabled) {
  FChannel* const Channel = FindChannel(Name);
  if (Channel != nullptr && !Channel->Arguments.bReadOnly)
    Channel->bEnabled = bEnabled;
  return Channel != nullptr && Channel->bEnabled;
}
bool IsChannel(const TCHAR* Name) {
  return FindChannel(Name) != nullptr;
}
} // namespace UE::Trace

UE_TRACE_CHANNEL_DEFINE(CpuChannel)
UE_TRACE_CHANNEL_DEFINE(CountersChannel)

namespace Shim {

std::vector<FTraceEvent>& TraceEvents() {
  static auto* Made = new std::vector<FTraceEvent>();
  return *Made;
}

FTraceScope::FTraceScope(const ANSICHAR* InName, const UE::Trace::FChannel& Channel)
    : Name(InName), bRecorded(Channel | CpuChannel) {
  if (bRecorded)
    TraceEvents().push_back({FTraceEvent::Begin, Name});
}
FTraceScope::~FTraceScope() {
  if (bRecorded)
    TraceEvents().push_back({FTraceEvent::End, Name});
}

void FTraceCounter::Set(int64 InValue) {
  if (std::exchange(Value, InValue) != InValue && CountersChannel)
    TraceEvents().push_back({FTraceEvent::Value, Name, InValue});
}

} // namespace Shim
