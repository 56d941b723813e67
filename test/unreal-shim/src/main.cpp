// Starts what an engine starts, runs the automation tests, ends what an engine ends.
//   unreal-shim [--list] [PART_OF_A_NAME …]
#include "Shim/Async.h"
#include "Shim/Automation.h"
#include "Shim/Engine.h"
#include "Shim/Modules.h"

namespace Shim {
void MakeDefaultObjects();
}

int main(int Count, char** Arguments) {
  TArray<FString> Filters;
  bool bList = false;
  for (int Index = 1; Index < Count; ++Index) {
    if (std::strcmp(Arguments[Index], "--list") == 0)
      bList = true;
    else
      Filters.Add(Arguments[Index]);
  }
  Shim::MakeDefaultObjects();
  GEngine = NewObject<UEngine>();
  GEngine->AddToRoot();
  const FName Modules[] = {TEXT("Moq"), TEXT("MoqTests")};
  for (const FName& Module : Modules)
    FModuleManager::Get().LoadModule(Module);
  const int32 Failed = FAutomationTestFramework::Get().RunAll(Filters, bList);
  Shim::JoinAll();
  CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
  FCoreDelegates::OnPreExit.Broadcast();
  FCoreDelegates::OnEnginePreExit.Broadcast();
  for (int32 Index = 1; Index >= 0; --Index)
    FModuleManager::Get().UnloadModule(Modules[Index]);
  std::printf("modules unloaded\n");
  return Failed == 0 ? 0 : 1;
}
