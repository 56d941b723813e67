// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// Games that start and end, garbage collection at any time, connections that are lost.
#include "MoqScene.h"

#include "Engine/GameInstance.h"
#include "HAL/IConsoleManager.h"
#include "HAL/PlatformTime.h"
#include "MoqModule.h"
#include "UObject/UObjectGlobals.h"

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqTwoGamesTest, "Moq.Games.TwoLiveSideBySide", MoqTestFlags)

bool FMoqTwoGamesTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<TWeakObjectPtr<UMoqClient>> Second = MakeShared<TWeakObjectPtr<UMoqClient>>();
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene, Second]() {
    Scene->StartGame();
    const TArray<UMoqRelay*> Relays = UMoqSubsystem::GetRelaysOfProcess();
    Scene->Test.TestTrue(TEXT("the second game finds the relay of the first"),
                         Relays.Contains(Scene->Relay.Get()));
    FMoqConnectOptions Options;
    Options.Url = Scene->Relay->GetMemoryUrl();
    FMoqError Error;
    *Second = Scene->Moq(1)->Connect(Options, Error);
    Scene->Test.TestNotNull(TEXT("a client"), Second->Get());
    UMoqSubscription* const Subscription =
        (*Second)->Subscribe(TEXT("test/unreal"), TEXT("track"), FMoqSubscribeOptions());
    Subscription->OnObject.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleObject);
  });
  Scene->Until(TEXT("two subscribers"), [Scene, Second]() {
    return Second->IsValid() && (*Second)->GetState() == EMoqClientState::Open;
  });
  Scene->Do([Scene]() { Scene->Publication->SendKeyframe(FMoqScene::Bytes(1)); });
  Scene->Until(TEXT("both got it"), [Scene]() { return Scene->Listener->Objects.Num() >= 2; });
  Scene->Do([Scene]() {
    Scene->EndGame(Scene->Games.Last().Get());
    Scene->Listener->Objects.Reset();
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    Scene->Publication->Send(FMoqScene::Bytes(2));
  });
  Scene->Until(TEXT("the first goes on"),
               [Scene]() { return Scene->Listener->Objects.Num() >= 1; });
  Scene->Frames(5);
  Scene->Do([Scene, Second]() {
    Scene->AllInOrder(2, 1);
    Scene->Test.TestFalse(TEXT("the second game's client is left"), Second->IsValid());
    Scene->Test.TestEqual(TEXT("clients of the first"), Scene->Moq()->GetClients().Num(), 1);
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqRestartTest, "Moq.Games.FiftyStartsAndEndsLeaveNothing",
                                 MoqTestFlags)

bool FMoqRestartTest::RunTest(const FString&) {
  for (int32 Round = 0; Round < 50; ++Round) {
    const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
    Scene->StartGameWithRelay();
    Scene->StartTrack(FMoqPublishOptions());
    Scene->Do([Scene, Round]() { Scene->Publication->SendKeyframe(FMoqScene::Bytes(Round)); });
    // Every other game ends in the middle of its traffic.
    if (Round % 2 == 0)
      Scene->Until(TEXT("an object"), [Scene]() { return Scene->Listener->Objects.Num() > 0; });
    Scene->End();
  }
  const TSharedRef<FMoqScene> Last = MakeShared<FMoqScene>(*this);
  Last->Do([Last]() {
    Last->Test.TestEqual(TEXT("relays of the process"), UMoqSubsystem::GetRelaysOfProcess().Num(),
                         0);
  });
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqCollectTest, "Moq.Games.GarbageIsCollectedBetweenTicks",
                                 MoqTestFlags)

bool FMoqCollectTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  for (int32 Index = 0; Index < 20; ++Index) {
    Scene->Do([Scene, Index]() {
      Scene->Publication->Send(FMoqScene::Bytes(Index));
      CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    });
  }
  Scene->Until(TEXT("20 objects"), [Scene]() { return Scene->Listener->Objects.Num() >= 20; });
  Scene->Do([Scene]() {
    Scene->AllInOrder(0, 20);
    // Nothing but the subsystem refers to these, and they are still there.
    Scene->Test.TestTrue(TEXT("the subscription lives"), Scene->Subscription.IsValid());
    // A listener that goes away while objects are on their way.
    Scene->Listener.Reset(NewObject<UMoqTestListener>());
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    Scene->Publication->Send(FMoqScene::Bytes(20));
  });
  Scene->Frames(10);
  Scene->Do([Scene]() {
    Scene->Test.TestEqual(TEXT("objects of the new listener"), Scene->Listener->Objects.Num(), 0);
    // What was closed is given back at the next collection.
    Scene->Subscription->Close();
    Scene->Client->Close();
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    Scene->Test.TestFalse(TEXT("the subscription is gone"), Scene->Subscription.IsValid());
    Scene->Test.TestFalse(TEXT("the publication is gone"), Scene->Publication.IsValid());
    Scene->Test.TestFalse(TEXT("the client is gone"), Scene->Client.IsValid());
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqInsideTest, "Moq.Games.AnEventMayCloseAndEndEverything",
                                 MoqTestFlags)

bool FMoqInsideTest::RunTest(const FString&) {
  // Three things that it ends, and whether it collects garbage then.
  for (int32 Way = 0; Way < 6; ++Way) {
    const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
    const TSharedRef<int32> Seen = MakeShared<int32>(0);
    Scene->StartGameWithRelay();
    Scene->StartTrack(FMoqPublishOptions());
    Scene->Do([Scene, Seen, Way]() {
      // Weak: the delegate would hold the scene, and the scene the game.
      const TWeakPtr<FMoqScene> Weak = Scene;
      Scene->Subscription->OnObjectNative.AddLambda([Weak, Seen, Way](const FMoqObjectView&) {
        const TSharedPtr<FMoqScene> Held = Weak.Pin();
        ++*Seen;
        if (Way % 3 == 0)
          Held->Subscription->Close();
        else if (Way % 3 == 1)
          Held->Client->Close();
        else
          Held->EndGame(Held->Games.Last().Get());
        if (Way >= 3)
          CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
      });
      for (int32 Index = 0; Index < 10; ++Index)
        Scene->Publication->Send(FMoqScene::Bytes(Index));
    });
    Scene->Until(TEXT("the event"), [Seen]() { return *Seen > 0; });
    Scene->Frames(10);
    Scene->Do([Scene, Seen]() {
      Scene->Test.TestEqual(TEXT("events after it closed"), *Seen, 1);
      Scene->Test.TestEqual(TEXT("objects after it closed"), Scene->Listener->Objects.Num(), 0);
    });
    Scene->End();
  }
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqRelayInsideTest,
                                 "Moq.Games.ARelaysEventMayEndEverythingAndCollect", MoqTestFlags)

bool FMoqRelayInsideTest::RunTest(const FString&) {
  for (const bool bStopped : {false, true}) {
    const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
    const TSharedRef<int32> Seen = MakeShared<int32>(0);
    Scene->Do([Scene, Seen, bStopped]() {
      Scene->StartGame();
      Scene->Listener.Reset(NewObject<UMoqTestListener>());
      FMoqError Error;
      Scene->Relay = Scene->Moq()->StartRelay(FMoqRelayOptions(), Error);
      const TWeakPtr<FMoqScene> Weak = Scene;
      const auto End = [Weak, Seen]() {
        ++*Seen;
        const TSharedPtr<FMoqScene> Held = Weak.Pin();
        Held->EndGame(Held->Games.Last().Get());
        CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
      };
      if (bStopped) {
        Scene->Relay->OnStoppedNative.AddLambda([End](const FMoqError&) { End(); });
        Scene->Relay->OnStartedNative.AddLambda([Weak]() { Weak.Pin()->Relay->Stop(); });
      } else {
        Scene->Relay->OnStartedNative.AddLambda(End);
      }
    });
    Scene->Until(TEXT("the event"), [Seen]() { return *Seen > 0; });
    Scene->Frames(5);
    Scene->Do([Scene, Seen]() {
      Scene->Test.TestEqual(TEXT("events"), *Seen, 1);
      CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
      Scene->Test.TestFalse(TEXT("the relay is left"), Scene->Relay.IsValid());
    });
    Scene->End();
  }
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqDestroyedTest, "Moq.Games.WhatTheGameDestroysIsLetGoOf",
                                 MoqTestFlags)

bool FMoqDestroyedTest::RunTest(const FString&) {
  for (const bool bGarbage : {true, false}) {
    const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
    const auto Destroy = [bGarbage](UObject* Object) {
      if (bGarbage)
        Object->MarkAsGarbage();
      else
        Object->ConditionalBeginDestroy();
      CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    };
    Scene->StartGameWithRelay();
    Scene->StartTrack(FMoqPublishOptions());
    Scene->Do([Scene, Destroy]() {
      Destroy(Scene->Subscription.Get());
      Scene->Publication->Send(FMoqScene::Bytes(1));
    });
    Scene->Frames(10);
    Scene->StartTrack(FMoqPublishOptions(), FMoqSubscribeOptions(), TEXT("other"));
    Scene->Do([Scene]() { Scene->Publication->Send(FMoqScene::Bytes(2)); });
    Scene->Until(TEXT("what another subscription reads"),
                 [Scene]() { return Scene->Listener->Objects.Num() > 0; });
    Scene->Do([Scene, Destroy]() {
      // Of the destroyed one nothing came.
      Scene->AllInOrder(2, 1);
      const FMoqSender Sender = Scene->Publication->GetSender();
      Destroy(Scene->Publication.Get());
      Scene->Test.TestTrue(TEXT("a sender outlives it and says so"),
                           Sender.Send(FMoqScene::Bytes(3)) == EMoqSend::Closed);
      Destroy(Scene->Client.Get());
      Destroy(Scene->Relay.Get());
    });
    Scene->Frames(10);
    Scene->Do([Scene]() {
      FMoqError Error;
      UMoqRelay* const Again = Scene->Moq()->StartRelay(FMoqRelayOptions(), Error);
      Scene->Test.TestNotNull(TEXT("a relay"), Again);
      Scene->Relay = Again;
    });
    Scene->Until(TEXT("another relay runs"),
                 [Scene]() { return Scene->Relay->GetState() == EMoqRelayState::Running; });
    Scene->Do([Scene]() {
      Scene->Test.TestEqual(TEXT("ends"), Scene->Listener->Ends.Num(), 0);
      Scene->Test.TestTrue(TEXT("relays"), Scene->Moq()->GetRelays().Contains(Scene->Relay.Get()));
    });
    Scene->End();
  }
  return true;
}

namespace {
/** No warnings of the native library for as long as it lives. */
struct FMoqQuiet {
  FMoqQuiet() { Set(1); }
  ~FMoqQuiet() { Set(-1); }
  static void Set(int32 Level) {
    IConsoleManager::Get().FindConsoleVariable(TEXT("moq.LogLevel"))->Set(Level);
  }
};
} // namespace

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqModuleTest, "Moq.Library.TheModuleMayRestartUnderTraffic",
                                 MoqTestFlags)

bool FMoqModuleTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<TArray<FMoqError>> Stopped = MakeShared<TArray<FMoqError>>();
  // Relay and client end together: whether the client still hears that, and warns, is chance.
  const TSharedRef<FMoqQuiet> Quiet = MakeShared<FMoqQuiet>();
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene, Stopped]() {
    Scene->Client->OnEnd.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleEnd);
    Scene->Relay->OnStoppedNative.AddLambda(
        [Stopped](const FMoqError& Reason) { Stopped->Add(Reason); });
    for (int32 Index = 0; Index < 20; ++Index)
      Scene->Publication->Send(FMoqScene::Bytes(Index));
    IMoqModule& Module = IMoqModule::Get();
    Module.ShutdownModule();
    Scene->Test.TestFalse(TEXT("available"), Scene->Moq()->IsAvailable());
    FMoqError Error;
    Scene->Test.TestNull(TEXT("a client without the module"),
                         Scene->Moq()->Connect(FMoqConnectOptions(), Error));
    Scene->Test.TestTrue(TEXT("why"), Error.Code == EMoqErrorCode::Unavailable);
    Scene->Publication->Send(FMoqScene::Bytes(20));
    Module.StartupModule();
    // The game connects again before its next tick: what was there before is over all the same.
    FMoqConnectOptions Again;
    Again.Url = TEXT("moqt://127.0.0.1:1");
    Scene->Test.TestNotNull(TEXT("a client of the library that is loaded again"),
                            Scene->Moq()->Connect(Again, Error));
  });
  Scene->Until(TEXT("client and subscription have ended"),
               [Scene]() { return Scene->Listener->Ends.Num() >= 2; });
  Scene->Until(TEXT("the relay has stopped"), [Stopped]() { return Stopped->Num() > 0; });
  Scene->Frames(10);
  Scene->Do([Scene, Stopped]() {
    Scene->Test.TestEqual(TEXT("ends"), Scene->Listener->Ends.Num(), 2);
    Scene->Test.TestEqual(TEXT("stops"), Stopped->Num(), 1);
    Scene->Test.TestTrue(TEXT("the reason"), (*Stopped)[0].Code == EMoqErrorCode::Closed);
    Scene->Test.TestTrue(TEXT("the client is closed"),
                         !Scene->Client.IsValid() || !Scene->Client->IsOpen());
    for (UMoqClient* const Client : Scene->Moq()->GetClients())
      Client->Close();
    Scene->Test.TestEqual(TEXT("relays"), UMoqSubsystem::GetRelaysOfProcess().Num(), 0);
    // The same game goes on.
    FMoqError Error;
    Scene->Relay = Scene->Moq()->StartRelay(FMoqRelayOptions(), Error);
    Scene->Test.TestTrue(TEXT("available again: ") + Error.ToString(), Scene->Moq()->IsAvailable());
  });
  Scene->Until(TEXT("the relay runs"), [Scene]() {
    return Scene->Relay.IsValid() && Scene->Relay->GetState() == EMoqRelayState::Running;
  });
  Scene->Do([Scene]() {
    FMoqError Error;
    Scene->Client = Scene->Moq()->Connect(Scene->Relay->GetConnectOptions(), Error);
    Scene->Listener->Objects.Reset();
  });
  Scene->Until(TEXT("open"),
               [Scene]() { return Scene->Client->GetState() == EMoqClientState::Open; });
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene]() { Scene->Publication->Send(FMoqScene::Bytes(7)); });
  Scene->Until(TEXT("an object"), [Scene]() { return Scene->Listener->Objects.Num() > 0; });
  Scene->Do([Scene, Quiet]() { Scene->AllInOrder(7, 1); });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqLossTest, "Moq.Connection.ALossIsToldRepairedAndReadOn",
                                 MoqTestFlags)

