// Worlds, game instances, subsystems and what Blueprints call.
#pragma once

#include "Shim/Delegates.h"
#include "Shim/Object.h"

enum ENetMode { NM_Standalone, NM_DedicatedServer, NM_ListenServer, NM_Client };
enum class EGetWorldErrorMode { ReturnNull, LogAndReturnNull, Assert };
namespace EWorldType {
enum Type { None, Game, Editor, PIE };
}

class UGameInstance;
class USubsystem;

class FSubsystemCollectionBase {
public:
  explicit FSubsystemCollectionBase(UGameInstance* InOwner) : Owner(InOwner) {}
  template <class T>
  T* InitializeDependency() {
    return static_cast<T*>(ShimGet(T::StaticClass()));
  }
  USubsystem* ShimGet(UClass* Class);

private:
  UGameInstance* Owner;
};

class USubsystem : public UObject {
public:
  using ThisClass = USubsystem;
  using Super = UObject;
  static UClass* StaticClass();
  virtual bool ShouldCreateSubsystem(UObject*) const { return true; }
  virtual void Initialize(FSubsystemCollectionBase&) {}
  virtual void Deinitialize() {}
};

class UGameInstanceSubsystem : public USubsystem {
public:
  using ThisClass = UGameInstanceSubsystem;
  using Super = USubsystem;
  static UClass* StaticClass();
  UGameInstance* GetGameInstance() const;
  UWorld* GetWorld() const override;
};

class UWorld : public UObject {
public:
  using ThisClass = UWorld;
  using Super = UObject;
  static UClass* StaticClass();
  void ShimVisitOwn(Shim::FVisitor& Visitor);
  UGameInstance* GetGameInstance() const { return Game; }
  UWorld* GetWorld() const override { return const_cast<UWorld*>(this); }
  ENetMode GetNetMode() const { return Mode; }
  bool IsNetMode(ENetMode Wanted) const { return Mode == Wanted; }
  void DestroyWorld(bool) { MarkAsGarbage(); }
  template <class T>
  T* SpawnActor() {
    return NewObject<T>(this);
  }
  UGameInstance* Game = nullptr;
  ENetMode Mode = NM_Standalone;
};

class UGameInstance : public UObject {
public:
  using ThisClass = UGameInstance;
  using Super = UObject;
  static UClass* StaticClass();
  void ShimVisitOwn(Shim::FVisitor& Visitor);

  void InitializeStandalone();
  virtual void Init();
  virtual void Shutdown();
  UWorld* GetWorld() const override { return World; }
  // Also one that play in the editor runs as a dedicated server.
  bool IsDedicatedServerInstance() const { return IsRunningDedicatedServer() || bShimDedicated; }
  // To another world; the old one is thrown away.
  UWorld* ShimTravel();
  bool bShimDedicated = false;
  template <class T>
  T* GetSubsystem() const {
    return static_cast<T*>(ShimSubsystem(T::StaticClass()));
  }
  template <class T>
  static T* GetSubsystem(const UGameInstance* Game) {
    return Game ? Game->GetSubsystem<T>() : nullptr;
  }
  void RegisterReferencedObject(UObject* Object) { Referenced.AddUnique(Object); }
  void UnregisterReferencedObject(UObject* Object) { Referenced.Remove(Object); }
  USubsystem* ShimSubsystem(const UClass* Class) const;

private:
  friend class FSubsystemCollectionBase;
  UWorld* World = nullptr;
  TArray<USubsystem*> Subsystems;
  TArray<UObject*> Referenced;
};

class UEngine : public UObject {
public:
  using ThisClass = UEngine;
  using Super = UObject;
  static UClass* StaticClass();
  UWorld* GetWorldFromContextObject(const UObject* Object, EGetWorldErrorMode Mode) const;
  void DestroyWorldContext(UWorld*) {}
  // Console commands of the engine: "stat GROUP" shows a group of counters, or hides it.
  bool Exec(UWorld* World, const TCHAR* Command);
};
extern UEngine* GEngine;

class UBlueprintFunctionLibrary : public UObject {
public:
  using ThisClass = UBlueprintFunctionLibrary;
  using Super = UObject;
  static UClass* StaticClass();
};

class UBlueprintAsyncActionBase : public UObject {
public:
  using ThisClass = UBlueprintAsyncActionBase;
  using Super = UObject;
  static UClass* StaticClass();
  virtual void Activate() {}
  void RegisterWithGameInstance(const UObject* WorldContextObject);
  virtual void SetReadyToDestroy();
  void BeginDestroy() override {
    SetReadyToDestroy();
    Super::BeginDestroy();
  }

protected:
  TWeakObjectPtr<UGameInstance> RegisteredWithGameInstance;
};

class UDeveloperSettings : public UObject {
public:
  using ThisClass = UDeveloperSettings;
  using Super = UObject;
  static UClass* StaticClass();
  virtual FName GetContainerName() const { return TEXT("Project"); }
  virtual FName GetCategoryName() const;
  virtual FName GetSectionName() const { return FName(GetClass()->Shim().Name); }

protected:
  FName CategoryName;
};

enum class EReloadCompleteReason { None, HotReloadAutomatic, HotReloadManual };
struct FCoreDelegates {
  static FSimpleMulticastDelegate OnPreExit;
  static FSimpleMulticastDelegate OnEnginePreExit;
};
