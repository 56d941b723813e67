// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "Engine/DeveloperSettings.h"

#include "MoqSettings.generated.h"

/** Project Settings > Plugins > MoQ. Console variables moq.… override it while the game runs. */
UCLASS(Config = Game, DefaultConfig, meta = (DisplayName = "MoQ"))
class MOQ_API UMoqSettings : public UDeveloperSettings {
  GENERATED_BODY()

public:
  UMoqSettings();

  /** Game thread time that one tick may spend on handing out what arrived, in ms; 0: no limit. */
  UPROPERTY(Config, EditAnywhere, Category = "Budget", meta = (ClampMin = "0"))
  float BudgetMilliseconds = 2.0f;
  /** Most objects and events for each tick; 0: no limit. */
  UPROPERTY(Config, EditAnywhere, Category = "Budget", meta = (ClampMin = "0"))
  int32 BudgetRecords = 0;
  /** Most bytes for each tick; 0: no limit. */
  UPROPERTY(Config, EditAnywhere, Category = "Budget", meta = (ClampMin = "0"))
  int32 BudgetBytes = 0;
  /** Dedicated servers have it too. */
  UPROPERTY(Config, EditAnywhere, Category = "Server")
  bool bOnDedicatedServers = true;
  /** How much of the native library's log goes to LogMoq: 0 nothing, 1 errors, 2 warnings, 3
   * information, 4 details, 5 everything. */
  UPROPERTY(Config, EditAnywhere, Category = "Log", meta = (ClampMin = "0", ClampMax = "5"))
  int32 NativeLogLevel = 2;
};
