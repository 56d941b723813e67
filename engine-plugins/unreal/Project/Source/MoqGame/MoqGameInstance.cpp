// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqGameInstance.h"

#include "Components/StaticMeshComponent.h"
#include "Engine/StaticMesh.h"
#include "Engine/StaticMeshActor.h"
#include "Engine/World.h"
#include "JsEnv.h"
#include "UObject/ConstructorHelpers.h"

UMoqGameInstance::UMoqGameInstance() {
  // Found here, so that the cooker takes the mesh along.
  static ConstructorHelpers::FObjectFinder<UStaticMesh> Sphere(
      TEXT("/Engine/BasicShapes/Sphere.Sphere"));
  BodyMesh = Sphere.Object;
}

void UMoqGameInstance::Init() {
  Super::Init();
  Script = MakeShared<puerts::FJsEnv>();
  TArray<TPair<FString, UObject*>> Arguments;
  Arguments.Add(TPair<FString, UObject*>(TEXT("GameInstance"), this));
  // Content/JavaScript/main.js; a missing file is an error in the log of Puerts.
  Script->Start(TEXT("main"), Arguments);
  Ticker = FTSTicker::GetCoreTicker().AddTicker(
      FTickerDelegate::CreateUObject(this, &UMoqGameInstance::Frame));
}

void UMoqGameInstance::Shutdown() {
  FTSTicker::RemoveTicker(Ticker);
  OnGameEnd.Broadcast();
  // What the script left open of MoQ ends with its environment.
  OnFrame.Clear();
  OnGameEnd.Clear();
  Script.Reset();
  Super::Shutdown();
}

bool UMoqGameInstance::Frame(float DeltaSeconds) {
  OnFrame.Broadcast(DeltaSeconds);
  return true;
}

AActor* UMoqGameInstance::SpawnBody() {
  UWorld* const Here = GetWorld();
  AStaticMeshActor* const Body = Here != nullptr ? Here->SpawnActor<AStaticMeshActor>() : nullptr;
  if (Body == nullptr)
    return nullptr;
  Body->SetMobility(EComponentMobility::Movable);
  Body->GetStaticMeshComponent()->SetStaticMesh(BodyMesh);
  Body->SetActorEnableCollision(false);
  return Body;
}
