// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "Containers/Ticker.h"
#include "CoreMinimal.h"
#include "MoqTypes.h"
#include "Subsystems/GameInstanceSubsystem.h"

#include "MoqSubsystem.generated.h"

class UMoqClient;
class UMoqRelay;
struct FMoqState;

/**
 * MoQ for one game instance; several live side by side in the editor. Everything that arrived is
 * handed out in its tick, on the game thread, within the budget of the settings. When the game
 * instance ends, its clients and relays end with it.
 */
UCLASS()
class MOQ_API UMoqSubsystem : public UGameInstanceSubsystem {
  GENERATED_BODY()

public:
  /** Of the game instance of an object of the world; null without one. */
  UFUNCTION(BlueprintPure, Category = "MoQ", meta = (WorldContext = "WorldContextObject"))
  static UMoqSubsystem* GetMoq(const UObject* WorldContextObject);

  bool ShouldCreateSubsystem(UObject* Outer) const override;
  void Initialize(FSubsystemCollectionBase& Collection) override;
  void Deinitialize() override;
  void BeginDestroy() override;

  /** Whether the native library is there and fits. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  bool IsAvailable() const;
  /** What is wrong and what to do, when it is not available. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FString GetProblem() const;
  /** Version of the native library. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FString GetLibraryVersion() const;

  /** Begins to connect and returns at once. Null on wrong options; the log and Error say why. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  UMoqClient* Connect(const FMoqConnectOptions& Options, FMoqError& Error);
  /** Begins to start a relay and returns at once. Null without a library. */
  UFUNCTION(BlueprintCallable, Category = "MoQ", meta = (AutoCreateRefTerm = "Options"))
  UMoqRelay* StartRelay(const FMoqRelayOptions& Options, FMoqError& Error);

  UFUNCTION(BlueprintPure, Category = "MoQ")
  TArray<UMoqClient*> GetClients() const;
  UFUNCTION(BlueprintPure, Category = "MoQ")
  TArray<UMoqRelay*> GetRelays() const;
  /** The relays of all game instances of this process: how a client of play in the editor finds the
   * server's. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  static TArray<UMoqRelay*> GetRelaysOfProcess();
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FMoqTickStats GetTickStats() const;

  /** Hands out what arrived. The ticker calls it; a game may too, for example right before it
   * simulates. */
  void Drain();

private:
  bool OnTick(float DeltaSeconds);
  /** Loads the library when that was not tried since it was last unloaded. */
  bool HasLibrary() const;
  /** Ends clients under which the library was unloaded. */
  void EndClientsWithoutLibrary();
  /** For the process's statistics. */
  void CountClients(int32 Has);

  UPROPERTY(Transient)
  TArray<TObjectPtr<UMoqClient>> Clients;
  UPROPERTY(Transient)
  TArray<TObjectPtr<UMoqRelay>> Relays;

  TSharedPtr<FMoqState> State;
  FTSTicker::FDelegateHandle Ticker;
  int32 ClientsCounted = 0;

  friend class UMoqClient;
};
