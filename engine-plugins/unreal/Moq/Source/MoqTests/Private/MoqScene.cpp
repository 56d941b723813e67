// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqScene.h"

#include "Engine/Engine.h"
#include "Engine/GameInstance.h"
#include "Engine/World.h"
#include "UObject/UObjectGlobals.h"

namespace {

/** One step; holds its scene. */
class FMoqStep final : public IAutomationLatentCommand {
public:
  FMoqStep(const TSharedRef<FMoqScene>& InScene, const FString& InWhat,
           TFunction<bool()> InCondition, double InLimit, bool bInAlways)
      : Scene(InScene), What(InWhat), Condition(MoveTemp(InCondition)), Limit(InLimit),
        bAlways(bInAlways) {}

  bool Update() override {
    if (Scene->bFailed && !bAlways)
      return true;
    if (Condition())
      return true;
    if (GetCurrentRunTime() < Limit)
      return false;
    Scene->Test.AddError(
        FString::Printf(TEXT("%s: not within %d s"), *What, static_cast<int32>(Limit)));
    Scene->bFailed = true;
    return true;
  }

private:
  TSharedRef<FMoqScene> Scene;
  FString What;
  TFunction<bool()> Condition;
  double Limit;
  bool bAlways;
};

} // namespace

FMoqScene::~FMoqScene() {
  while (!Games.IsEmpty())
    EndGame(Games.Last().Get());
}

void FMoqScene::Do(TFunction<void()> Body) {
  const auto Once = [Body]() {
    Body();
    return true;
  };
  ADD_LATENT_AUTOMATION_COMMAND(FMoqStep(AsShared(), TEXT("step"), Once, 60, false));
}

void FMoqScene::Until(const FString& What, TFunction<bool()> Condition, double Seconds) {
  ADD_LATENT_AUTOMATION_COMMAND(FMoqStep(AsShared(), What, MoveTemp(Condition), Seconds, false));
}

void FMoqScene::Frames(int32 Count) {
  const TSharedRef<int32> Left = MakeShared<int32>(Count);
  Until(
      TEXT("frames"), [Left]() { return (*Left)-- <= 0; }, 60);
}

void FMoqScene::End() {
  const auto Body = [this]() {
    const TWeakObjectPtr<UMoqRelay> OldRelay = Relay;
    const TWeakObjectPtr<UMoqClient> OldClient = Client;
    const TWeakObjectPtr<UMoqSubscription> OldSubscription = Subscription;
    while (!Games.IsEmpty())
      EndGame(Games.Last().Get());
    Listener.Reset();
    CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
    Test.TestFalse(TEXT("a relay is left after its game"), OldRelay.IsValid());
    Test.TestFalse(TEXT("a client is left after its game"), OldClient.IsValid());
    Test.TestFalse(TEXT("a subscription is left after its game"), OldSubscription.IsValid());
    return true;
  };
  ADD_LATENT_AUTOMATION_COMMAND(FMoqStep(AsShared(), TEXT("end"), Body, 60, true));
}

UGameInstance* FMoqScene::StartGame() {
  UGameInstance* const Game = NewObject<UGameInstance>(GEngine);
  Games.Add(TStrongObjectPtr<UGameInstance>(Game));
  Game->InitializeStandalone();
  return Game;
}

void FMoqScene::EndGame(UGameInstance* Game) {
  UWorld* const World = Game->GetWorld();
  Game->Shutdown();
  if (World != nullptr) {
    GEngine->DestroyWorldContext(World);
    World->DestroyWorld(false);
  }
  Games.RemoveAll(
      [Game](const TStrongObjectPtr<UGameInstance>& Each) { return Each.Get() == Game; });
}

UMoqSubsystem* FMoqScene::Moq(int32 Index) const {
  return Games[Index]->GetSubsystem<UMoqSubsystem>();
}

void FMoqScene::StartGameWithRelay() {
  Do([this]() {
    StartGame();
    Listener.Reset(NewObject<UMoqTestListener>());
    Test.TestTrue(TEXT("the library is available: ") + Moq()->GetProblem(), Moq()->IsAvailable());
    FMoqError Error;
    Relay = Moq()->StartRelay(FMoqRelayOptions(), Error);
  });
  Until(TEXT("the relay runs"),
        [this]() { return Relay.IsValid() && Relay->GetState() == EMoqRelayState::Running; });
  Do([this]() {
    FMoqError Error;
    Client = Moq()->Connect(Relay->GetConnectOptions(), Error);
    if (Client.IsValid())
      Client->OnState.AddDynamic(Listener.Get(), &UMoqTestListener::HandleState);
  });
  Until(TEXT("the client is open"),
        [this]() { return Client.IsValid() && Client->GetState() == EMoqClientState::Open; });
}

void FMoqScene::StartTrack(const FMoqPublishOptions& Options,
                           const FMoqSubscribeOptions& SubscribeOptions, const FString& Name) {
  Do([this, Options, Name]() {
    Publication = Client->Publish(TEXT("test/unreal"), Name, Options);
  });
  Until(TEXT("the publication is accepted"),
        [this]() { return Publication.IsValid() && Publication->IsReady(); });
  Do([this, SubscribeOptions, Name]() {
    Subscription = Client->Subscribe(TEXT("test/unreal"), Name, SubscribeOptions);
    Subscription->OnObject.AddDynamic(Listener.Get(), &UMoqTestListener::HandleObject);
    Subscription->OnGap.AddDynamic(Listener.Get(), &UMoqTestListener::HandleGap);
    Subscription->OnEnd.AddDynamic(Listener.Get(), &UMoqTestListener::HandleEnd);
  });
  Until(TEXT("the subscription stands"), [this]() {
    return Subscription.IsValid() && Subscription->IsReady() && Publication->GetSubscribers() > 0;
  });
}

TArray<uint8> FMoqScene::Bytes(int32 Value) {
  TArray<uint8> Result;
  for (int32 Shift = 0; Shift < 32; Shift += 8)
    Result.Add(static_cast<uint8>(Value >> Shift));
  return Result;
}

int32 FMoqScene::Value(const TArray<uint8>& Bytes) {
  // What comes after the number is padding.
  uint32 Result = 0;
  for (int32 Index = 0; Index < Bytes.Num() && Index < 4; ++Index)
    Result |= static_cast<uint32>(Bytes[Index]) << (8 * Index);
  return static_cast<int32>(Result);
}

bool FMoqScene::AllInOrder(int32 From, int32 Count) {
  bool bGood = Test.TestEqual(TEXT("objects"), Listener->Objects.Num(), Count);
  for (int32 Index = 0; Index < Listener->Objects.Num() && bGood; ++Index)
    bGood = Test.TestEqual(TEXT("the next object"), Value(Listener->Objects[Index].Bytes),
                           From + Index);
  return bGood;
}
