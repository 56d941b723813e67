// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// The Blueprint nodes with pins for success and failure.
#include "MoqScene.h"

#include "Engine/GameInstance.h"
#include "Engine/World.h"
#include "MoqAsyncActions.h"
#include "MoqText.h"
#include "UObject/UObjectGlobals.h"

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqNodesTest, "Moq.Nodes.EachFiresOnePinOnce", MoqTestFlags)

bool FMoqNodesTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const auto OnePin = [Scene](bool bError) {
    // Two frames more: a second pin would fire now.
    Scene->Until(TEXT("a pin"), [Scene]() { return Scene->Listener->Pins > 0; });
    Scene->Frames(2);
    Scene->Do([Scene, bError]() {
      Scene->Test.TestEqual(TEXT("pins"), Scene->Listener->Pins, 1);
      Scene->Test.TestEqual(TEXT("a failure: ") + Scene->Listener->PinError.Message,
                            Scene->Listener->PinError.IsError(), bError);
      Scene->Listener->Pins = 0;
      // A node that nothing refers to any more must not be needed any more.
      CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    });
  };

  Scene->Do([Scene]() {
    Scene->StartGame();
    Scene->Listener.Reset(NewObject<UMoqTestListener>());
    UMoqStartRelayAction* const Node =
        UMoqStartRelayAction::StartMoqRelay(Scene->Games[0]->GetWorld(), FMoqRelayOptions());
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleRelay);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleRelay);
    Node->Activate();
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
  });
  OnePin(false);
  Scene->Do([Scene]() {
    Scene->Relay = Cast<UMoqRelay>(Scene->Listener->PinObject.Get());
    Scene->Test.TestTrue(TEXT("the relay has a port"), Scene->Relay->GetPort() > 0);
    FMoqRelayOptions Wrong;
    Wrong.Listen = TEXT("nowhere");
    UMoqStartRelayAction* const Node =
        UMoqStartRelayAction::StartMoqRelay(Scene->Games[0]->GetWorld(), Wrong);
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleRelay);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleRelay);
    Node->Activate();
  });
  OnePin(true);
  Scene->Do([Scene]() {
    Scene->Test.TestTrue(TEXT("the reason names the option"),
                         Scene->Listener->PinError.Message.Contains(TEXT("listen")));
    UMoqConnectAction* const Node = UMoqConnectAction::ConnectToMoqRelay(
        Scene->Games[0]->GetWorld(), Scene->Relay->GetConnectOptions());
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
    Node->Activate();
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
  });
  OnePin(false);
  Scene->Do([Scene]() {
    Scene->Client = Cast<UMoqClient>(Scene->Listener->PinObject.Get());
    Scene->Test.TestTrue(TEXT("open"), Scene->Client->GetState() == EMoqClientState::Open);
    // Nobody listens there.
    FMoqConnectOptions Nowhere;
    Nowhere.Url = TEXT("moqt://127.0.0.1:1");
    Nowhere.ConnectTimeout = 300;
    UMoqConnectAction* const Node =
        UMoqConnectAction::ConnectToMoqRelay(Scene->Games[0]->GetWorld(), Nowhere);
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
    Node->Activate();
  });
  OnePin(true);
  Scene->Do([Scene]() {
    UMoqSubscribeAction* const Node = UMoqSubscribeAction::SubscribeToMoqTrack(
        Scene->Games[0]->GetWorld(), Scene->Client.Get(), TEXT("test/unreal"), TEXT("missing"),
        FMoqSubscribeOptions());
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleSubscribed);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleSubscribed);
    Node->Activate();
  });
  OnePin(true);
  Scene->Do([Scene]() {
    Scene->Test.TestTrue(TEXT("the peer's reason"),
                         Scene->Listener->PinError.Code == EMoqErrorCode::NotFound);
  });
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene]() {
    for (int32 Index = 0; Index < 5; ++Index)
      Scene->Publication->SendKeyframe(FMoqScene::Bytes(Index));
  });
  Scene->Until(TEXT("5 objects"), [Scene]() { return Scene->Listener->Objects.Num() == 5; });
  Scene->Do([Scene]() {
    UMoqSubscribeAction* const Node = UMoqSubscribeAction::SubscribeToMoqTrack(
        Scene->Games[0]->GetWorld(), Scene->Client.Get(), TEXT("test/unreal"), TEXT("track"),
        FMoqSubscribeOptions());
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleSubscribed);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleSubscribed);
    Node->Activate();
  });
  OnePin(false);
  Scene->Do([Scene]() {
    FMoqFetchOptions Options;
    Options.FromGroup = Scene->Listener->Objects[4].Group;
    Options.ToGroup = Options.FromGroup;
    UMoqFetchAction* const Node =
        UMoqFetchAction::FetchFromMoqTrack(Scene->Games[0]->GetWorld(), Scene->Client.Get(),
                                           TEXT("test/unreal"), TEXT("track"), Options);
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleFetched);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleFetched);
    Node->Activate();
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
  });
  OnePin(false);
  Scene->Do([Scene]() {
    Scene->AllInOrder(4, 1);
    FMoqFetchOptions Options;
    Options.FromGroup = Scene->Listener->Objects[0].Group;
    Options.ToGroup = Options.FromGroup;
    UMoqFetchAction* const Node =
        UMoqFetchAction::FetchFromMoqTrack(Scene->Games[0]->GetWorld(), Scene->Client.Get(),
                                           TEXT("test/unreal"), TEXT("track"), Options, 3);
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleFetched);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleFetched);
    Node->Activate();
  });
  OnePin(true);
  Scene->Do([Scene]() {
    Scene->Test.TestTrue(TEXT("too large"),
                         Scene->Listener->PinError.Code == EMoqErrorCode::TooLarge);
    UMoqSubscribeAction* const Node = UMoqSubscribeAction::SubscribeToMoqTrack(
        Scene->Games[0]->GetWorld(), nullptr, TEXT("test/unreal"), TEXT("track"),
        FMoqSubscribeOptions());
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleSubscribed);
    Node->Activate();
  });
  OnePin(true);
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqTextTest, "Moq.Nodes.TextIsUtf8", MoqTestFlags)

