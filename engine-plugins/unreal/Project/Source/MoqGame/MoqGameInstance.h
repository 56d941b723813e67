// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "Containers/Ticker.h"
#include "CoreMinimal.h"
#include "Engine/GameInstance.h"

#include "MoqGameInstance.generated.h"

class AActor;
class UStaticMesh;
namespace puerts {
class FJsEnv;
}

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FMoqGameFrame, float, DeltaSeconds);
DECLARE_DYNAMIC_MULTICAST_DELEGATE(FMoqGameEnd);

/**
 * Runs TypeScript/main.ts for as long as the game runs, one script environment for each game
 * instance: what the script needs of the engine, and when its frames are.
 */
UCLASS(Config = Game)
class UMoqGameInstance : public UGameInstance {
  GENERATED_BODY()

public:
  UMoqGameInstance();

  /** https://… (WebTransport) or moqt://… (QUIC). Empty: the game stays alone. */
  UPROPERTY(Config, BlueprintReadOnly, Category = "MoQ")
  FString RelayUrl;
  /** SHA-256 of a development certificate, in hexadecimal. */
  UPROPERTY(Config, BlueprintReadOnly, Category = "MoQ")
  FString RelayCertificateHash;
  UPROPERTY(Config, BlueprintReadOnly, Category = "MoQ")
  FString MatchName = TEXT("demo");

  /** Once a frame, on the game thread. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqGameFrame OnFrame;
  /** Once, before the script environment goes. */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqGameEnd OnGameEnd;

  /** A sphere that scripts move. Null while there is no world. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  AActor* SpawnBody();

  void Init() override;
  void Shutdown() override;

private:
  bool Frame(float DeltaSeconds);

  UPROPERTY(Transient)
  TObjectPtr<UStaticMesh> BodyMesh;

  TSharedPtr<puerts::FJsEnv> Script;
  FTSTicker::FDelegateHandle Ticker;
};
