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
#include "UObject/StrongObjectPtr.h"

#include <utility>

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
  // At most a minute: a larger number is meant as none, and must not overflow.
  if (Milliseconds > 0)
    Budget.Microseconds =
        static_cast<std::uint64_t>(FMath::Clamp(Milliseconds * 1000.0f, 1.0f, 60000000.0f));
  return Budget;
}

void FMoqState::OnRecord(const moq::Record& Record) {
  if (bOver)
    return;
  const TWeakObjectPtr<UMoqHandle>* const Found = Objects.Find(Record.handle());
  if (Found == nullptr)
    return;
  UMoqHandle* const Object = Found->Get();
  if (Object == nullptr)
    return;
  Running = Object;
  Object->OnRecord(Record);
  Running = nullptr;
}

void FMoqState::TellDropped() {
  while (!bOver && Dropped.Num() > 0) {
    // A node's pin may close more.
    const FSimpleMulticastDelegate Told = MoveTemp(Dropped.Last());
    Dropped.RemoveAt(Dropped.Num() - 1);
    Told.Broadcast();
  }
}

void FMoqState::AddReferencedObjects(FReferenceCollector& Collector) {
  Collector.AddReferencedObject(Running);
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
    // Where a game has destroyed one by itself there is none any more.
    const TArray<TObjectPtr<UMoqClient>> Ending = MoveTemp(Clients);
    Clients.Reset();
    for (const TObjectPtr<UMoqClient>& Client : Ending)
      if (Client != nullptr)
        Client->Close(0);
    const TArray<TObjectPtr<UMoqRelay>> Stopping = MoveTemp(Relays);
    Relays.Reset();
    for (const TObjectPtr<UMoqRelay>& Relay : Stopping)
      if (Relay != nullptr)
        Relay->StopNow();
    State->Host.CloseAll();
    State.Reset();
  }
  CountClients(0);
  Super::Deinitialize();
}

void UMoqSubsystem::BeginDestroy() {
  // Only when the engine threw it away without ending it: its sessions go with the state.
  FTSTicker::RemoveTicker(Ticker);
  State.Reset();
  CountClients(0);
  Super::BeginDestroy();
}

void UMoqSubsystem::EndClientsWithoutLibrary() {
  const TSharedPtr<FMoqState> Held = State;
  const moq::unreal::ApiRef Loaded = Held->Library.Api();
  // Held, for the first listener may let go of the others and collect garbage.
  TArray<TStrongObjectPtr<UMoqHandle>> Ending;
  for (const TObjectPtr<UMoqClient>& Client : Clients) {
    if (Client == nullptr || Client->Library == Loaded)
      continue;
    for (const TObjectPtr<UMoqRequest>& Request : Client->Requests)
      if (Request != nullptr)
        Ending.Add(TStrongObjectPtr<UMoqHandle>(Request));
    Ending.Add(TStrongObjectPtr<UMoqHandle>(Client));
    Client->ClientState = EMoqClientState::Closed;
    Held->Host.Close(Client->Handle);
  }
  if (Ending.IsEmpty())
    return;
  const FMoqError Reason =
      MoqConvert::Error(MOQ_ERROR_CLOSED, "the native library was unloaded: connect again");
  for (const TStrongObjectPtr<UMoqHandle>& Each : Ending)
    Each->Finish(Reason);
}

void UMoqSubsystem::CountClients(int32 Has) {
  FMoqProcessStats::Get().OnClients(std::exchange(ClientsCounted, Has), Has);
}

bool UMoqSubsystem::HasLibrary() const {
  // Not yet tried, or unloaded since: the module says once when it cannot be loaded.
  return State.IsValid() && (State->Library.IsAvailable() || IMoqModule::Get().EnsureLibrary());
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
  HasLibrary();
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
  Client->Library = State->Library.Api();
  Client->Attach(State.ToSharedRef(), State->Host.Find(Opened), Opened);
  Clients.Add(Client);
  return Client;
}

UMoqRelay* UMoqSubsystem::StartRelay(const FMoqRelayOptions& Options, FMoqError& Error) {
  Error = FMoqError();
  if (!HasLibrary()) {
    Error = MoqConvert::Error(MOQ_ERROR_UNAVAILABLE, MoqConvert::Utf8(GetProblem()));
    return nullptr;
  }
  UMoqRelay* const Relay = NewObject<UMoqRelay>(this);
  Relays.Add(Relay);
  // Forgets those that are over.
  GetRelaysOfProcess();
  MoqRelaysOfProcess().Add(Relay);
  Relay->Begin(State.ToSharedRef(), MoqConvert::Json(Options));
  return Relay;
}

TArray<UMoqClient*> UMoqSubsystem::GetClients() const {
  TArray<UMoqClient*> Result;
  for (const TObjectPtr<UMoqClient>& Client : Clients)
    if (Client != nullptr)
      Result.Add(Client.Get());
  return Result;
}

TArray<UMoqRelay*> UMoqSubsystem::GetRelays() const {
  TArray<UMoqRelay*> Result;
  for (const TObjectPtr<UMoqRelay>& Relay : Relays)
    if (Relay != nullptr)
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
  // A listener may end the game instance and collect garbage: what is drained must stay until the
  // drain is over, and nothing of this object is touched after it.
  const TSharedPtr<FMoqState> Held = State;
  if (!Held.IsValid())
    return;
  if (Clients.Num() > 0)
    EndClientsWithoutLibrary();
  if (Held->bOver)
    return;
  CountClients(static_cast<int32>(Held->Host.Stats().Sessions));
  const moq::unreal::DrainResult Drained = Held->Host.Tick(*Held, MoqBudget());
  Held->TellDropped();
  FMoqProcessStats::Get().OnDrained(Drained.Records, Drained.Bytes, Drained.More);
}

bool UMoqSubsystem::OnTick(float) {
  const TWeakObjectPtr<UMoqSubsystem> Self(this);
  Drain();
  // From the last: telling may start others, and a listener may end the game instance.
  for (int32 Index = Self.IsValid() ? Relays.Num() : 0; Index-- > 0;) {
    if (Index >= Relays.Num())
      continue;
    UMoqRelay* const Relay = Relays[Index];
    const bool bGoesOn = Relay != nullptr && Relay->Poll();
    if (!Self.IsValid())
      break;
    if (!bGoesOn)
      Relays.RemoveSwap(Relay);
  }
  return Self.IsValid();
}
