// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// What a game instance's MoQ is made of, apart from its UObjects.
#pragma once

#include "MoqCore/HandleTable.h"
#include "MoqCore/Host.h"
#include "MoqCore/LogThrottle.h"

#include "CoreMinimal.h"
#include "UObject/GCObject.h"
#include "UObject/WeakObjectPtr.h"

class UMoqHandle;

struct FMoqState final : moq::unreal::RecordSink, FGCObject {
  explicit FMoqState(moq::unreal::Library& InLibrary) : Library(InLibrary), Host(InLibrary) {}

  void OnRecord(const moq::Record& Record) override;

  /** A failed call, in the log: once for each cause, then at most once in a while. */
  void Complain(const TCHAR* What, MoqResultCode Code, const std::string& Message);

  /** Tells nodes that wait for something that it was closed. */
  void TellDropped();

  void AddReferencedObjects(FReferenceCollector& Collector) override;
  FString GetReferencerName() const override { return TEXT("FMoqState"); }

  moq::unreal::Library& Library;
  moq::unreal::Host Host;
  /** Who takes the records of a handle. Integers outside, weak pointers here: nothing native knows
   * a UObject. */
  moq::unreal::HandleTable<TWeakObjectPtr<UMoqHandle>> Objects;
  moq::unreal::LogThrottle Throttle;
  /** Of handles that were closed since the last tick. */
  TArray<FSimpleMulticastDelegate> Dropped;
  /** The game instance ends: nothing is told any more. */
  bool bOver = false;

private:
  /** Whose event runs. Its listener may close it and collect garbage: it stays until it returns. */
  TObjectPtr<UMoqHandle> Running;
};
