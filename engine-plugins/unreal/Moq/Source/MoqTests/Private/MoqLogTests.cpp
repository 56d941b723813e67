// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// What of the native library's log reaches LogMoq, and how often.
#include "MoqScene.h"
#include "MoqSettingsKept.h"

#include "HAL/PlatformTime.h"
#include "MoqCore/Library.h"
#include "MoqModule.h"

/** Steps: a client that takes any certificate, of which the native library warns. */
static void ConnectInsecurely(const TSharedRef<FMoqScene>& Scene,
                              const TSharedRef<FMoqSettingsKept>& Kept, int32 Setting,
                              int32 Variable) {
  Scene->Do([Kept, Setting, Variable]() {
    Kept->Settings->NativeLogLevel = Setting;
    FMoqSettingsKept::Set(TEXT("moq.LogLevel"), Variable);
  });
  Scene->Frames(2);
  Scene->Do([Scene]() {
    FMoqConnectOptions Options;
    Options.Url = Scene->Relay->GetQuicUrl();
    Options.bInsecure = true;
    FMoqError Error;
    Scene->Client->Close();
    Scene->Client = Scene->Moq()->Connect(Options, Error);
  });
  Scene->Until(TEXT("open"),
               [Scene]() { return Scene->Client->GetState() == EMoqClientState::Open; });
  Scene->Frames(2);
  Scene->Do([Kept]() { FMoqSettingsKept::Set(TEXT("moq.LogLevel"), -1); });
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqSilentTest, "Moq.Library.TheLogLevelSilences", MoqTestFlags)

bool FMoqSilentTest::RunTest(const FString&) {
  // A warning would fail the test.
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<FMoqSettingsKept> Kept = MakeShared<FMoqSettingsKept>();
  // Forgets which lines were there before.
  IMoqModule::Get().UnloadLibrary();
  IMoqModule::Get().EnsureLibrary();
  Scene->StartGameWithRelay();
  ConnectInsecurely(Scene, Kept, 2, 0);
  ConnectInsecurely(Scene, Kept, 0, -1);
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqLoudTest, "Moq.Library.TheLogLevelLetsWarningsThroughOnce",
                                 MoqTestFlags)

bool FMoqLoudTest::RunTest(const FString&) {
  AddExpectedError(TEXT("certificate"), EAutomationExpectedErrorFlags::Contains, 1);
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<FMoqSettingsKept> Kept = MakeShared<FMoqSettingsKept>();
  // Forgets which lines were there before.
  IMoqModule::Get().UnloadLibrary();
  IMoqModule::Get().EnsureLibrary();
  Scene->StartGameWithRelay();
  ConnectInsecurely(Scene, Kept, 0, 2);
  ConnectInsecurely(Scene, Kept, 2, -1);
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqFloodTest, "Moq.Library.AFloodOfLogLinesIsOneLine",
                                 MoqTestFlags)

bool FMoqFloodTest::RunTest(const FString&) {
  AddExpectedError(TEXT("certificate"), EAutomationExpectedErrorFlags::Contains, 1);
  AddExpectedError(TEXT("came too fast"), EAutomationExpectedErrorFlags::Contains, 1);
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  // Forgets which lines were there before.
  IMoqModule::Get().UnloadLibrary();
  IMoqModule::Get().EnsureLibrary();
  Scene->StartGameWithRelay();
  for (int32 Round = 0; Round < 3; ++Round) {
    // More warnings in one tick than are kept for it.
    Scene->Do([Scene]() {
      moq::unreal::Library& Library = moq::unreal::Library::Get();
      const std::uint64_t Before = Library.DroppedLogLines();
      FMoqConnectOptions Options;
      Options.Url = Scene->Relay->GetQuicUrl();
      Options.bInsecure = true;
      const double Limit = FPlatformTime::Seconds() + 20;
      while (Library.DroppedLogLines() == Before && FPlatformTime::Seconds() < Limit) {
        FMoqError Error;
        UMoqClient* const Client = Scene->Moq()->Connect(Options, Error);
        Client->Close();
      }
      Scene->Test.TestTrue(TEXT("lines are dropped"), Library.DroppedLogLines() > Before);
    });
    Scene->Frames(2);
  }
  Scene->End();
  // What was held back would be told in the midst of another test, 10 s after the first line.
  Scene->Do([]() {
    IMoqModule::Get().UnloadLibrary();
    IMoqModule::Get().EnsureLibrary();
  });
  return true;
}
