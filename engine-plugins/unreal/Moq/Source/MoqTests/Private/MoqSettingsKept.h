// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "HAL/IConsoleManager.h"
#include "MoqSettings.h"

/** Settings and console variables, as they were before once it goes. */
class FMoqSettingsKept {
public:
  FMoqSettingsKept()
      : Milliseconds(Settings->BudgetMilliseconds), Records(Settings->BudgetRecords),
        Bytes(Settings->BudgetBytes), Level(Settings->NativeLogLevel) {}
  ~FMoqSettingsKept() {
    Settings->BudgetMilliseconds = Milliseconds;
    Settings->BudgetRecords = Records;
    Settings->BudgetBytes = Bytes;
    Settings->NativeLogLevel = Level;
    for (const TCHAR* const Name : {TEXT("moq.Budget.Milliseconds"), TEXT("moq.Budget.Records"),
                                    TEXT("moq.Budget.Bytes"), TEXT("moq.LogLevel")})
      Set(Name, -1);
  }
  static void Set(const TCHAR* Name, int32 Value) {
    IConsoleManager::Get().FindConsoleVariable(Name)->Set(Value);
  }

  UMoqSettings* const Settings = GetMutableDefault<UMoqSettings>();

private:
  const float Milliseconds;
  const int32 Records;
  const int32 Bytes;
  const int32 Level;
};
