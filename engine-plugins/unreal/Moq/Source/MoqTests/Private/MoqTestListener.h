// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// Binds the events that Blueprints bind, and keeps what they told.
#pragma once

#include "CoreMinimal.h"
#include "MoqTypes.h"
#include "UObject/Object.h"

#include "MoqTestListener.generated.h"

class UMoqClient;
class UMoqRelay;
class UMoqSubscription;

UCLASS()
class UMoqTestListener : public UObject {
  GENERATED_BODY()

public:
  UFUNCTION()
  void HandleObject(const FMoqObject& Object);
  UFUNCTION()
  void HandleGap(const FMoqGap& Gap);
  UFUNCTION()
  void HandleEnd(const FMoqError& Reason);
  UFUNCTION()
  void HandleState(EMoqClientState State, const FMoqError& Reason);
  UFUNCTION()
  void HandleNamespace(const FString& Namespace, bool bAdded);
  UFUNCTION()
  void HandleConnected(UMoqClient* Client, const FMoqError& Error);
  UFUNCTION()
  void HandleSubscribed(UMoqSubscription* Subscription, const FMoqError& Error);
  UFUNCTION()
  void HandleFetched(const TArray<FMoqObject>& Fetched, const FMoqError& Error);
  UFUNCTION()
  void HandleRelay(UMoqRelay* Relay, const FMoqError& Error);
  UFUNCTION()
  void HandleFailure(UMoqClient* Client, const FMoqError& Error);
  /** Of the event for C++. */
  void HandleView(const FMoqObjectView& Object);

  TArray<FMoqObject> Objects;
  int32 Views = 0;
  int64 LastView = -1;
  TArray<FMoqGap> Gaps;
  TArray<FMoqError> Ends;
  TArray<EMoqClientState> States;
  TArray<FString> Namespaces;
  /** Of async nodes: how many pins fired, and what they gave. */
  int32 Pins = 0;
  FMoqError PinError;
  UPROPERTY(Transient)
  TObjectPtr<UObject> PinObject;
};
