// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "Kismet/BlueprintFunctionLibrary.h"
#include "MoqTypes.h"

#include "MoqText.generated.h"

/** Text as the bytes of an update, and back: UTF-8, as every other client of a match reads it. */
UCLASS()
class MOQ_API UMoqText : public UBlueprintFunctionLibrary {
  GENERATED_BODY()

public:
  UFUNCTION(BlueprintPure, Category = "MoQ", meta = (DisplayName = "Text to MoQ Bytes"))
  static TArray<uint8> ToBytes(const FString& Text);
  /** What is no UTF-8 becomes the replacement character. */
  UFUNCTION(BlueprintPure, Category = "MoQ", meta = (DisplayName = "MoQ Bytes to Text"))
  static FString FromBytes(const TArray<uint8>& Bytes);
  /** One line for a log or a screen: the code, what happened, and the peer's own code. */
  UFUNCTION(BlueprintPure, Category = "MoQ",
            meta = (DisplayName = "MoQ Error to Text", BlueprintAutocast))
  static FString Conv_MoqErrorToString(const FMoqError& Error) { return Error.ToString(); }
  /** Whether it is one: an End that was asked for has the code Ok. */
  UFUNCTION(BlueprintPure, Category = "MoQ", meta = (DisplayName = "Is MoQ Error"))
  static bool IsError(const FMoqError& Error) { return Error.IsError(); }
};
