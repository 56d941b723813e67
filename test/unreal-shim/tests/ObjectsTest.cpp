// Objects, worlds and servers as only the shim can make them.
#include "MoqScene.h"

#include "Containers/Ticker.h"
#include "Engine/Engine.h"
#include "Engine/GameInstance.h"
#include "Engine/World.h"
#include "HAL/IConsoleManager.h"
#include "MoqAsyncActions.h"
#include "MoqSettings.h"

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqNothingLeftTest, "Moq.Objects.GamesLeaveNoObjectAndNoTicker",
                                 MoqTestFlags)

bool FMoqNothingLeftTest::RunTest(const FString&) {
  CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
  const int32 Objects = Shim::NumObjects();
  const int32 Tickers = FTSTicker::GetCoreTicker().ShimNum();
  for (int32 Round = 0; Round < 3; ++Round) {
    const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
    Scene->StartGameWithRelay();
    Scene->StartTrack(FMoqPublishOptions());
    Scene->Do([Scene]() {
      Scene->Publication->Send(FMoqScene::Bytes(1));
      // In the middle of what they wait for.
      UMoqConnectAction::ConnectToMoqRelay(Scene->Games[0]->GetWorld(),
                                           Scene->Relay->GetConnectOptions())
          ->Activate();
      UMoqStartRelayAction::StartMoqRelay(Scene->Games[0]->GetWorld(), FMoqRelayOptions())
          ->Activate();
    });
    Scene->End();
  }
  const TSharedRef<FMoqScene> Last = MakeShared<FMoqScene>(*this);
  Last->Do([Last, Objects, Tickers]() {
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    Last->Test.TestEqual(TEXT("objects"), Shim::NumObjects(), Objects);
    Last->Test.TestEqual(TEXT("tickers"), FTSTicker::GetCoreTicker().ShimNum(), Tickers);
  });
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqTravelTest, "Moq.Objects.ClientsOutliveTheWorldAndDoNotHoldIt",
                                 MoqTestFlags)

bool FMoqTravelTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene]() {
    UGameInstance* const Game = Scene->Games[0].Get();
    const TWeakObjectPtr<UWorld> Old = Game->GetWorld();
    // One node waits, bound to what goes with the world.
    UMoqTestListener* const OfTheWorld = NewObject<UMoqTestListener>(Game->GetWorld());
    FMoqSubscribeOptions Wait;
    Wait.Wait = 60000;
    UMoqSubscribeAction* const Node = UMoqSubscribeAction::SubscribeToMoqTrack(
        Game->GetWorld(), Scene->Client.Get(), TEXT("test/unreal"), TEXT("missing"), Wait);
    Node->OnFailure.AddDynamic(OfTheWorld, &UMoqTestListener::HandleSubscribed);
    Node->Activate();
    Scene->Subscription->OnObjectNative.AddUObject(OfTheWorld, &UMoqTestListener::HandleView);
    // Two are made for it and never activated.
    UMoqConnectAction::ConnectToMoqRelay(Game->GetWorld(), FMoqConnectOptions());
    UMoqStartRelayAction::StartMoqRelay(Game->GetWorld(), FMoqRelayOptions());
    Game->ShimTravel();
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    Scene->Test.TestFalse(TEXT("the old world is held"), Old.IsValid(true));
    Scene->Test.TestNotNull(TEXT("MoQ in the new world"), UMoqSubsystem::GetMoq(Game->GetWorld()));
    Scene->Publication->Send(FMoqScene::Bytes(3));
  });
  Scene->Until(TEXT("an object"), [Scene]() { return Scene->Listener->Objects.Num() > 0; });
  Scene->Do([Scene]() { Scene->AllInOrder(3, 1); });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqDestroyedClientTest,
                                 "Moq.Objects.ADestroyedClientLeavesTheRelay", MoqTestFlags)

bool FMoqDestroyedClientTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  Scene->StartGameWithRelay();
  Scene->Do([Scene]() {
    Scene->Test.TestEqual(TEXT("clients"), Scene->Moq()->GetTickStats().Clients, 1);
    // A node waits for another one, and is told.
    UMoqConnectAction* const Node = UMoqConnectAction::ConnectToMoqRelay(
        Scene->Games[0]->GetWorld(), Scene->Relay->GetConnectOptions());
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
    Node->Activate();
    for (UMoqClient* const Client : Scene->Moq()->GetClients())
      Client->MarkAsGarbage();
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    Scene->Test.TestEqual(TEXT("clients, afterwards"), Scene->Moq()->GetTickStats().Clients, 0);
    Scene->Test.TestEqual(TEXT("clients that it lists"), Scene->Moq()->GetClients().Num(), 0);
  });
  Scene->Until(TEXT("the pin"), [Scene]() { return Scene->Listener->Pins > 0; });
  Scene->Do([Scene]() {
    Scene->Test.TestTrue(TEXT("why"), Scene->Listener->PinError.Code == EMoqErrorCode::Cancelled);
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqHalfBuiltTest, "Moq.Objects.AGameThatIsNeverEndedIsLetGoOf",
                                 MoqTestFlags)

bool FMoqHalfBuiltTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  IConsoleVariable* const Level = IConsoleManager::Get().FindConsoleVariable(TEXT("moq.LogLevel"));
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  // Whether the relay goes before its client, which warns then, is the collection's choice.
  Scene->Do([Level]() { Level->Set(0); });
  Scene->Frames(2);
  Scene->Do([Scene]() {
    // No Shutdown and no Deinitialize: it is simply not referred to any more.
    Scene->Games.Reset();
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    Scene->Test.TestFalse(TEXT("the client"), Scene->Client.IsValid());
    Scene->Test.TestFalse(TEXT("the relay"), Scene->Relay.IsValid());
    Scene->Test.TestEqual(TEXT("relays"), UMoqSubsystem::GetRelaysOfProcess().Num(), 0);
  });
  Scene->Frames(5);
  Scene->Do([Level]() { Level->Set(-1); });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqServerInEditorTest,
                                 "Moq.Objects.AServerInTheEditorHasMoqWhenTheSettingsSaySo",
                                 MoqTestFlags)

bool FMoqServerInEditorTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  UMoqSettings* const Settings = GetMutableDefault<UMoqSettings>();
  for (const bool bWanted : {true, false}) {
    Settings->bOnDedicatedServers = bWanted;
    UGameInstance* const Server = NewObject<UGameInstance>(GEngine);
    Scene->Games.Add(TStrongObjectPtr<UGameInstance>(Server));
    Server->bShimDedicated = true;
    Server->InitializeStandalone();
    TestEqual(TEXT("a server"), UMoqSubsystem::GetMoq(Server->GetWorld()) != nullptr, bWanted);
  }
  Settings->bOnDedicatedServers = true;
  Scene->Listener.Reset(NewObject<UMoqTestListener>());
  UMoqConnectAction* const Node =
      UMoqConnectAction::ConnectToMoqRelay(Scene->Games.Last()->GetWorld(), FMoqConnectOptions());
  Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
  Node->Activate();
  TestEqual(TEXT("pins"), Scene->Listener->Pins, 1);
  TestTrue(TEXT("why"), Scene->Listener->PinError.Code == EMoqErrorCode::Unavailable);
  Scene->End();
  return true;
}
