// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// Blueprint nodes that finish later, each with a pin for success and one for failure. Exactly one
// of the two fires, exactly once; neither when the game instance ends first.
#pragma once

#include "CoreMinimal.h"
#include "Kismet/BlueprintAsyncActionBase.h"
#include "MoqTypes.h"

#include "MoqAsyncActions.generated.h"

class UMoqClient;
class UMoqFetch;
class UMoqRelay;
class UMoqSubscription;
struct FMoqObjectView;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FMoqConnectPin, UMoqClient*, Client, const FMoqError&,
                                             Error);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FMoqSubscribePin, UMoqSubscription*, Subscription,
                                             const FMoqError&, Error);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FMoqFetchPin, const TArray<FMoqObject>&, Objects,
                                             const FMoqError&, Error);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FMoqRelayPin, UMoqRelay*, Relay, const FMoqError&,
                                             Error);

/** What the nodes have in common. */
UCLASS(Abstract)
class MOQ_API UMoqAction : public UBlueprintAsyncActionBase {
  GENERATED_BODY()

protected:
  /** True the first time, and then the node is done. */
  bool Finish();

private:
  bool bDone = false;
};

/** Connects, and goes on when the connection stands. */
UCLASS()
class MOQ_API UMoqConnectAction : public UMoqAction {
  GENERATED_BODY()

public:
  UFUNCTION(BlueprintCallable, Category = "MoQ",
            meta = (DisplayName = "Connect to MoQ Relay", BlueprintInternalUseOnly = "true",
                    WorldContext = "WorldContextObject", AutoCreateRefTerm = "Options"))
  static UMoqConnectAction* ConnectToMoqRelay(UObject* WorldContextObject,
                                              const FMoqConnectOptions& Options);

  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqConnectPin OnSuccess;
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqConnectPin OnFailure;

  void Activate() override;

private:
  void Done(FMoqConnectPin& Pin, const FMoqError& Error);

  /** It may be a world, which must be able to go. */
  TWeakObjectPtr<UObject> Context;
  UPROPERTY(Transient)
  TObjectPtr<UMoqClient> Through;
  FMoqConnectOptions Options;
};

/** Subscribes, and goes on when the subscription was accepted or refused. */
UCLASS()
class MOQ_API UMoqSubscribeAction : public UMoqAction {
  GENERATED_BODY()

public:
  /** Bind On Object of the subscription at Success: what has arrived by then comes after it. */
  UFUNCTION(BlueprintCallable, Category = "MoQ",
            meta = (DisplayName = "Subscribe to MoQ Track", BlueprintInternalUseOnly = "true",
                    WorldContext = "WorldContextObject", AutoCreateRefTerm = "Options"))
  static UMoqSubscribeAction* SubscribeToMoqTrack(UObject* WorldContextObject, UMoqClient* Client,
                                                  const FString& Namespace, const FString& Name,
                                                  const FMoqSubscribeOptions& Options);

  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqSubscribePin OnSuccess;
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqSubscribePin OnFailure;

  void Activate() override;

private:
  void Done(FMoqSubscribePin& Pin, const FMoqError& Error);

  UPROPERTY(Transient)
  TObjectPtr<UMoqClient> Through;
  UPROPERTY(Transient)
  TObjectPtr<UMoqSubscription> Subscription;
  FString Namespace;
  FString Name;
  FMoqSubscribeOptions Options;
};

/** Reads past objects, and goes on with all of them. */
UCLASS()
class MOQ_API UMoqFetchAction : public UMoqAction {
  GENERATED_BODY()

public:
  /** More than so many bytes are a failure (TooLarge), with what came before; each object counts 64
   * bytes besides its own. */
  UFUNCTION(BlueprintCallable, Category = "MoQ",
            meta = (DisplayName = "Fetch from MoQ Track", BlueprintInternalUseOnly = "true",
                    WorldContext = "WorldContextObject", AutoCreateRefTerm = "Options"))
  static UMoqFetchAction* FetchFromMoqTrack(UObject* WorldContextObject, UMoqClient* Client,
                                            const FString& Namespace, const FString& Name,
                                            const FMoqFetchOptions& Options,
                                            int32 MaxBytes = 16777216);

  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqFetchPin OnSuccess;
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqFetchPin OnFailure;

  void Activate() override;

private:
  void Take(const FMoqObjectView& Object);
  void Done(FMoqFetchPin& Pin, const FMoqError& Error);

  UPROPERTY(Transient)
  TObjectPtr<UMoqClient> Through;
  UPROPERTY(Transient)
  TObjectPtr<UMoqFetch> Fetch;
  FString Namespace;
  FString Name;
  FMoqFetchOptions Options;
  TArray<FMoqObject> Objects;
  int64 BytesLeft = 0;
};

/** Starts a relay in this process, and goes on when it runs. */
UCLASS()
class MOQ_API UMoqStartRelayAction : public UMoqAction {
  GENERATED_BODY()

public:
  UFUNCTION(BlueprintCallable, Category = "MoQ",
            meta = (DisplayName = "Start MoQ Relay", BlueprintInternalUseOnly = "true",
                    WorldContext = "WorldContextObject", AutoCreateRefTerm = "Options"))
  static UMoqStartRelayAction* StartMoqRelay(UObject* WorldContextObject,
                                             const FMoqRelayOptions& Options);

  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqRelayPin OnSuccess;
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqRelayPin OnFailure;

  void Activate() override;

private:
  void Done(FMoqRelayPin& Pin, const FMoqError& Error);

  /** It may be a world, which must be able to go. */
  TWeakObjectPtr<UObject> Context;
  UPROPERTY(Transient)
  TObjectPtr<UMoqRelay> Relay;
  FMoqRelayOptions Options;
};
