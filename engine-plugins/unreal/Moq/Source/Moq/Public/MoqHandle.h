// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "MoqTypes.h"
#include "UObject/Object.h"

#include <memory>
#include <string>

#include "MoqHandle.generated.h"

struct FMoqState;
namespace moq {
struct Record;
namespace unreal {
class Session;
}
} // namespace moq

DECLARE_DYNAMIC_MULTICAST_DELEGATE(FMoqEvent);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FMoqEndEvent, const FMoqError&, Reason);
DECLARE_MULTICAST_DELEGATE_OneParam(FMoqNativeEndEvent, const FMoqError&);

/**
 * What the library knows by a handle: a client, or a publication or request of one. It lives until
 * it has ended, whether or not something refers to it. Of the game thread.
 */
UCLASS(Abstract, BlueprintType, meta = (DontUseGenericSpawnObject = "true"))
class MOQ_API UMoqHandle : public UObject {
  GENERATED_BODY()

public:
  /** Exactly once: why it is over. Nothing comes after it. Code Ok: it ended normally. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqEndEvent OnEnd;
  /** The same for C++. */
  FMoqNativeEndEvent OnEndNative;

  /** Until it has ended or was closed. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  bool IsOpen() const { return Handle != 0; }

  void BeginDestroy() override;

  /** One record of the library. Of this plugin. */
  virtual void OnRecord(const moq::Record& Record);
  /** In the next tick when it was closed or destroyed, so that no End comes. Of this plugin. */
  FSimpleMulticastDelegate OnDroppedNative;

protected:
  /** Takes records from now on. */
  void Attach(const TSharedRef<FMoqState>& InState,
              const std::shared_ptr<moq::unreal::Session>& InSession, uint64 InHandle);
  /** Takes no more; gives the handle that it had, 0 when it had none. */
  uint64 Detach();
  /** Detaches, and tells why. */
  void Finish(const FMoqError& Reason);
  /** It has ended: whoever kept it alive lets go. */
  virtual void OnDetached() {}
  /** At once and without an event. */
  virtual void Drop();

  TWeakPtr<FMoqState> State;
  std::shared_ptr<moq::unreal::Session> Session;
  uint64 Handle = 0;

  friend class UMoqSubsystem;
};

/** A publication or request of a client. */
UCLASS(Abstract, BlueprintType)
class MOQ_API UMoqRequest : public UMoqHandle {
  GENERATED_BODY()

public:
  /** The peer accepted it. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqEvent OnReady;
  /** The same for C++. */
  FSimpleMulticastDelegate OnReadyNative;

  UFUNCTION(BlueprintPure, Category = "MoQ")
  FString GetTrackNamespace() const { return TrackNamespace; }
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FString GetTrackName() const { return TrackName; }
  UFUNCTION(BlueprintPure, Category = "MoQ")
  bool IsReady() const { return bReady; }

  /** At once: no event comes any more, End included. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  void Close();

  void OnRecord(const moq::Record& Record) override;

protected:
  void OnDetached() override;

  FString TrackNamespace;
  FString TrackName;
  bool bReady = false;

  friend class UMoqClient;
};
