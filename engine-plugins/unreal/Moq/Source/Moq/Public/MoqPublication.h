// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "MoqHandle.h"

#include "MoqPublication.generated.h"

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FMoqSubscribersEvent, int32, Subscribers);

/** Publishes on one track from any thread, without the UObject. Copies are cheap. */
class MOQ_API FMoqSender {
public:
  /** The bytes are copied. After the publication's end: Closed. */
  EMoqSend Send(TConstArrayView<uint8> Bytes, bool bKeyframe = false) const;

private:
  std::shared_ptr<moq::unreal::Session> Session;
  uint64 Handle = 0;

  friend class UMoqPublication;
};

/** A track that this game publishes. */
UCLASS(BlueprintType)
class MOQ_API UMoqPublication : public UMoqRequest {
  GENERATED_BODY()

public:
  /** How many subscriptions the next hop holds now. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqSubscribersEvent OnSubscribers;
  /** A subscriber asks for a new group; at most once a second. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqEvent OnKeyframeWanted;
  /** After "Queue Full": updates are accepted again. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqEvent OnWritable;

  /** Publishes one update; the bytes are copied. Never waits. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  EMoqSend Send(const TArray<uint8>& Bytes);
  /** The same, and it starts a group: where late joiners of a reliable track begin. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  EMoqSend SendKeyframe(const TArray<uint8>& Bytes);
  /** The same for C++. */
  EMoqSend SendBytes(TConstArrayView<uint8> Bytes, bool bKeyframe = false);
  /** For threads of the game, such as animation workers. */
  FMoqSender GetSender() const;

  /** Ends the track. What was accepted is still sent, for at most so many ms; then the event End.
   */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  void End(int32 FlushMs = 5000);

  UFUNCTION(BlueprintPure, Category = "MoQ")
  int32 GetSubscribers() const { return Subscribers; }
  /** What waits, and what was dropped. All 0 once it has ended. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FMoqPublicationStats GetStats() const;

  void OnRecord(const moq::Record& Record) override;

private:
  int32 Subscribers = 0;
};
