// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// Publishing and subscribing over a real relay.
#include "MoqScene.h"

#include "Async/Async.h"
#include "HAL/IConsoleManager.h"
#include "HAL/PlatformProcess.h"
#include "HAL/PlatformTime.h"
#include "MoqCore/Library.h"
#include "MoqDiscovery.h"
#include "MoqModule.h"
#include "MoqSettings.h"

#include <atomic>

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqReliableTest, "Moq.Track.ReliableGivesEverythingInOrder",
                                 MoqTestFlags)

bool FMoqReliableTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene]() {
    Scene->Test.TestEqual(TEXT("draft"), Scene->Client->GetProtocol().Draft, 18);
    Scene->Test.TestEqual(TEXT("transport"), Scene->Client->GetProtocol().Transport,
                          FString(TEXT("quic")));
    for (int32 Index = 0; Index < 60; ++Index) {
      const bool bKeyframe = Index % 20 == 0;
      const EMoqSend Sent = bKeyframe ? Scene->Publication->SendKeyframe(FMoqScene::Bytes(Index))
                                      : Scene->Publication->Send(FMoqScene::Bytes(Index));
      Scene->Test.TestTrue(TEXT("accepted"), Sent == EMoqSend::Accepted);
    }
  });
  Scene->Until(TEXT("60 objects"), [Scene]() { return Scene->Listener->Objects.Num() >= 60; });
  Scene->Do([Scene]() {
    Scene->AllInOrder(0, 60);
    Scene->Test.TestTrue(TEXT("the first is a keyframe"), Scene->Listener->Objects[0].bKeyframe);
    Scene->Test.TestFalse(TEXT("the second is none"), Scene->Listener->Objects[1].bKeyframe);
    Scene->Test.TestEqual(TEXT("groups"),
                          Scene->Listener->Objects[59].Group - Scene->Listener->Objects[0].Group,
                          int64(2));
    Scene->Publication->End();
  });
  Scene->Until(TEXT("the subscription ends"),
               [Scene]() { return Scene->Listener->Ends.Num() > 0; });
  Scene->Frames(10);
  Scene->Do([Scene]() {
    Scene->Test.TestEqual(TEXT("ends"), Scene->Listener->Ends.Num(), 1);
    Scene->Test.TestTrue(TEXT("ended normally"),
                         Scene->Listener->Ends[0].Code == EMoqErrorCode::Ok);
    Scene->Test.TestEqual(TEXT("objects, still"), Scene->Listener->Objects.Num(), 60);
    Scene->Test.TestTrue(TEXT("bytes were sent"), Scene->Client->GetStats().BytesSent > 0);
    Scene->Client->OnEnd.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleEnd);
    Scene->Client->Close(20000);
    // A second time is no reason to throw away what the first one still sends.
    Scene->Client->Close(20000);
    Scene->Test.TestTrue(TEXT("not over yet"), Scene->Client->IsOpen());
  });
  Scene->Until(TEXT("the client has ended"), [Scene]() { return Scene->Listener->Ends.Num() > 1; });
  Scene->Do([Scene]() {
    Scene->Test.TestTrue(TEXT("and that normally"),
                         Scene->Listener->Ends[1].Code == EMoqErrorCode::Ok);
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqLatestTest, "Moq.Track.LatestAndDeadlineGiveTheLastUpdate",
                                 MoqTestFlags)

bool FMoqLatestTest::RunTest(const FString&) {
  for (const EMoqDelivery Delivery :
       {EMoqDelivery::Latest, EMoqDelivery::Deadline, EMoqDelivery::Datagram}) {
    const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
    FMoqPublishOptions Options;
    Options.Delivery = Delivery;
    Options.Deadline = 5000;
    Scene->StartGameWithRelay();
    Scene->StartTrack(Options);
    // One a frame: none is newer than another on its way for long.
    for (int32 Index = 0; Index < 20; ++Index)
      Scene->Do([Scene, Index]() { Scene->Publication->Send(FMoqScene::Bytes(Index)); });
    Scene->Until(TEXT("what was accepted is counted"), [Scene]() {
      const FMoqPublicationStats Stats = Scene->Publication->GetStats();
      return Stats.Objects == 20 && Stats.Bytes == 80 && Stats.QueuedObjects == 0;
    });
    Scene->Until(TEXT("the last update"), [Scene]() {
      return Scene->Listener->Objects.Num() > 0 &&
             FMoqScene::Value(Scene->Listener->Objects.Last().Bytes) == 19;
    });
    Scene->Do([Scene, Delivery]() {
      for (int32 Index = 1; Index < Scene->Listener->Objects.Num(); ++Index)
        Scene->Test.TestTrue(TEXT("only newer ones"),
                             FMoqScene::Value(Scene->Listener->Objects[Index].Bytes) >
                                 FMoqScene::Value(Scene->Listener->Objects[Index - 1].Bytes));
      Scene->Test.TestEqual(TEXT("the publisher's time is told"),
                            Scene->Listener->Objects.Last().PublishedAt > 0,
                            Delivery == EMoqDelivery::Deadline);
    });
    Scene->End();
  }
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqTooLargeTest, "Moq.Track.AFaultIsLoggedOnceAndNotForEachTick",
                                 MoqTestFlags)

bool FMoqTooLargeTest::RunTest(const FString&) {
  AddExpectedError(TEXT("Send on test/unreal track"), EAutomationExpectedErrorFlags::Contains, 1);
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  FMoqPublishOptions Options;
  Options.Delivery = EMoqDelivery::Datagram;
  Scene->StartGameWithRelay();
  Scene->StartTrack(Options);
  Scene->Do([Scene]() {
    TArray<uint8> Large;
    Large.SetNumZeroed(5000);
    for (int32 Index = 0; Index < 100; ++Index)
      Scene->Test.TestTrue(TEXT("too large"),
                           Scene->Publication->Send(Large) == EMoqSend::TooLarge);
    Scene->Test.TestTrue(TEXT("a small one goes"),
                         Scene->Publication->Send(FMoqScene::Bytes(7)) == EMoqSend::Accepted);
  });
  Scene->Until(TEXT("the small one"), [Scene]() { return Scene->Listener->Objects.Num() > 0; });
  Scene->Do([Scene]() { Scene->AllInOrder(7, 1); });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqDiscoveryTest,
                                 "Moq.Track.DiscoveryTellsNamespacesAsTheyComeAndGo", MoqTestFlags)

bool FMoqDiscoveryTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<TWeakObjectPtr<UMoqDiscovery>> Found =
      MakeShared<TWeakObjectPtr<UMoqDiscovery>>();
  const TSharedRef<TWeakObjectPtr<UMoqPublication>> Upper =
      MakeShared<TWeakObjectPtr<UMoqPublication>>();
  Scene->StartGameWithRelay();
  Scene->Do([Scene, Found, Upper]() {
    UMoqDiscovery* const Discovery = Scene->Client->Discover(TEXT("test"));
    Discovery->OnNamespace.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleNamespace);
    FMoqError Error;
    UMoqClient* const Other = Scene->Moq()->Connect(Scene->Relay->GetConnectOptions(), Error);
    Scene->Publication = Other->Publish(TEXT("test/äöü"), TEXT("track"), FMoqPublishOptions());
    // Two names, for they are bytes.
    *Found = Discovery;
    Other->Publish(TEXT("test/case"), TEXT("track"), FMoqPublishOptions());
    *Upper = Other->Publish(TEXT("test/CASE"), TEXT("track"), FMoqPublishOptions());
  });
  Scene->Until(TEXT("it appears"), [Scene, Found]() {
    return Scene->Listener->Namespaces.Contains(TEXT("+test/äöü")) &&
           (*Found)->GetNamespaces().Num() == 3;
  });
  Scene->Do([Scene, Upper]() {
    Scene->Publication->Close();
    (*Upper)->Close();
  });
  Scene->Until(TEXT("it goes away"), [Scene, Found]() {
    return Scene->Listener->Namespaces.Contains(TEXT("-test/äöü")) &&
           (*Found)->GetNamespaces().Num() == 1;
  });
  Scene->Do([Scene, Found]() {
    Scene->Test.TestTrue(TEXT("the one that is left"),
                         (*Found)->GetNamespaces()[0].Equals(TEXT("test/case")));
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqBudgetTest, "Moq.Tick.ATickEndsAtItsBudgetAndTheNextGoesOn",
                                 MoqTestFlags)

bool FMoqBudgetTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<int32> Most = MakeShared<int32>(0);
  const TSharedRef<int32> Before = MakeShared<int32>(0);
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene]() {
    IConsoleManager::Get().FindConsoleVariable(TEXT("moq.Budget.Records"))->Set(10);
    // Held, so that they come together however slow the machine is.
    Scene->Test.TestTrue(TEXT("held"), Scene->Subscription->Hold(true));
    for (int32 Index = 0; Index < 100; ++Index)
      Scene->Publication->Send(FMoqScene::Bytes(Index));
  });
  Scene->Frames(30);
  Scene->Do([Scene]() {
    Scene->Test.TestEqual(TEXT("objects while held"), Scene->Listener->Objects.Num(), 0);
    Scene->Test.TestTrue(TEXT("let go"), Scene->Subscription->Hold(false));
  });
  Scene->Until(TEXT("100 objects"), [Scene, Most, Before]() {
    const int32 Now = Scene->Listener->Objects.Num();
    *Most = FMath::Max(*Most, Now - *Before);
    *Before = Now;
    return Now >= 100;
  });
  Scene->Do([Scene, Most]() {
    IConsoleManager::Get().FindConsoleVariable(TEXT("moq.Budget.Records"))->Set(-1);
    Scene->AllInOrder(0, 100);
    Scene->Test.TestTrue(TEXT("no tick gave more than its budget"), *Most <= 10);
    Scene->Test.TestTrue(TEXT("ticks ended at their budget"),
                         Scene->Moq()->GetTickStats().TicksOverBudget >= 1);
  });
  Scene->End();
  return true;
}