bool FMoqTextTest::RunTest(const FString&) {
  const TArray<uint8> Bytes = UMoqText::ToBytes(TEXT("Grüße"));
  TestEqual(TEXT("bytes"), Bytes.Num(), 7);
  TestEqual(TEXT("the text"), UMoqText::FromBytes(Bytes), FString(TEXT("Grüße")));
  TestEqual(TEXT("no bytes"), UMoqText::ToBytes(FString()).Num(), 0);
  TestTrue(TEXT("no text"), UMoqText::FromBytes(TArray<uint8>()).IsEmpty());
  TArray<uint8> Broken;
  Broken.Add(0x41);
  Broken.Add(0xFF);
  TestTrue(TEXT("what is no UTF-8 does no harm"), UMoqText::FromBytes(Broken).Contains(TEXT("A")));
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqDroppedNodesTest,
                                 "Moq.Nodes.WhatTheGameClosesMeanwhileFiresTheFailurePin",
                                 MoqTestFlags)

bool FMoqDroppedNodesTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const auto Cancelled = [Scene](const FString& What) {
    Scene->Until(What, [Scene]() { return Scene->Listener->Pins > 0; });
    Scene->Frames(3);
    Scene->Do([Scene, What]() {
      Scene->Test.TestEqual(What + TEXT(": pins"), Scene->Listener->Pins, 1);
      Scene->Test.TestTrue(What + TEXT(": ") + Scene->Listener->PinError.ToString(),
                           Scene->Listener->PinError.Code == EMoqErrorCode::Cancelled);
      Scene->Listener->Pins = 0;
    });
  };
  Scene->StartGameWithRelay();
  Scene->Do([Scene]() {
    // A track that nobody publishes is waited for.
    FMoqSubscribeOptions Wait;
    Wait.Wait = 60000;
    UMoqSubscribeAction* const Node =
        UMoqSubscribeAction::SubscribeToMoqTrack(Scene->Games[0]->GetWorld(), Scene->Client.Get(),
                                                 TEXT("test/unreal"), TEXT("missing"), Wait);
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleSubscribed);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleSubscribed);
    Node->Activate();
    Scene->Client->Close();
  });
  Cancelled(TEXT("a subscription whose client is closed"));
  Scene->Do([Scene]() {
    UMoqConnectAction* const Node = UMoqConnectAction::ConnectToMoqRelay(
        Scene->Games[0]->GetWorld(), Scene->Relay->GetConnectOptions());
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
    Node->Activate();
    for (UMoqClient* const Client : Scene->Moq()->GetClients())
      Client->Close();
  });
  Cancelled(TEXT("a client that is closed before it is open"));
  Scene->Do([Scene]() {
    UMoqStartRelayAction* const Node =
        UMoqStartRelayAction::StartMoqRelay(Scene->Games[0]->GetWorld(), FMoqRelayOptions());
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleRelay);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleRelay);
    Node->Activate();
    for (UMoqRelay* const Relay : Scene->Moq()->GetRelays())
      if (Relay != Scene->Relay.Get())
        Relay->Stop();
  });
  Cancelled(TEXT("a relay that is stopped before it runs"));
  Scene->Do([Scene]() {
    UMoqConnectAction* const Node = UMoqConnectAction::ConnectToMoqRelay(
        Scene->Games[0]->GetWorld(), Scene->Relay->GetConnectOptions());
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleConnected);
    Node->Activate();
    Scene->EndGame(Scene->Games[0].Get());
  });
  Scene->Frames(10);
  Scene->Do([Scene]() {
    Scene->Test.TestEqual(TEXT("pins after the game has ended"), Scene->Listener->Pins, 0);
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqFetchBoundTest, "Moq.Nodes.AFetchIsBoundedWhateverComes",
                                 MoqTestFlags)

bool FMoqFetchBoundTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  Scene->Do([Scene]() {
    // Without a byte of their own.
    for (int32 Index = 0; Index < 40; ++Index)
      Scene->Test.TestTrue(TEXT("accepted"),
                           Scene->Publication->SendBytes({}, Index == 0) == EMoqSend::Accepted);
  });
  Scene->Until(TEXT("40 objects"), [Scene]() { return Scene->Listener->Objects.Num() == 40; });
  Scene->Do([Scene]() {
    FMoqFetchOptions Options;
    Options.FromGroup = Scene->Listener->Objects[0].Group;
    Options.ToGroup = Options.FromGroup;
    UMoqFetchAction* const Node =
        UMoqFetchAction::FetchFromMoqTrack(Scene->Games[0]->GetWorld(), Scene->Client.Get(),
                                           TEXT("test/unreal"), TEXT("track"), Options, 1000);
    Node->OnSuccess.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleFetched);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleFetched);
    Node->Activate();
  });
  Scene->Until(TEXT("a pin"), [Scene]() { return Scene->Listener->Pins > 0; });
  Scene->Do([Scene]() {
    Scene->Test.TestTrue(TEXT("too large"),
                         Scene->Listener->PinError.Code == EMoqErrorCode::TooLarge);
    Scene->Test.TestEqual(TEXT("objects that 1,000 bytes hold"), Scene->Listener->Objects.Num(),
                          15);
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqErrorTextTest, "Moq.Nodes.AnErrorIsOneLine", MoqTestFlags)

bool FMoqErrorTextTest::RunTest(const FString&) {
  FMoqError Error;
  TestFalse(TEXT("no error"), UMoqText::IsError(Error));
  TestEqual(TEXT("no error"), UMoqText::Conv_MoqErrorToString(Error), FString(TEXT("Ok")));
  Error.Code = EMoqErrorCode::NotFound;
  Error.Message = TEXT("no such track");
  Error.PeerCode = 16;
  TestTrue(TEXT("an error"), UMoqText::IsError(Error));
  TestEqual(TEXT("an error"), Error.ToString(),
            FString(TEXT("NotFound: no such track (code 16 of the peer)")));
  return true;
}
