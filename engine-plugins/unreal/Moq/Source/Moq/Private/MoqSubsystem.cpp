// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqSubsystem.h"

#include "MoqClient.h"
#include "MoqConvert.h"
#include "MoqModule.h"
#include "MoqRelay.h"
#include "MoqSettings.h"
#include "MoqState.h"
#include "MoqStats.h"

#include "Engine/Engine.h"
#include "Engine/GameInstance.h"
#include "Engine/World.h"
#include "HAL/IConsoleManager.h"

static TAutoConsoleVariable<float>
    CVarMoqBudgetMilliseconds(TEXT("moq.Budget.Milliseconds"), -1.0f,
                              TEXT("Game thread time in ms that one tick may spend on handing out "
                                   "what arrived; 0: no limit, negative: as the "
                                   "project settings say."),
                              ECVF_Default);
static TAutoConsoleVariable<int32>
    CVarMoqBudgetRecords(TEXT("moq.Budget.Records"), -1,
                         TEXT("Most objects and events for each tick; 0: no limit, negative: as "
                              "the project settings say."),
                         ECVF_Default);
static TAutoConsoleVariable<int32> CVarMoqBudgetBytes(
    TEXT("moq.Budget.Bytes"), -1,
    TEXT("Most bytes for each tick; 0: no limit, negative: as the project settings say."),
    ECVF_Default);

DECLARE_CYCLE_STAT(TEXT("Drain"), STAT_MoqDrain, STATGROUP_Moq);
DECLARE_DWORD_COUNTER_STAT(TEXT("Records"), STAT_MoqRecords, STATGROUP_Moq);
DECLARE_DWORD_COUNTER_STAT(TEXT("Bytes"), STAT_MoqBytes, STATGROUP_Moq);
DECLARE_DWORD_COUNTER_STAT(TEXT("Ticks that ended at their budget"), STAT_MoqOverBudget,
                           STATGROUP_Moq);
DECLARE_DWORD_ACCUMULATOR_STAT(TEXT("Clients"), STAT_MoqClients, STATGROUP_Moq);
TRACE_DECLARE_INT_COUNTER(MoqRecords, TEXT("MoQ/Records"));
TRACE_DECLARE_INT_COUNTER(MoqBytes, TEXT("MoQ/Bytes"));

/** The relays of every game instance of this process. */
static TArray<TWeakObjectPtr<UMoqRelay>>& MoqRelaysOfProcess() {
  static TArray<TWeakObjectPtr<UMoqRelay>> Relays;
  return Relays;
}

static moq::unreal::DrainBudget MoqBudget() {
  const UMoqSettings* const Settings = GetDefault<UMoqSettings>();
  const float Milliseconds = CVarMoqBudgetMilliseconds.GetValueOnGameThread() < 0
                                 ? Settings->BudgetMilliseconds
                                 : CVarMoqBudgetMilliseconds.GetValueOnGameThread();
  const int32 Records = CVarMoqBudgetRecords.GetValueOnGameThread() < 0
                            ? Settings->BudgetRecords
                            : CVarMoqBudgetRecords.GetValueOnGameThread();
  const int32 Bytes = CVarMoqBudgetBytes.GetValueOnGameThread() < 0
                          ? Settings->BudgetBytes
                          : CVarMoqBudgetBytes.GetValueOnGameThread();
  moq::unreal::DrainBudget Budget;
  if (Records > 0)
    Budget.Records = static_cast<std::size_t>(Records);
  if (Bytes > 0)
    Budget.Bytes = static_cast<std::size_t>(Bytes);
  if (Milliseconds > 0)
    Budget.Microseconds = static_cast<std::uint64_t>(FMath::Max(1.0f, Milliseconds * 1000.0f));
  return Budget;
}

void FMoqState::OnRecord(const moq::Record& Record) {
  if (bOver)
    return;
  const TWeakObjectPtr<UMoqHandle>* const Found = Objects.Find(Record.handle());
  if (Found == nullptr)
    return;
  if (UMoqHandle* const Object = Found->Get())
    Object->OnRecord(Record);
}

