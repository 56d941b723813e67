// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// What the delivery classes promise, on a network that loses packets.
#include "MoqScene.h"

#include "HAL/PlatformMisc.h"

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqLossyTest,
                                 "Moq.Connection.DeliveryClassesHoldWhenPacketsAreLost",
                                 MoqTestFlags)

bool FMoqLossyTest::RunTest(const FString&) {
  const FString Listen = FPlatformMisc::GetEnvironmentVariable(TEXT("MOQ_TEST_LOSSY_LISTEN"));
  const FString Url = FPlatformMisc::GetEnvironmentVariable(TEXT("MOQ_TEST_LOSSY_URL"));
  if (Url.IsEmpty()) {
    AddInfo(TEXT("not tested: MOQ_TEST_LOSSY_URL names no proxy that loses packets on the way to "
                 "MOQ_TEST_LOSSY_LISTEN (npx moq-game impair)"));
    return true;
  }
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  Scene->Do([Scene, Listen]() {
    Scene->StartGame();
    Scene->Listener.Reset(NewObject<UMoqTestListener>());
    FMoqRelayOptions Options;
    Options.Listen = Listen;
    FMoqError Error;
    Scene->Relay = Scene->Moq()->StartRelay(Options, Error);
  });
  Scene->Until(TEXT("the relay runs"), [Scene]() {
    return Scene->Relay.IsValid() && Scene->Relay->GetState() == EMoqRelayState::Running;
  });
  Scene->Do([Scene, Url]() {
    FMoqConnectOptions Options = Scene->Relay->GetConnectOptions();
    Options.Url = Url;
    FMoqError Error;
    Scene->Client = Scene->Moq()->Connect(Options, Error);
  });
  Scene->Until(
      TEXT("the client is open"),
      [Scene]() {
        return Scene->Client.IsValid() && Scene->Client->GetState() == EMoqClientState::Open;
      },
      30);

  // Every object once, in order.
  constexpr int32 Objects = 200;
  Scene->StartTrack(FMoqPublishOptions());
  for (int32 Index = 0; Index < Objects; ++Index) {
    Scene->Do([Scene, Index]() {
      const EMoqSend Sent = Index % 50 == 0
                                ? Scene->Publication->SendKeyframe(FMoqScene::Bytes(Index))
                                : Scene->Publication->Send(FMoqScene::Bytes(Index));
      Scene->Test.TestTrue(TEXT("accepted"), Sent == EMoqSend::Accepted);
    });
    if (Index % 4 == 0)
      Scene->Frames(1);
  }
  Scene->Until(
      TEXT("all of them"), [Scene]() { return Scene->Listener->Objects.Num() >= Objects; }, 30);
  Scene->Do([Scene]() {
    Scene->AllInOrder(0, Objects);
    Scene->Test.TestEqual(TEXT("gaps"), Scene->Listener->Gaps.Num(), 0);
    Scene->Subscription->Close();
    Scene->Listener->Objects.Reset();
  });

  // Only ever newer ones, and the last one.
  constexpr int32 Updates = 60;
  FMoqPublishOptions Latest;
  Latest.Delivery = EMoqDelivery::Latest;
  Scene->StartTrack(Latest, FMoqSubscribeOptions(), TEXT("latest"));
  for (int32 Index = 0; Index < Updates; ++Index) {
    Scene->Do([Scene, Index]() { Scene->Publication->Send(FMoqScene::Bytes(Index)); });
    Scene->Frames(1);
  }
  Scene->Until(
      TEXT("the last update"),
      [Scene]() {
        const TArray<FMoqObject>& Seen = Scene->Listener->Objects;
        return Seen.Num() > 0 && FMoqScene::Value(Seen.Last().Bytes) == Updates - 1;
      },
      30);
  Scene->Do([Scene]() {
    const TArray<FMoqObject>& Seen = Scene->Listener->Objects;
    for (int32 Index = 1; Index < Seen.Num(); ++Index)
      Scene->Test.TestTrue(TEXT("only newer ones"), FMoqScene::Value(Seen[Index].Bytes) >
                                                        FMoqScene::Value(Seen[Index - 1].Bytes));
    Scene->Test.TestEqual(TEXT("ends"), Scene->Listener->Ends.Num(), 0);
  });
  Scene->End();
  return true;
}
