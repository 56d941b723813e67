// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// Publishing and subscribing over a real relay.
#include "MoqScene.h"

#include "MoqDiscovery.h"

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