void FMoqState::Complain(const TCHAR* What, MoqResultCode Code, const std::string& Message) {
  std::uint64_t Suppressed = 0;
  const std::string Cause = MoqConvert::Utf8(What) + ": " + std::to_string(Code);
  if (!Throttle.ShouldLog(Cause, moq::unreal::SteadyMicroseconds(), Suppressed))
    return;
  const FString Text = MoqConvert::Text(Message);
  if (Suppressed == 0) {
    UE_LOG(LogMoq, Warning, TEXT("%s: %s"), What, *Text);
  } else {
    UE_LOG(LogMoq, Warning, TEXT("%s: %s (%llu more times since the last line)"), What, *Text,
           static_cast<uint64>(Suppressed));
  }
}

UMoqSubsystem* UMoqSubsystem::GetMoq(const UObject* WorldContextObject) {
  const UWorld* const World =
      GEngine ? GEngine->GetWorldFromContextObject(WorldContextObject,
                                                   EGetWorldErrorMode::LogAndReturnNull)
              : nullptr;
  return World ? UGameInstance::GetSubsystem<UMoqSubsystem>(World->GetGameInstance()) : nullptr;
}

bool UMoqSubsystem::ShouldCreateSubsystem(UObject* Outer) const {
  if (IsRunningCommandlet())
    return false;
  const UGameInstance* const Game = Cast<UGameInstance>(Outer);
  const bool bDedicated = Game && Game->IsDedicatedServerInstance();
  return !bDedicated || GetDefault<UMoqSettings>()->bOnDedicatedServers;
}

void UMoqSubsystem::Initialize(FSubsystemCollectionBase& Collection) {
  Super::Initialize(Collection);
  IMoqModule::Get().EnsureLibrary();
  State = MakeShared<FMoqState>(moq::unreal::Library::Get());
  Ticker = FTSTicker::GetCoreTicker().AddTicker(
      FTickerDelegate::CreateUObject(this, &UMoqSubsystem::OnTick));
}

void UMoqSubsystem::Deinitialize() {
  FTSTicker::RemoveTicker(Ticker);
  if (State.IsValid()) {
    // Nothing is told to a game that ends; a tick that runs right now finds nothing more to hand
    // out.
    State->bOver = true;
    const TArray<TObjectPtr<UMoqClient>> Ending = MoveTemp(Clients);
    Clients.Reset();
    for (const TObjectPtr<UMoqClient>& Client : Ending)
      Client->Close(0);
    const TArray<TObjectPtr<UMoqRelay>> Stopping = MoveTemp(Relays);
    Relays.Reset();
    for (const TObjectPtr<UMoqRelay>& Relay : Stopping)
      Relay->StopNow();
    State->Host.CloseAll();
    State.Reset();
  }
  Super::Deinitialize();
}

void UMoqSubsystem::BeginDestroy() {
  // Only when the engine threw it away without ending it: its sessions go with the state.
  FTSTicker::RemoveTicker(Ticker);
  State.Reset();
  Super::BeginDestroy();
}

bool UMoqSubsystem::IsAvailable() const {
  return State.IsValid() && State->Library.IsAvailable();
}

FString UMoqSubsystem::GetProblem() const {
  return State.IsValid() ? MoqConvert::Text(State->Library.Problem())
                         : FString(TEXT("The game instance has ended."));
}

FString UMoqSubsystem::GetLibraryVersion() const {
  return State.IsValid() ? MoqConvert::Text(State->Library.Version()) : FString();
}

UMoqClient* UMoqSubsystem::Connect(const FMoqConnectOptions& Options, FMoqError& Error) {
  Error = FMoqError();
  if (!State.IsValid()) {
    Error = MoqConvert::Error(MOQ_ERROR_CLOSED, "the game instance has ended");
    return nullptr;
  }
  moq::Error Native;
  const MoqHandle Opened = State->Host.Open(MoqConvert::Json(Options), Native);
  if (Opened == 0) {
    Error = MoqConvert::Error(Native.code, Native.message);
    // A missing library was told once, when it was looked for.
    if (Native.code != MOQ_ERROR_UNAVAILABLE)
      State->Complain(TEXT("Connect"), Native.code, Native.message);
    return nullptr;
  }
  UMoqClient* const Client = NewObject<UMoqClient>(this);
  Client->Attach(State.ToSharedRef(), State->Host.Find(Opened), Opened);
  Clients.Add(Client);
  return Client;
}

