// What the C++ code of README.md and docs/unreal.md is a part of.
#pragma once

#include "CoreMinimal.h"
#include "UObject/Object.h"

#include "MyPawn.generated.h"

class UMoqClient;
class UMoqPublication;
class UWorld;
struct FMoqObjectView;

namespace EEndPlayReason {
enum Type { Destroyed, LevelTransition, EndPlayInEditor, RemovedFromWorld, Quit };
}

/** As much of the engine's pawn as that code touches. */
UCLASS()
class APawn : public UObject {
  GENERATED_BODY()

public:
  virtual void BeginPlay() {}
  virtual void EndPlay(const EEndPlayReason::Type) {}
  UWorld* GetWorld() const override;

  UPROPERTY()
  TObjectPtr<UWorld> Where;
};

UCLASS()
class AMyPawn : public APawn {
  GENERATED_BODY()

public:
  /** The code of docs/unreal.md. */
  void BeginPlay() override;
  void EndPlay(const EEndPlayReason::Type Reason) override;
  /** That of README.md. */
  void FromReadme();
  void HandleObject(const FMoqObjectView& Object);

  UPROPERTY()
  TObjectPtr<UMoqClient> Connection;
  UPROPERTY()
  TObjectPtr<UMoqPublication> Publication;
  int32 Objects = 0;
  /** The relay that stands for the documents' own. */
  static FString Relay;
};
