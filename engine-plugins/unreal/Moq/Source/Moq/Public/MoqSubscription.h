// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "MoqHandle.h"

#include "MoqSubscription.generated.h"

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FMoqObjectEvent, const FMoqObject&, Object);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FMoqGapEvent, const FMoqGap&, Gap);
DECLARE_MULTICAST_DELEGATE_OneParam(FMoqNativeObjectEvent, const FMoqObjectView&);

/** Gives objects: a subscription or a fetch. */
UCLASS(Abstract, BlueprintType)
class MOQ_API UMoqReader : public UMoqRequest {
  GENERATED_BODY()

public:
  /** One object, with a copy of its bytes. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqObjectEvent OnObject;
  /** For C++: the object where it lies; nothing is copied. */
  FMoqNativeObjectEvent OnObjectNative;

  void OnRecord(const moq::Record& Record) override;

private:
  /** Used again for each object, so that its array grows only once. */
  FMoqObject Scratch;
};

/** A track that this game reads. Objects come in the game instance's tick, within its budget. */
UCLASS(BlueprintType)
class MOQ_API UMoqSubscription : public UMoqReader {
  GENERATED_BODY()

public:
  /** Objects that will not be delivered. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqGapEvent OnGap;

  /** 0 is the highest, 255 the lowest. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  bool SetPriority(uint8 Priority);
  /** While held, no objects come; the policy of the queue applies. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  bool Hold(bool bHeld);
  /** What waits, and what was dropped and why. All 0 once it has ended. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FMoqSubscriptionStats GetStats() const;

  void OnRecord(const moq::Record& Record) override;
};

/** Past objects of a track; then End. */
UCLASS(BlueprintType)
class MOQ_API UMoqFetch : public UMoqReader {
  GENERATED_BODY()
};