namespace {

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

/** What bounds a tick, and how many objects of 4 bytes it may give then. */
struct FMoqBudgetCase {
  const TCHAR* What;
  float Milliseconds;
  int32 Records;
  int32 Bytes;
  /** Console variables. */
  int32 CVarMilliseconds;
  int32 CVarRecords;
  int32 CVarBytes;
  int32 Least;
  int32 Most;
};

} // namespace

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqBudgetSettingsTest,
                                 "Moq.Tick.ConsoleVariablesOverrideTheSettings", MoqTestFlags)

bool FMoqBudgetSettingsTest::RunTest(const FString&) {
  constexpr int32 Objects = 20;
  // The listener takes 3 ms for each object where a time is the bound.
  static const FMoqBudgetCase Cases[] = {
      {TEXT("nothing"), 0, 0, 0, -1, -1, -1, Objects, Objects},
      {TEXT("records, by the settings"), 0, 7, 0, -1, -1, -1, 1, 7},
      {TEXT("records, by the variable"), 0, 7, 0, -1, 3, -1, 1, 3},
      {TEXT("nothing, by the variable"), 0, 7, 8, -1, 0, 0, Objects, Objects},
      {TEXT("bytes, by the settings"), 0, 0, 8, -1, -1, -1, 1, 2},
      {TEXT("bytes, by the variable"), 0, 0, 0, -1, -1, 4, 1, 1},
      {TEXT("time, by the settings"), 0.5f, 0, 0, -1, -1, -1, 1, 1},
      {TEXT("time, by the variable"), 0, 0, 0, 1, -1, -1, 1, 1},
      {TEXT("no time, by the variable"), 0.5f, 0, 0, 0, -1, -1, Objects, Objects},
  };
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<FMoqSettingsKept> Kept = MakeShared<FMoqSettingsKept>();
  const TSharedRef<bool> bSlow = MakeShared<bool>(false);
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene, bSlow]() {
    Scene->Subscription->OnObjectNative.AddLambda([bSlow](const FMoqObjectView&) {
      if (*bSlow)
        FPlatformProcess::Sleep(0.003f);
    });
  });
  for (const FMoqBudgetCase& Case : Cases) {
    const TSharedRef<int32> Most = MakeShared<int32>(0);
    const TSharedRef<int32> Before = MakeShared<int32>(0);
    Scene->Do([Scene, Kept, bSlow, &Case]() {
      Scene->Listener->Objects.Reset();
      Scene->Subscription->Hold(true);
      for (int32 Index = 0; Index < Objects; ++Index)
        Scene->Publication->Send(FMoqScene::Bytes(Index));
      Kept->Settings->BudgetMilliseconds = Case.Milliseconds;
      Kept->Settings->BudgetRecords = Case.Records;
      Kept->Settings->BudgetBytes = Case.Bytes;
      FMoqSettingsKept::Set(TEXT("moq.Budget.Milliseconds"), Case.CVarMilliseconds);
      FMoqSettingsKept::Set(TEXT("moq.Budget.Records"), Case.CVarRecords);
      FMoqSettingsKept::Set(TEXT("moq.Budget.Bytes"), Case.CVarBytes);
      *bSlow = Case.Milliseconds > 0 || Case.CVarMilliseconds > 0;
    });
    Scene->Until(TEXT("all of them wait"),
                 [Scene]() { return Scene->Subscription->GetStats().QueuedObjects == Objects; });
    Scene->Do([Scene]() { Scene->Subscription->Hold(false); });
    Scene->Until(TEXT("all of them"), [Scene, Most, Before]() {
      const int32 Now = Scene->Listener->Objects.Num();
      *Most = FMath::Max(*Most, Now - *Before);
      *Before = Now;
      return Now >= Objects;
    });
    // Holds the settings for as long as the case runs.
    Scene->Do([Scene, Kept, Most, &Case]() {
      Scene->AllInOrder(0, Objects);
      Scene->Test.TestTrue(
          FString::Printf(TEXT("%s bounds a tick, which gave %d"), Case.What, *Most),
          *Most >= Case.Least && *Most <= Case.Most);
    });
  }
  Scene->End();
  return true;
}

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
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqLongTickTest, "Moq.Tick.NothingIsLostInATickOfTwoSeconds",
                                 MoqTestFlags)

