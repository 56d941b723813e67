// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// The native library: missing, of another version, wrong options; settings and console variables.
#include "MoqScene.h"

#include "Engine/GameInstance.h"
#include "HAL/IConsoleManager.h"
#include "HAL/PlatformMisc.h"
#include "Interfaces/IPluginManager.h"
#include "Misc/FileHelper.h"
#include "Misc/Paths.h"
#include "MoqModule.h"
#include "MoqSettings.h"

BEGIN_DEFINE_SPEC(FMoqLibrarySpec, "Moq.Library", MoqTestFlags)
TSharedPtr<FMoqScene> Scene;
void IsUnavailable(const FString& Part);
void ExpectWordsOfTheEngine();
END_DEFINE_SPEC(FMoqLibrarySpec)

void FMoqLibrarySpec::ExpectWordsOfTheEngine() {
  // What the engine says of its own when the system does not load a file.
#if PLATFORM_WINDOWS
  AddExpectedError(TEXT("Failed to load"), EAutomationExpectedErrorFlags::Contains, 0);
#else
  AddExpectedError(TEXT("dlopen"), EAutomationExpectedErrorFlags::Contains, 0);
#endif
}

void FMoqLibrarySpec::IsUnavailable(const FString& Part) {
  Scene->StartGame();
  UMoqSubsystem* const Moq = Scene->Moq();
  TestFalse(TEXT("available"), Moq->IsAvailable());
  TestTrue(TEXT("the problem is told: ") + Moq->GetProblem(), Moq->GetProblem().Contains(Part));
  FMoqError Error;
  FMoqConnectOptions Options;
  Options.Url = TEXT("moqt://127.0.0.1:1");
  for (int32 Index = 0; Index < 10; ++Index)
    TestNull(TEXT("a client"), Moq->Connect(Options, Error));
  TestTrue(TEXT("the error"),
           Error.Code == EMoqErrorCode::Unavailable && Error.Message.Contains(Part));
  for (int32 Index = 0; Index < 10; ++Index)
    Moq->Drain();
}

