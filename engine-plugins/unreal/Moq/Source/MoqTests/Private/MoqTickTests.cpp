// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// What a tick may cost, and a game that does not tick for a while.
#include "MoqScene.h"
#include "MoqSettingsKept.h"

#include "Async/Async.h"
#include "HAL/IConsoleManager.h"
#include "HAL/PlatformProcess.h"
#include "HAL/PlatformTime.h"

#include <atomic>

namespace {

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
