// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "Modules/ModuleManager.h"

IMPLEMENT_PRIMARY_GAME_MODULE(FDefaultGameModuleImpl, MoqGame, "MoqGame");
