// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "MoqHandle.h"

#include "MoqDiscovery.generated.h"

DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FMoqNamespaceEvent, const FString&, Namespace, bool,
                                             bAdded);

/** Namespaces at or under a prefix: those that exist, then their changes. */
UCLASS(BlueprintType)
class MOQ_API UMoqDiscovery : public UMoqRequest {
  GENERATED_BODY()

public:
  /** The fields joined with "/". */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqNamespaceEvent OnNamespace;

  /** Those that are there now. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  TArray<FString> GetNamespaces() const { return Namespaces; }

  void OnRecord(const moq::Record& Record) override;

private:
  TArray<FString> Namespaces;
};
