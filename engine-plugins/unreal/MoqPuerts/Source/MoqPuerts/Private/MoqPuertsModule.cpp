// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "BridgeBinding.h"
#include "ScriptBridge.h"

#include "CoreMinimal.h"
#include "Modules/ModuleManager.h"
#include "MoqModule.h"

/** Makes MoqBridge known to Puerts before the first script environment is made. */
class FMoqPuertsModule final : public IModuleInterface {
public:
  void StartupModule() override {
    // Cooking and other commandlets run no gameplay scripts.
    if (!IsRunningCommandlet())
      IMoqModule::Get().EnsureLibrary();
    moq::unreal::RegisterScriptBridge();
  }

  void ShutdownModule() override { moq::unreal::CloseScriptBridges(); }

  /** Puerts keeps pointers into this module. */
  bool SupportsDynamicReloading() override { return false; }
};

IMPLEMENT_MODULE(FMoqPuertsModule, MoqPuerts)
