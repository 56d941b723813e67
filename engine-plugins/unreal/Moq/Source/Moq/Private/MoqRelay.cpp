// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqRelay.h"

#include "MoqConvert.h"
#include "MoqState.h"

#include "Async/Async.h"
#include "Dom/JsonObject.h"
#include "UObject/StrongObjectPtr.h"

#include <atomic>

/** What a thread of the pool and the game thread share: integers and text, no UObject. */
struct FMoqRelayJob {
  enum class EStep : uint8 { Starting, Started, Failed, Stopping, Stopped };

  explicit FMoqRelayJob(moq::unreal::ApiRef InApi) : Api(MoveTemp(InApi)) {}

  moq::unreal::ApiRef Api;
  std::atomic<EStep> Step{EStep::Starting};
  /** The game gave it up: whoever finishes the start stops the relay. */
  std::atomic<bool> bAbandoned{false};
  // Written before Step says Started or Failed, read after.
  MoqHandle Relay = 0;
  std::string Info;
  MoqResultCode Code = MOQ_OK;
  std::string Message;

  /** Whether the library that it was begun with is still the one of this process. */
  bool HasLibrary() const { return Api == moq::unreal::Library::Get().Api(); }

  void Start(const std::string& Json) {
    // Not begun before it was given up, or the library: a relay of nobody must not start.
    if (bAbandoned || !HasLibrary()) {
      Code = MOQ_ERROR_CANCELLED;
      Message = "The relay was given up before it started.";
      Step = EStep::Failed;
      return;
    }
    Code = Api->moq_relay_start(Json.data(), Json.size(), &Relay);
    if (Code != MOQ_OK) {
      Message = Api->moq_last_error();
      Step = EStep::Failed;
      return;
    }
    std::size_t Needed = 0;
    Info.resize(1024);
    while (Api->moq_relay_info(Relay, Info.data(), Info.size(), &Needed) ==
           MOQ_ERROR_BUFFER_TOO_SMALL)
      Info.resize(Needed + 256);
    Info.resize(Needed);
    // Started is told before the question whether anyone still wants it, and abandoning asks in the
    // other order: one of the two stops the relay, never neither.
    EStep Expected = EStep::Starting;
    Step.compare_exchange_strong(Expected, EStep::Started);
    if (bAbandoned)
      Stop(EStep::Started, 0);
  }

  /** Only whoever takes the step from `From` stops the relay. */
  void Stop(EStep From, std::uint32_t GraceMs) {
    if (!Step.compare_exchange_strong(From, EStep::Stopping))
      return;
    Api->moq_relay_stop(Relay, GraceMs);
    Step = EStep::Stopped;
  }
};

void UMoqRelay::Begin(const TSharedRef<FMoqState>& InState, const std::string& Json) {
  const TSharedRef<FMoqRelayJob> Begun = MakeShared<FMoqRelayJob>(InState->Library.Api());
  Job = Begun;
  Async(EAsyncExecution::ThreadPool, [Begun, Json]() { Begun->Start(Json); });
}

bool UMoqRelay::Poll() {
  if (!Job.IsValid())
    return false;
  const TSharedPtr<FMoqRelayJob> Held = Job;
  // Its listener may let go of it and collect garbage.
  const TStrongObjectPtr<UMoqRelay> Kept(this);
  switch (Held->Step.load()) {
  case FMoqRelayJob::EStep::Started:
    if (!Held->HasLibrary()) {
      // Unloaded under it, which has ended it.
      StopNow();
      Finish(MoqConvert::Error(MOQ_ERROR_CLOSED, "the native library was unloaded"));
      break;
    }
    // Told to stop before it ran: nothing but that is told.
    if (RelayState == EMoqRelayState::Starting && !Held->bAbandoned) {
      RelayState = EMoqRelayState::Running;
      if (const TSharedPtr<FJsonObject> Json = MoqConvert::Object(Held->Info)) {
        Json->TryGetStringField(TEXT("url"), Url);
        Json->TryGetStringField(TEXT("quicUrl"), QuicUrl);
        Json->TryGetStringField(TEXT("memoryUrl"), MemoryUrl);
        Json->TryGetStringField(TEXT("certificateHash"), CertificateHash);
        double Number = 0;
        if (Json->TryGetNumberField(TEXT("port"), Number))
          Port = static_cast<int32>(Number);
      }
      OnStartedNative.Broadcast();
      OnStarted.Broadcast();
    }
    break;
  case FMoqRelayJob::EStep::Failed:
    // Stopped before it began: as it was asked to.
    Finish(Held->bAbandoned && Held->Code == MOQ_ERROR_CANCELLED
               ? FMoqError()
               : MoqConvert::Error(Held->Code, Held->Message));
    break;
  case FMoqRelayJob::EStep::Stopped:
    Finish(FMoqError());
    break;
  case FMoqRelayJob::EStep::Starting:
  case FMoqRelayJob::EStep::Stopping:
    break;
  }
  return Job.IsValid();
}

void UMoqRelay::Finish(const FMoqError& Reason) {
  Job.Reset();
  RelayState = EMoqRelayState::Stopped;
  OnStoppedNative.Broadcast(Reason);
  OnStopped.Broadcast(Reason);
}

FMoqConnectOptions UMoqRelay::GetConnectOptions() const {
  FMoqConnectOptions Options;
  Options.Url = QuicUrl;
  if (!CertificateHash.IsEmpty())
    Options.ServerCertificateHashes.Add(CertificateHash);
  return Options;
}

void UMoqRelay::Stop(int32 GraceMs) {
  if (!Job.IsValid())
    return;
  const TSharedRef<FMoqRelayJob> Ending = Job.ToSharedRef();
  Ending->bAbandoned = true;
  const std::uint32_t Grace = static_cast<std::uint32_t>(FMath::Max(GraceMs, 0));
  // A grace may be long: the pool's threads are not for waiting.
  Async(Grace > 0 ? EAsyncExecution::Thread : EAsyncExecution::ThreadPool,
        [Ending, Grace]() { Ending->Stop(FMoqRelayJob::EStep::Started, Grace); });
}

void UMoqRelay::StopNow() {
  if (!Job.IsValid())
    return;
  const TSharedRef<FMoqRelayJob> Ending = Job.ToSharedRef();
  Ending->bAbandoned = true;
  Ending->Stop(FMoqRelayJob::EStep::Started, 0);
  Job.Reset();
  RelayState = EMoqRelayState::Stopped;
}

void UMoqRelay::BeginDestroy() {
  StopNow();
  Super::BeginDestroy();
}
