// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqAsyncActions.h"

#include "MoqClient.h"
#include "MoqRelay.h"
#include "MoqSubscription.h"
#include "MoqSubsystem.h"
#include "UObject/StrongObjectPtr.h"

/** The error of a node whose client is none. */
static FMoqError MoqNoClient() {
  FMoqError Error;
  Error.Code = EMoqErrorCode::InvalidArgument;
  Error.Message = TEXT("the client is none, or was closed: connect first");
  return Error;
}

/** Where there is no game instance, or it has no MoQ. */
static FMoqError MoqNoSubsystem() {
  FMoqError Error;
  Error.Code = EMoqErrorCode::Unavailable;
  Error.Message = TEXT("there is no game instance with MoQ here: use the node in a running game");
  return Error;
}

/** The request could not be made; the log says why. */
static FMoqError MoqRefused() {
  FMoqError Error;
  Error.Code = EMoqErrorCode::InvalidArgument;
  Error.Message =
      TEXT("the request was refused at once: the log of LogMoq names the option that is wrong");
  return Error;
}

/** What the node waited for was closed or destroyed. */
static FMoqError MoqDropped() {
  FMoqError Error;
  Error.Code = EMoqErrorCode::Cancelled;
  Error.Message = TEXT("the game closed it before the node was done");
  return Error;
}

bool UMoqAction::Finish() {
  if (bDone)
    return false;
  bDone = true;
  SetReadyToDestroy();
  return true;
}

UMoqConnectAction* UMoqConnectAction::ConnectToMoqRelay(UObject* WorldContextObject,
                                                        const FMoqConnectOptions& Options) {
  UMoqConnectAction* const Action = NewObject<UMoqConnectAction>();
  Action->Context = WorldContextObject;
  Action->Options = Options;
  Action->RegisterWithGameInstance(WorldContextObject);
  return Action;
}

void UMoqConnectAction::Activate() {
  UMoqSubsystem* const Subsystem = UMoqSubsystem::GetMoq(Context.Get());
  if (Subsystem == nullptr)
    return Done(OnFailure, MoqNoSubsystem());
  FMoqError Error;
  Through = Subsystem->Connect(Options, Error);
  if (Through == nullptr)
    return Done(OnFailure, Error);
  Through->OnStateNative.AddWeakLambda(this, [this](EMoqClientState State, const FMoqError&) {
    if (State == EMoqClientState::Open)
      Done(OnSuccess, FMoqError());
  });
  Through->OnEndNative.AddWeakLambda(this, [this](const FMoqError& Reason) {
    Through = nullptr;
    Done(OnFailure, Reason);
  });
  Through->OnDroppedNative.AddWeakLambda(this, [this]() {
    Through = nullptr;
    Done(OnFailure, MoqDropped());
  });
}

void UMoqConnectAction::Done(FMoqConnectPin& Pin, const FMoqError& Error) {
  if (!Finish())
    return;
  // The pin may collect garbage.
  const TStrongObjectPtr<UMoqConnectAction> Kept(this);
  UMoqClient* const Result = Through;
  if (Result != nullptr) {
    Result->OnStateNative.RemoveAll(this);
    Result->OnEndNative.RemoveAll(this);
    Result->OnDroppedNative.RemoveAll(this);
  }
  Pin.Broadcast(Result, Error);
}

UMoqSubscribeAction* UMoqSubscribeAction::SubscribeToMoqTrack(UObject* WorldContextObject,
                                                              UMoqClient* Client,
                                                              const FString& Namespace,
                                                              const FString& Name,
                                                              const FMoqSubscribeOptions& Options) {
  UMoqSubscribeAction* const Action = NewObject<UMoqSubscribeAction>();
  Action->Through = Client;
  Action->Namespace = Namespace;
  Action->Name = Name;
  Action->Options = Options;
  Action->RegisterWithGameInstance(WorldContextObject);
  return Action;
}

void UMoqSubscribeAction::Activate() {
  if (!IsValid(Through) || !Through->IsOpen())
    return Done(OnFailure, MoqNoClient());
  Subscription = Through->Subscribe(Namespace, Name, Options);
  if (Subscription == nullptr)
    return Done(OnFailure, MoqRefused());
  Subscription->OnReadyNative.AddWeakLambda(this, [this]() { Done(OnSuccess, FMoqError()); });
  Subscription->OnEndNative.AddWeakLambda(this, [this](const FMoqError& Reason) {
    Subscription = nullptr;
    Done(OnFailure, Reason);
  });
  Subscription->OnDroppedNative.AddWeakLambda(this, [this]() {
    Subscription = nullptr;
    Done(OnFailure, MoqDropped());
  });
}

void UMoqSubscribeAction::Done(FMoqSubscribePin& Pin, const FMoqError& Error) {
  if (!Finish())
    return;
  // The pin may collect garbage.
  const TStrongObjectPtr<UMoqSubscribeAction> Kept(this);
  UMoqSubscription* const Result = Subscription;
  if (Result != nullptr) {
    Result->OnReadyNative.RemoveAll(this);
    Result->OnEndNative.RemoveAll(this);
    Result->OnDroppedNative.RemoveAll(this);
  }
  Pin.Broadcast(Result, Error);
}

