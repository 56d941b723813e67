// What the C++ of engine-plugins/unreal/Project touches of the engine and of Puerts, and nothing
// else does.
#pragma once

#include "CoreMinimal.h"
#include "UObject/Object.h"

#include "ProjectEngine.generated.h"

namespace EComponentMobility {
enum Type { Static, Stationary, Movable };
}

UCLASS()
class AActor : public UObject {
  GENERATED_BODY()

public:
  void SetActorEnableCollision(bool bEnabled) { bCollides = bEnabled; }
  bool bCollides = true;
};

UCLASS()
class UStaticMesh : public UObject {
  GENERATED_BODY()
};

UCLASS()
class UStaticMeshComponent : public UObject {
  GENERATED_BODY()

public:
  bool SetStaticMesh(UStaticMesh*) { return true; }
};

UCLASS()
class AStaticMeshActor : public AActor {
  GENERATED_BODY()

public:
  AStaticMeshActor() : Component(NewObject<UStaticMeshComponent>(this)) {}
  void SetMobility(EComponentMobility::Type InMobility) { Mobility = InMobility; }
  UStaticMeshComponent* GetStaticMeshComponent() const { return Component; }
  EComponentMobility::Type Mobility = EComponentMobility::Static;

private:
  UPROPERTY()
  TObjectPtr<UStaticMeshComponent> Component;
};

/** Binds the events that scripts bind. */
UCLASS()
class UMoqGameListener : public UObject {
  GENERATED_BODY()

public:
  UFUNCTION()
  void HandleFrame(float DeltaSeconds) { Seconds += DeltaSeconds; }
  UFUNCTION()
  void HandleEnd() { ++Ends; }

  float Seconds = 0;
  int32 Ends = 0;
};

namespace ConstructorHelpers {
/** Finds nothing: there are no assets. */
template <class T>
struct FObjectFinder {
  explicit FObjectFinder(const TCHAR*) {}
  T* Object = nullptr;
};
} // namespace ConstructorHelpers

namespace puerts {
/** A script environment that keeps what it was told to run. */
class FJsEnv {
public:
  FJsEnv() { ++Alive; }
  ~FJsEnv() { --Alive; }
  FJsEnv(const FJsEnv&) = delete;
  FJsEnv& operator=(const FJsEnv&) = delete;
  void Start(const FString& ModuleName, const TArray<TPair<FString, UObject*>>& Arguments) {
    Module = ModuleName;
    Name = Arguments[0].Key;
    Argument = Arguments[0].Value;
  }
  static inline int32 Alive = 0;
  static inline FString Module;
  static inline FString Name;
  static inline UObject* Argument = nullptr;
};
} // namespace puerts
