// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqSettings.h"

UMoqSettings::UMoqSettings() {
  CategoryName = TEXT("Plugins");
}