UMoqFetchAction* UMoqFetchAction::FetchFromMoqTrack(UObject* WorldContextObject, UMoqClient* Client,
                                                    const FString& Namespace, const FString& Name,
                                                    const FMoqFetchOptions& Options,
                                                    int32 MaxBytes) {
  UMoqFetchAction* const Action = NewObject<UMoqFetchAction>();
  Action->Through = Client;
  Action->Namespace = Namespace;
  Action->Name = Name;
  Action->Options = Options;
  Action->BytesLeft = MaxBytes;
  Action->RegisterWithGameInstance(WorldContextObject);
  return Action;
}

void UMoqFetchAction::Activate() {
  if (!IsValid(Through) || !Through->IsOpen())
    return Done(OnFailure, MoqNoClient());
  Fetch = Through->Fetch(Namespace, Name, Options);
  if (Fetch == nullptr)
    return Done(OnFailure, MoqRefused());
  Fetch->OnObjectNative.AddUObject(this, &UMoqFetchAction::Take);
  Fetch->OnEndNative.AddWeakLambda(this, [this](const FMoqError& Reason) {
    Fetch = nullptr;
    if (Reason.IsError())
      Done(OnFailure, Reason);
    else
      Done(OnSuccess, Reason);
  });
  Fetch->OnDroppedNative.AddWeakLambda(this, [this]() {
    Fetch = nullptr;
    Done(OnFailure, MoqDropped());
  });
}

/** What an object takes in memory besides its bytes. */
static constexpr int64 BytesOfObject = 64;
static_assert(sizeof(FMoqObject) <= BytesOfObject, "an object takes more than the node counts");

void UMoqFetchAction::Take(const FMoqObjectView& Object) {
  // An object without bytes takes memory too.
  BytesLeft -= Object.Bytes.Num() + BytesOfObject;
  if (BytesLeft < 0) {
    Fetch->OnDroppedNative.RemoveAll(this);
    Fetch->Close();
    FMoqError Error;
    Error.Code = EMoqErrorCode::TooLarge;
    Error.Message =
        TEXT("the objects have more bytes than Max Bytes allows: fetch fewer groups or raise it");
    return Done(OnFailure, Error);
  }
  FMoqObject& Copy = Objects.AddDefaulted_GetRef();
  Copy.Group = Object.Group;
  Copy.Object = Object.Object;
  Copy.bKeyframe = Object.bKeyframe;
  Copy.PublishedAt = Object.PublishedAt;
  Copy.Bytes.Append(Object.Bytes.GetData(), Object.Bytes.Num());
}

void UMoqFetchAction::Done(FMoqFetchPin& Pin, const FMoqError& Error) {
  if (!Finish())
    return;
  // The pin may collect garbage.
  const TStrongObjectPtr<UMoqFetchAction> Kept(this);
  if (Fetch != nullptr) {
    Fetch->OnObjectNative.RemoveAll(this);
    Fetch->OnEndNative.RemoveAll(this);
    Fetch = nullptr;
  }
  Pin.Broadcast(Objects, Error);
}

UMoqStartRelayAction* UMoqStartRelayAction::StartMoqRelay(UObject* WorldContextObject,
                                                          const FMoqRelayOptions& Options) {
  UMoqStartRelayAction* const Action = NewObject<UMoqStartRelayAction>();
  Action->Context = WorldContextObject;
  Action->Options = Options;
  Action->RegisterWithGameInstance(WorldContextObject);
  return Action;
}

void UMoqStartRelayAction::Activate() {
  UMoqSubsystem* const Subsystem = UMoqSubsystem::GetMoq(Context.Get());
  if (Subsystem == nullptr)
    return Done(OnFailure, MoqNoSubsystem());
  FMoqError Error;
  Relay = Subsystem->StartRelay(Options, Error);
  if (Relay == nullptr)
    return Done(OnFailure, Error);
  Relay->OnStartedNative.AddWeakLambda(this, [this]() { Done(OnSuccess, FMoqError()); });
  Relay->OnStoppedNative.AddWeakLambda(this, [this](const FMoqError& Reason) {
    Relay = nullptr;
    // Stopped by the game before it ran.
    Done(OnFailure, Reason.IsError() ? Reason : MoqDropped());
  });
}

void UMoqStartRelayAction::Done(FMoqRelayPin& Pin, const FMoqError& Error) {
  if (!Finish())
    return;
  // The pin may collect garbage.
  const TStrongObjectPtr<UMoqStartRelayAction> Kept(this);
  UMoqRelay* const Result = Relay;
  if (Result != nullptr) {
    Result->OnStartedNative.RemoveAll(this);
    Result->OnStoppedNative.RemoveAll(this);
  }
  Pin.Broadcast(Result, Error);
}
