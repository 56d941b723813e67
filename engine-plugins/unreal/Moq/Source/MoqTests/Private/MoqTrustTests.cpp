// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// Certificates that a client does not accept.
#include "MoqScene.h"

#include "Engine/GameInstance.h"
#include "Engine/World.h"
#include "MoqAsyncActions.h"

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqCertificateTest, "Moq.Connection.ARefusedCertificateSaysWhy",
                                 MoqTestFlags)

bool FMoqCertificateTest::RunTest(const FString&) {
  AddExpectedError(TEXT("url"), EAutomationExpectedErrorFlags::Contains, 1);
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  Scene->StartGameWithRelay();
  const auto IsRefused = [Scene](const FMoqError& Error, EMoqCertificateReason Reason) {
    Scene->Test.TestTrue(TEXT("the code: ") + Error.Message,
                         Error.Code == EMoqErrorCode::Certificate);
    Scene->Test.TestTrue(TEXT("the reason: ") + Error.Message, Error.CertificateReason == Reason);
    Scene->Test.TestFalse(TEXT("trying again would help"), Error.bRetryable);
    Scene->Test.TestFalse(TEXT("no message"), Error.Message.IsEmpty());
  };
  for (const bool bPinned : {true, false}) {
    Scene->Do([Scene, bPinned]() {
      // Of a development certificate, which no authority has signed.
      FMoqConnectOptions Options;
      Options.Url = Scene->Relay->GetQuicUrl();
      if (bPinned)
        Options.ServerCertificateHashes.Add(FString::ChrN(64, TEXT('a')));
      FMoqError Error;
      Scene->Listener->Ends.Reset();
      Scene->Client = Scene->Moq()->Connect(Options, Error);
      Scene->Client->OnEnd.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleEnd);
    });
    Scene->Until(TEXT("the refusal"), [Scene]() { return Scene->Listener->Ends.Num() > 0; });
    Scene->Do([Scene, IsRefused, bPinned]() {
      IsRefused(Scene->Listener->Ends[0],
                bPinned ? EMoqCertificateReason::WrongHash : EMoqCertificateReason::UnknownIssuer);
    });
  }
  Scene->Do([Scene]() {
    FMoqConnectOptions Options = Scene->Relay->GetConnectOptions();
    Options.Url = Scene->Relay->GetQuicUrl();
    Options.ServerCertificateHashes.Reset();
    Options.ServerCertificateHashes.Add(FString::ChrN(64, TEXT('0')));
    UMoqConnectAction* const Node =
        UMoqConnectAction::ConnectToMoqRelay(Scene->Games[0]->GetWorld(), Options);
    Node->OnFailure.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleFailure);
    Node->Activate();
  });
  Scene->Until(TEXT("the pin"), [Scene]() { return Scene->Listener->Pins > 0; });
  Scene->Do([Scene, IsRefused]() {
    IsRefused(Scene->Listener->PinError, EMoqCertificateReason::WrongHash);
    // Every other error has none.
    FMoqError Error;
    Scene->Moq()->Connect(FMoqConnectOptions(), Error);
    Scene->Test.TestTrue(TEXT("no reason"),
                         Error.IsError() && Error.CertificateReason == EMoqCertificateReason::None);
  });
  Scene->End();
  return true;
}
