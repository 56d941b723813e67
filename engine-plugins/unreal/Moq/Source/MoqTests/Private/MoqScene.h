// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// What a test of a running game is made of: game instances of its own, a real relay, steps that run
// one after the other with frames between them.
#pragma once

#include "CoreMinimal.h"
#include "Misc/AutomationTest.h"
#include "Misc/EngineVersionComparison.h"
#include "MoqClient.h"
#include "MoqPublication.h"
#include "MoqRelay.h"
#include "MoqSubscription.h"
#include "MoqSubsystem.h"
#include "MoqTestListener.h"
#include "UObject/StrongObjectPtr.h"

class UGameInstance;

#if UE_VERSION_OLDER_THAN(5, 5, 0)
constexpr auto MoqTestFlags =
    EAutomationTestFlags::ApplicationContextMask | EAutomationTestFlags::ProductFilter;
#else
constexpr auto MoqTestFlags =
    EAutomationTestFlags_ApplicationContextMask | EAutomationTestFlags::ProductFilter;
#endif

class FMoqScene : public TSharedFromThis<FMoqScene> {
public:
  explicit FMoqScene(FAutomationTestBase& InTest) : Test(InTest) {}
  ~FMoqScene();

  /** A step. After one that failed, those that follow are left out. */
  void Do(TFunction<void()> Body);
  /** Waits for something, a frame at a time; too long is an error of the test. */
  void Until(const FString& What, TFunction<bool()> Condition, double Seconds = 20);
  /** Lets so many frames pass. */
  void Frames(int32 Count);
  /** Ends all games and collects; nothing may be left of them. */
  void End();

  /** Steps: a game with a relay and an open client on it. */
  void StartGameWithRelay();
  /** Steps: publishes and subscribes on a track of that client, and waits until both stand. */
  void StartTrack(const FMoqPublishOptions& Options,
                  const FMoqSubscribeOptions& SubscribeOptions = FMoqSubscribeOptions(),
                  const FString& Name = TEXT("track"));

  /** A game instance as a standalone game has it. */
  UGameInstance* StartGame();
  void EndGame(UGameInstance* Game);
  UMoqSubsystem* Moq(int32 Index = 0) const;

  static TArray<uint8> Bytes(int32 Value);
  static int32 Value(const TArray<uint8>& Bytes);
  bool AllInOrder(int32 From, int32 Count);

  FAutomationTestBase& Test;
  TArray<TStrongObjectPtr<UGameInstance>> Games;
  TStrongObjectPtr<UMoqTestListener> Listener;
  TWeakObjectPtr<UMoqRelay> Relay;
  TWeakObjectPtr<UMoqClient> Client;
  TWeakObjectPtr<UMoqPublication> Publication;
  TWeakObjectPtr<UMoqSubscription> Subscription;
  bool bFailed = false;
};