void FMoqLibrarySpec::Define() {
  BeforeEach([this]() { Scene = MakeShared<FMoqScene>(*this); });
  AfterEach([this]() { Scene.Reset(); });

  Describe(TEXT("a library that does not fit"), [this]() {
    BeforeEach([]() { IMoqModule::Get().UnloadLibrary(); });
    AfterEach([this]() {
      Scene.Reset();
      IMoqModule::Get().UnloadLibrary();
      TestTrue(TEXT("the right one is loaded again"), IMoqModule::Get().EnsureLibrary());
    });

    It(TEXT("is missing: one line says so, and the game goes on"), [this]() {
      AddExpectedError(TEXT("reinstall the Moq plugin"), EAutomationExpectedErrorFlags::Contains,
                       1);
      const FString Path = TEXT("/nowhere/libmoq_ffi.so");
      TestFalse(TEXT("loaded"), IMoqModule::Get().LoadLibraryFrom(Path));
      IsUnavailable(TEXT("no such file"));
    });

    It(TEXT("is for another platform: one line says so, and the game goes on"), [this]() {
      AddExpectedError(TEXT("reinstall the Moq plugin"), EAutomationExpectedErrorFlags::Contains,
                       1);
      ExpectWordsOfTheEngine();
      const TSharedPtr<IPlugin> Plugin = IPluginManager::Get().FindPlugin(TEXT("Moq"));
      const FString NoLibrary = FPaths::ConvertRelativePathToFull(
          FPaths::Combine(Plugin->GetBaseDir(), TEXT("Moq.uplugin")));
      TestFalse(TEXT("loaded"), IMoqModule::Get().LoadLibraryFrom(NoLibrary));
      IsUnavailable(TEXT("built for another platform"));
    });

    It(TEXT("is cut short: one line says so, and the game goes on"), [this]() {
      AddExpectedError(TEXT("reinstall the Moq plugin"), EAutomationExpectedErrorFlags::Contains,
                       1);
      TArray<uint8> File;
      TestTrue(TEXT("the library is read"),
               FFileHelper::LoadFileToArray(File, *IMoqModule::Get().GetLibraryPath()));
      // Less than what the system maps; what lies behind that are symbols.
      File.SetNum(65536);
      const FString Beginning =
          FPaths::ConvertRelativePathToFull(FPaths::ProjectSavedDir() / TEXT("MoqCutShort.bin"));
      TestTrue(TEXT("its beginning is written"), FFileHelper::SaveArrayToFile(File, *Beginning));
#if PLATFORM_LINUX
      const FString Part = TEXT("cut short");
#else
      ExpectWordsOfTheEngine();
      const FString Part = TEXT("could not be loaded");
#endif
      TestFalse(TEXT("loaded"), IMoqModule::Get().LoadLibraryFrom(Beginning));
      IsUnavailable(Part);
    });

    const FString Old = FPlatformMisc::GetEnvironmentVariable(TEXT("MOQ_TEST_OLD_LIBRARY"));
    if (Old.IsEmpty()) {
      AddInfo(
          TEXT("not tested: a library of another version, for MOQ_TEST_OLD_LIBRARY names none"));
    } else {
      It(TEXT("is of another version: one line says so, and the game goes on"), [this, Old]() {
        AddExpectedError(TEXT("reinstall the Moq plugin"), EAutomationExpectedErrorFlags::Contains,
                         1);
        TestFalse(TEXT("loaded"), IMoqModule::Get().LoadLibraryFrom(Old));
        IsUnavailable(TEXT("version"));
      });
    }
  });

  Describe(TEXT("the library"), [this]() {
    It(TEXT("tells its version, and what is wrong with options, by name"), [this]() {
      AddExpectedError(TEXT("url"), EAutomationExpectedErrorFlags::Contains, 1);
      Scene->StartGame();
      UMoqSubsystem* const Moq = Scene->Moq();
      TestTrue(TEXT("available: ") + Moq->GetProblem(), Moq->IsAvailable());
      TestTrue(TEXT("no problem"), Moq->GetProblem().IsEmpty());
      TestTrue(TEXT("a version"), Moq->GetLibraryVersion().Contains(TEXT(".")));
      FMoqError Error;
      for (int32 Index = 0; Index < 10; ++Index)
        TestNull(TEXT("a client"), Moq->Connect(FMoqConnectOptions(), Error));
      TestTrue(TEXT("the code"), Error.Code == EMoqErrorCode::InvalidArgument);
      TestTrue(TEXT("the option is named: ") + Error.Message, Error.Message.Contains(TEXT("url")));
    });

    It(TEXT("can be let go of while a client is open, and loaded again"), [this]() {
      Scene->StartGame();
      FMoqConnectOptions Options;
      Options.Url = TEXT("moqt://127.0.0.1:1");
      FMoqError Error;
      Scene->Client = Scene->Moq()->Connect(Options, Error);
      TestTrue(TEXT("a client"), Scene->Client.IsValid());
      TestTrue(TEXT("unloaded"), IMoqModule::Get().UnloadLibrary());
      TestFalse(TEXT("available"), Scene->Moq()->IsAvailable());
      Scene->Moq()->Drain();
      Scene->Client->Close();
      TestTrue(TEXT("loaded again"), IMoqModule::Get().EnsureLibrary());
      TestTrue(TEXT("available again"), Scene->Moq()->IsAvailable());
    });
  });

  Describe(TEXT("the settings"), [this]() {
    It(TEXT("have their page among the plugins of the project"), [this]() {
      const UMoqSettings* const Settings = GetDefault<UMoqSettings>();
      TestEqual(TEXT("container"), Settings->GetContainerName().ToString(),
                FString(TEXT("Project")));
      TestEqual(TEXT("category"), Settings->GetCategoryName().ToString(), FString(TEXT("Plugins")));
      TestEqual(TEXT("section"), Settings->GetSectionName().ToString(),
                FString(TEXT("MoqSettings")));
    });

    It(TEXT("have console variables with help"), [this]() {
      for (const TCHAR* const Name : {TEXT("moq.Budget.Milliseconds"), TEXT("moq.Budget.Records"),
                                      TEXT("moq.Budget.Bytes"), TEXT("moq.LogLevel")}) {
        IConsoleVariable* const Variable = IConsoleManager::Get().FindConsoleVariable(Name);
        if (TestNotNull(Name, Variable))
          TestTrue(Name, Variable->GetInt() == -1 && FString(Variable->GetHelp()).Len() > 20);
      }
    });

    It(TEXT("say whether dedicated servers have MoQ"), [this]() {
      UGameInstance* const Game = Scene->StartGame();
      UMoqSettings* const Settings = GetMutableDefault<UMoqSettings>();
      const bool bWas = Settings->bOnDedicatedServers;
      const UMoqSubsystem* const Default = GetDefault<UMoqSubsystem>();
      Settings->bOnDedicatedServers = true;
      TestTrue(TEXT("allowed"), Default->ShouldCreateSubsystem(Game));
      Settings->bOnDedicatedServers = false;
      TestEqual(TEXT("not allowed on a dedicated server, elsewhere all the same"),
                Default->ShouldCreateSubsystem(Game), !Game->IsDedicatedServerInstance());
      Settings->bOnDedicatedServers = bWas;
    });
  });
}