UMoqRelay* UMoqSubsystem::StartRelay(const FMoqRelayOptions& Options, FMoqError& Error) {
  Error = FMoqError();
  if (!IsAvailable()) {
    Error = MoqConvert::Error(MOQ_ERROR_UNAVAILABLE, MoqConvert::Utf8(GetProblem()));
    return nullptr;
  }
  UMoqRelay* const Relay = NewObject<UMoqRelay>(this);
  Relays.Add(Relay);
  MoqRelaysOfProcess().Add(Relay);
  Relay->Begin(State.ToSharedRef(), MoqConvert::Json(Options));
  return Relay;
}

TArray<UMoqClient*> UMoqSubsystem::GetClients() const {
  TArray<UMoqClient*> Result;
  for (const TObjectPtr<UMoqClient>& Client : Clients)
    Result.Add(Client.Get());
  return Result;
}

TArray<UMoqRelay*> UMoqSubsystem::GetRelays() const {
  TArray<UMoqRelay*> Result;
  for (const TObjectPtr<UMoqRelay>& Relay : Relays)
    Result.Add(Relay.Get());
  return Result;
}

TArray<UMoqRelay*> UMoqSubsystem::GetRelaysOfProcess() {
  TArray<TWeakObjectPtr<UMoqRelay>>& All = MoqRelaysOfProcess();
  const auto IsOver = [](const TWeakObjectPtr<UMoqRelay>& Relay) {
    return !Relay.IsValid() || Relay->GetState() == EMoqRelayState::Stopped;
  };
  All.RemoveAll(IsOver);
  TArray<UMoqRelay*> Result;
  for (const TWeakObjectPtr<UMoqRelay>& Relay : All)
    Result.Add(Relay.Get());
  return Result;
}

FMoqTickStats UMoqSubsystem::GetTickStats() const {
  FMoqTickStats Stats;
  if (!State.IsValid())
    return Stats;
  const moq::unreal::HostStats Native = State->Host.Stats();
  Stats.Ticks = static_cast<int64>(Native.Ticks);
  Stats.TicksOverBudget = static_cast<int64>(Native.TicksOverBudget);
  Stats.Objects = static_cast<int64>(Native.Objects);
  Stats.Bytes = static_cast<int64>(Native.Bytes);
  Stats.LongestTick = static_cast<int64>(Native.LongestTick);
  Stats.TimeInTicks = static_cast<int64>(Native.TimeInTicks);
  Stats.Clients = static_cast<int32>(Native.Sessions);
  return Stats;
}

void UMoqSubsystem::Drain() {
  SCOPE_CYCLE_COUNTER(STAT_MoqDrain);
  TRACE_CPUPROFILER_EVENT_SCOPE_ON_CHANNEL(MoqDrain, MoqChannel);
  // A listener may end the game instance: what is drained must stay until the drain is over.
  const TSharedPtr<FMoqState> Held = State;
  if (!Held.IsValid())
    return;
  const moq::unreal::DrainResult Drained = Held->Host.Tick(*Held, MoqBudget());
  INC_DWORD_STAT_BY(STAT_MoqRecords, static_cast<uint32>(Drained.Records));
  INC_DWORD_STAT_BY(STAT_MoqBytes, static_cast<uint32>(Drained.Bytes));
  if (Drained.More) {
    INC_DWORD_STAT(STAT_MoqOverBudget);
  }
  SET_DWORD_STAT(STAT_MoqClients, static_cast<uint32>(Clients.Num()));
  TRACE_COUNTER_SET(MoqRecords, static_cast<int64>(Drained.Records));
  TRACE_COUNTER_SET(MoqBytes, static_cast<int64>(Drained.Bytes));
}

bool UMoqSubsystem::OnTick(float) {
  Drain();
  // Telling may stop relays and start others, and a listener may end the game instance.
  const TArray<TObjectPtr<UMoqRelay>> Polled = Relays;
  for (const TObjectPtr<UMoqRelay>& Relay : Polled)
    if (!Relay->Poll())
      Relays.RemoveSwap(Relay);
  return true;
}
