// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "MoqHandle.h"

#include "MoqClient.generated.h"

class UMoqDiscovery;
class UMoqFetch;
class UMoqPublication;
class UMoqSubscription;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FMoqStateEvent, EMoqClientState, State,
                                             const FMoqError&, Reason);
DECLARE_MULTICAST_DELEGATE_TwoParams(FMoqNativeStateEvent, EMoqClientState, const FMoqError&);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FMoqTokenEvent, int64, Attempt);

/**
 * A connection to a relay, repaired when it is lost, with everything that hangs on it. Made by
 * UMoqSubsystem::Connect; lives until it is closed.
 */
UCLASS(BlueprintType)
class MOQ_API UMoqClient : public UMoqHandle {
  GENERATED_BODY()

public:
  /** Open, and Reconnecting with the reason. Closed comes as End. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqStateEvent OnState;
  /** The same for C++. */
  FMoqNativeStateEvent OnStateNative;
  /** With "Ask Token": answer with Supply Token within the connect timeout. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqTokenEvent OnTokenWanted;

  UFUNCTION(BlueprintPure, Category = "MoQ")
  EMoqClientState GetState() const { return ClientState; }
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FMoqProtocol GetProtocol() const { return Protocol; }
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FMoqClientStats GetStats() const;

  /** Publishes a track, for example "match/42" and "poses". Null on wrong options; the log says
   * why. */
  UFUNCTION(BlueprintCallable, Category = "MoQ", meta = (AutoCreateRefTerm = "Options"))
  UMoqPublication* Publish(const FString& Namespace, const FString& Name,
                           const FMoqPublishOptions& Options);
  /** Subscribes to a track. A refusal comes as End. Null on wrong options; the log says why. */
  UFUNCTION(BlueprintCallable, Category = "MoQ", meta = (AutoCreateRefTerm = "Options"))
  UMoqSubscription* Subscribe(const FString& Namespace, const FString& Name,
                              const FMoqSubscribeOptions& Options);
  /** Reads past objects. */
  UFUNCTION(BlueprintCallable, Category = "MoQ", meta = (AutoCreateRefTerm = "Options"))
  UMoqFetch* Fetch(const FString& Namespace, const FString& Name, const FMoqFetchOptions& Options);
  /** Namespaces at or under a prefix; an empty one is all. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  UMoqDiscovery* Discover(const FString& Prefix);

  /** Answers Token Wanted. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  void SupplyToken(int64 Attempt, const FString& Token);
  /** There is no token: that attempt fails. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  void RefuseToken(int64 Attempt, const FString& Reason);

  /**
   * FlushMs 0: at once, with everything that belongs to it; no event comes any more. Otherwise what
   * was accepted is still sent, for at most so long, and End follows.
   */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  void Close(int32 FlushMs = 0);

  void OnRecord(const moq::Record& Record) override;

protected:
  void OnDetached() override;
  void Drop() override;

private:
  template <class T>
  T* Open(int32 Kind, const std::string& Json, const FString& Namespace, const FString& Name);
  void OnStateRecord(const moq::Record& Record);
  void DropRequests();

  UPROPERTY(Transient)
  TArray<TObjectPtr<UMoqRequest>> Requests;

  /** The library that it was made with: over once another one is loaded, or none. */
  std::shared_ptr<const void> Library;
  EMoqClientState ClientState = EMoqClientState::Connecting;
  FMoqProtocol Protocol;

  friend class UMoqRequest;
  friend class UMoqSubsystem;
};