bool FMoqLossTest::RunTest(const FString&) {
  // The native library warns of a client that takes any certificate; how often is its own matter.
  AddExpectedError(TEXT("certificate"), EAutomationExpectedErrorFlags::Contains, 0);
  AddExpectedError(TEXT("closed the session"), EAutomationExpectedErrorFlags::Contains, 0);
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  Scene->StartGameWithRelay();
  Scene->Do([Scene]() {
    // The relay that takes the place of the first has a development certificate of its own.
    FMoqConnectOptions Options;
    Options.Url = Scene->Relay->GetQuicUrl();
    Options.bInsecure = true;
    FMoqError Error;
    Scene->Client->Close();
    Scene->Listener->States.Reset();
    Scene->Client = Scene->Moq()->Connect(Options, Error);
    Scene->Client->OnState.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleState);
  });
  Scene->Until(TEXT("open"),
               [Scene]() { return Scene->Client->GetState() == EMoqClientState::Open; });
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene]() { Scene->Publication->SendKeyframe(FMoqScene::Bytes(0)); });
  Scene->Until(TEXT("the first object"), [Scene]() { return Scene->Listener->Objects.Num() == 1; });
  Scene->Do([Scene]() { Scene->Relay->Stop(0); });
  Scene->Until(TEXT("the loss is told"), [Scene]() {
    return Scene->Listener->States.Contains(EMoqClientState::Reconnecting);
  });
  Scene->Until(TEXT("the relay has stopped"),
               [Scene]() { return Scene->Relay->GetState() == EMoqRelayState::Stopped; });
  Scene->Do([Scene]() {
    Scene->Test.TestTrue(TEXT("the client lives on"), Scene->Client->IsOpen());
    FMoqRelayOptions Options;
    Options.Listen = FString::Printf(TEXT("127.0.0.1:%d"), Scene->Relay->GetPort());
    FMoqError Error;
    Scene->Relay = Scene->Moq()->StartRelay(Options, Error);
  });
  Scene->Until(
      TEXT("open again"),
      [Scene]() {
        return Scene->Listener->States.Num() > 0 &&
               Scene->Listener->States.Last() == EMoqClientState::Open &&
               Scene->Listener->States.Contains(EMoqClientState::Reconnecting);
      },
      30);
  Scene->Until(
      TEXT("what is published reaches the subscription again"),
      [Scene]() {
        Scene->Publication->SendKeyframe(FMoqScene::Bytes(1));
        const TArray<FMoqObject>& Objects = Scene->Listener->Objects;
        return Objects.Num() > 0 && FMoqScene::Value(Objects.Last().Bytes) == 1;
      },
      30);
  Scene->Do([Scene]() {
    Scene->Test.TestTrue(TEXT("reconnects are counted"), Scene->Client->GetStats().Reconnects >= 1);
    Scene->Test.TestEqual(TEXT("ends"), Scene->Listener->Ends.Num(), 0);
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqAwayTest, "Moq.Library.ARelayThatStaysAwayIsLoggedOnce",
                                 MoqTestFlags)

bool FMoqAwayTest::RunTest(const FString&) {
  // The only line for it, however often it is tried; another one would fail the test.
  AddExpectedError(TEXT("closed the session"), EAutomationExpectedErrorFlags::Contains, 1);
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<double> Since = MakeShared<double>(0);
  // Forgets which lines were there before.
  IMoqModule::Get().UnloadLibrary();
  IMoqModule::Get().EnsureLibrary();
  Scene->StartGameWithRelay();
  Scene->Do([Scene]() {
    FMoqConnectOptions Options = Scene->Relay->GetConnectOptions();
    Options.Url = Scene->Relay->GetQuicUrl();
    FMoqError Error;
    Scene->Client->Close();
    Scene->Client = Scene->Moq()->Connect(Options, Error);
  });
  Scene->Until(TEXT("open"),
               [Scene]() { return Scene->Client->GetState() == EMoqClientState::Open; });
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene]() { Scene->Relay->Stop(0); });
  Scene->Until(TEXT("the loss is told"),
               [Scene]() { return Scene->Client->GetState() == EMoqClientState::Reconnecting; });
  Scene->Do([Since]() { *Since = FPlatformTime::Seconds(); });
  // A game that goes on as if nothing were: every frame sends.
  Scene->Until(TEXT("three seconds"), [Scene, Since]() {
    Scene->Publication->Send(FMoqScene::Bytes(1));
    return FPlatformTime::Seconds() - *Since > 3;
  });
  Scene->Do([Scene]() {
    Scene->Test.TestTrue(TEXT("the client still tries"),
                         Scene->Client->GetState() == EMoqClientState::Reconnecting);
    Scene->Test.TestEqual(TEXT("ends"), Scene->Listener->Ends.Num(), 0);
  });
  Scene->End();
  return true;
}
