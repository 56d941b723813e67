// The game instance of engine-plugins/unreal/Project: its script runs as long as the game does.
#include "MoqGameInstance.h"
#include "MoqScene.h"
#include "ProjectEngine.h"

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqProjectTest, "Moq.Documents.TheProjectRunsItsScript",
                                 MoqTestFlags)

bool FMoqProjectTest::RunTest(const FString&) {
  const TStrongObjectPtr<UMoqGameListener> Script(NewObject<UMoqGameListener>());
  TStrongObjectPtr<UMoqGameInstance> Game(NewObject<UMoqGameInstance>());
  TestNull(TEXT("a body without a world"), Game->SpawnBody());
  Game->InitializeStandalone();
  TestEqual(TEXT("script environments"), puerts::FJsEnv::Alive, 1);
  TestTrue(TEXT("main runs"), puerts::FJsEnv::Module == TEXT("main"));
  TestTrue(TEXT("it is told the game"),
           puerts::FJsEnv::Name == TEXT("GameInstance") && puerts::FJsEnv::Argument == Game.Get());
  TestTrue(TEXT("the match has a name"), Game->MatchName == TEXT("demo"));

  Game->OnFrame.AddDynamic(Script.Get(), &UMoqGameListener::HandleFrame);
  Game->OnGameEnd.AddDynamic(Script.Get(), &UMoqGameListener::HandleEnd);
  FTSTicker::GetCoreTicker().Tick(0.25f);
  FTSTicker::GetCoreTicker().Tick(0.25f);
  TestTrue(TEXT("every frame is told"), Script->Seconds == 0.5f);
  AStaticMeshActor* const Body = Cast<AStaticMeshActor>(Game->SpawnBody());
  TestTrue(TEXT("a body that scripts may move"),
           Body != nullptr && Body->Mobility == EComponentMobility::Movable && !Body->bCollides);

  Game->Shutdown();
  FTSTicker::GetCoreTicker().Tick(0.25f);
  TestEqual(TEXT("the end is told once"), Script->Ends, 1);
  TestTrue(TEXT("no frame after the end"), Script->Seconds == 0.5f);
  TestEqual(TEXT("script environments after the end"), puerts::FJsEnv::Alive, 0);
  Game.Reset();
  CollectGarbage(GARBAGE_COLLECTION_KEEPFLAGS);
  return true;
}
