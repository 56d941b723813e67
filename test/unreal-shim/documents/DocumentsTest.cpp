// The C++ code of README.md and docs/unreal.md, as it stands there: it compiles and does what they
// say.
#include "MyPawn.h"

#include "MoqScene.h"

#include "Engine/GameInstance.h"
#include "Engine/World.h"

// Written by documents.mjs.
#include "documents.inl"

FString AMyPawn::Relay;

UWorld* APawn::GetWorld() const {
  return Where;
}

void AMyPawn::HandleObject(const FMoqObjectView& Object) {
  if (FMoqScene::Value(TArray<uint8>(Object.Bytes.GetData(), Object.Bytes.Num())) == 42)
    ++Objects;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqDocumentsTest, "Moq.Documents.TheirCodeRuns", MoqTestFlags)

bool FMoqDocumentsTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<TStrongObjectPtr<AMyPawn>> Pawn = MakeShared<TStrongObjectPtr<AMyPawn>>();
  Scene->StartGameWithRelay();
  Scene->Do([Scene]() {
    Scene->Publication =
        Scene->Client->Publish(TEXT("match/42"), TEXT("world"), FMoqPublishOptions());
  });
  Scene->Until(TEXT("the world is published"), [Scene]() { return Scene->Publication->IsReady(); });
  Scene->Do([Scene, Pawn]() {
    Scene->Publication->SendKeyframe(FMoqScene::Bytes(42));
    AMyPawn::Relay = Scene->Relay->GetMemoryUrl();
    Pawn->Reset(NewObject<AMyPawn>());
    (*Pawn)->Where = Scene->Games[0]->GetWorld();
    (*Pawn)->BeginPlay();
    (*Pawn)->FromReadme();
  });
  Scene->Until(TEXT("both subscriptions have the world"),
               [Pawn]() { return (*Pawn)->Objects == 2; });
  Scene->Until(TEXT("the pawn's poses are published"),
               [Pawn]() { return (*Pawn)->Publication && (*Pawn)->Publication->IsReady(); });
  Scene->Do([Scene, Pawn]() {
    Scene->Test.TestTrue(TEXT("a pose is accepted"),
                         (*Pawn)->Publication->Send(FMoqScene::Bytes(1)) == EMoqSend::Accepted);
    (*Pawn)->EndPlay(EEndPlayReason::Destroyed);
    Scene->Test.TestFalse(TEXT("its connection is open"), (*Pawn)->Connection->IsOpen());
    Scene->Test.TestFalse(TEXT("its publication is open"), (*Pawn)->Publication->IsOpen());
    Pawn->Reset();
  });
  Scene->End();
  return true;
}