bool FMoqLongTickTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<std::atomic<int32>> Sent = MakeShared<std::atomic<int32>>(0);
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene, Sent]() {
    // A worker of the game publishes on while the game thread stands still.
    const FMoqSender Sender = Scene->Publication->GetSender();
    Async(EAsyncExecution::Thread, [Sender, Sent]() {
      for (int32 Index = 0; Index < 120; ++Index) {
        if (Sender.Send(FMoqScene::Bytes(Index), Index == 0) == EMoqSend::Accepted)
          ++*Sent;
        FPlatformProcess::Sleep(1.0f / 60.0f);
      }
    });
    FPlatformProcess::Sleep(2.0f);
  });
  Scene->Until(TEXT("120 objects"), [Scene, Sent]() {
    return Scene->Listener->Objects.Num() >= 120 && Sent->load() == 120;
  });
  Scene->Do([Scene, Sent]() {
    Scene->Test.TestEqual(TEXT("accepted on the worker"), Sent->load(), 120);
    Scene->AllInOrder(0, 120);
    Scene->Test.TestEqual(TEXT("gaps"), Scene->Listener->Gaps.Num(), 0);
    Scene->Test.TestTrue(TEXT("still open"), Scene->Client->GetState() == EMoqClientState::Open);
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqOverflowTest,
                                 "Moq.Tick.WhatATickOfTwoSecondsCannotHoldIsDroppedAndCounted",
                                 MoqTestFlags)

bool FMoqOverflowTest::RunTest(const FString&) {
  constexpr int32 Size = 200;
  constexpr int32 QueueBytes = 16384;
  constexpr int32 Afterwards = 1000000;
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<std::atomic<int32>> Sent = MakeShared<std::atomic<int32>>(0);
  const TSharedRef<std::atomic<bool>> Done = MakeShared<std::atomic<bool>>(false);
  FMoqPublishOptions Publish;
  Publish.Delivery = EMoqDelivery::Datagram;
  FMoqSubscribeOptions Subscribe;
  Subscribe.QueueBytes = QueueBytes;
  Scene->StartGameWithRelay();
  Scene->StartTrack(Publish, Subscribe);
  Scene->Do([Scene, Sent, Done]() {
    const FMoqSender Sender = Scene->Publication->GetSender();
    Async(EAsyncExecution::Thread, [Sender, Sent, Done]() {
      const double Until = FPlatformTime::Seconds() + 2;
      for (int32 Index = 0; FPlatformTime::Seconds() < Until; ++Index) {
        TArray<uint8> Update = FMoqScene::Bytes(Index);
        Update.SetNumZeroed(Size);
        if (Sender.Send(Update) == EMoqSend::Accepted)
          ++*Sent;
        FPlatformProcess::Sleep(0.0005f);
      }
      *Done = true;
    });
    // The hitch ends when all is sent: a busy machine may start that thread late.
    const double Limit = FPlatformTime::Seconds() + 20;
    while (!*Done && FPlatformTime::Seconds() < Limit)
      FPlatformProcess::Sleep(0.01f);
    // As after the hitch: nothing has been drained yet.
    const FMoqSubscriptionStats Stats = Scene->Subscription->GetStats();
    Scene->Test.TestTrue(TEXT("the queue is bounded"), Stats.QueuedBytes <= QueueBytes);
    Scene->Test.TestTrue(TEXT("and full"), Stats.QueuedObjects > 10);
    Scene->Test.TestTrue(TEXT("drops are counted"), Stats.Overflow > 100);
  });
  Scene->Until(TEXT("what is published next"), [Scene]() {
    Scene->Publication->Send(FMoqScene::Bytes(Afterwards));
    const TArray<FMoqObject>& Objects = Scene->Listener->Objects;
    return Objects.Num() > 0 && FMoqScene::Value(Objects.Last().Bytes) == Afterwards;
  });
  Scene->Do([Scene, Sent]() {
    const TArray<FMoqObject>& Objects = Scene->Listener->Objects;
    int32 Old = 0;
    for (int32 Index = 0; Index < Objects.Num(); ++Index) {
      const int32 Value = FMoqScene::Value(Objects[Index].Bytes);
      Old += Value < Afterwards ? 1 : 0;
      if (Index > 0)
        Scene->Test.TestTrue(TEXT("in order"), Value >= FMoqScene::Value(Objects[Index - 1].Bytes));
    }
    Scene->Test.TestTrue(TEXT("what was kept fits into the queue"), Old * Size <= 2 * QueueBytes);
    Scene->Test.TestTrue(TEXT("nothing is counted that was not sent"),
                         Old + Scene->Subscription->GetStats().Overflow <= Sent->load() + 1000);
    Scene->Test.TestEqual(TEXT("ends"), Scene->Listener->Ends.Num(), 0);
  });
  Scene->End();
  return true;
}
