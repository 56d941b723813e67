#include "Shim/Engine.h"

#include "Shim/Log.h"
#include "Shim/Stats.h"

namespace {
// Subsystems are made of every class that the plugin has.
std::vector<UClass* (*)()>& Registered() {
  static auto* Made = new std::vector<UClass* (*)()>();
  return *Made;
}

template <class T>
UClass* EngineClass(const TCHAR* Name, bool bVisits = false) {
  Shim::FClassInfo Info;
  Info.Name = Name;
  Info.Super = T::Super::StaticClass();
  Info.Make = []() -> UObject* { return new T(); };
  if (bVisits)
    Info.VisitOwn = [](UObject* Object, Shim::FVisitor& Visitor) {
      static_cast<T*>(Object)->ShimVisitOwn(Visitor);
    };
  return new UClass(std::move(Info));
}
} // namespace

#define SHIM_ENGINE_CLASS(Class, Name, bVisits)                                                    \
  UClass* Class::StaticClass() {                                                                   \
    static UClass* Made = EngineClass<Class>(TEXT(Name), bVisits);                                 \
    return Made;                                                                                   \
  }
SHIM_ENGINE_CLASS(USubsystem, "Subsystem", false)
SHIM_ENGINE_CLASS(UGameInstanceSubsystem, "GameInstanceSubsystem", false)
SHIM_ENGINE_CLASS(UWorld, "World", true)
SHIM_ENGINE_CLASS(UGameInstance, "GameInstance", true)
SHIM_ENGINE_CLASS(UEngine, "Engine", false)
SHIM_ENGINE_CLASS(UBlueprintFunctionLibrary, "BlueprintFunctionLibrary", false)
SHIM_ENGINE_CLASS(UBlueprintAsyncActionBase, "BlueprintAsyncActionBase", false)
SHIM_ENGINE_CLASS(UDeveloperSettings, "DeveloperSettings", false)

UEngine* GEngine = nullptr;
FSimpleMulticastDelegate FCoreDelegates::OnPreExit;
FSimpleMulticastDelegate FCoreDelegates::OnEnginePreExit;

namespace Shim {
FClassRegistration::FClassRegistration(UClass* (*InGet)()) {
  Registered().push_back(InGet);
}
void MakeDefaultObjects() {
  for (UClass* (*Get)() : Registered())
    if (Get()->Shim().Make != nullptr)
      Get()->GetDefaultObject();
}
} // namespace Shim

UGameInstance* UGameInstanceSubsystem::GetGameInstance() const {
  return Cast<UGameInstance>(GetOuter());
}
UWorld* UGameInstanceSubsystem::GetWorld() const {
  return GetGameInstance()->GetWorld();
}

void UWorld::ShimVisitOwn(Shim::FVisitor& Visitor) {
  Visitor.Reach(Game);
}

void UGameInstance::ShimVisitOwn(Shim::FVisitor& Visitor) {
  Visitor.ReachProperty(World);
  for (USubsystem* Subsystem : Subsystems)
    Visitor.Reach(Subsystem);
  for (UObject* Object : Referenced)
    Visitor.Reach(Object);
}

USubsystem* FSubsystemCollectionBase::ShimGet(UClass* Class) {
  if (USubsystem* const Found = Owner->ShimSubsystem(Class))
    return Found;
  if (!static_cast<USubsystem*>(Class->GetDefaultObject())->ShouldCreateSubsystem(Owner))
    return nullptr;
  auto* const Made = static_cast<USubsystem*>(Shim::NewObject(Owner, Class, FName(), RF_NoFlags));
  Owner->Subsystems.Add(Made);
  Made->Initialize(*this);
  return Made;
}

void UGameInstance::InitializeStandalone() {
  World = NewObject<UWorld>(this);
  World->Game = this;
  Init();
}

void UGameInstance::Init() {
  FSubsystemCollectionBase Collection(this);
  for (UClass* (*Get)() : Registered())
    if (Get()->IsChildOf(UGameInstanceSubsystem::StaticClass()))
      Collection.ShimGet(Get());
}

void UGameInstance::Shutdown() {
  const TArray<USubsystem*> Ending = MoveTemp(Subsystems);
  for (USubsystem* Subsystem : Ending)
    Subsystem->Deinitialize();
  Referenced.Empty();
}

UWorld* UGameInstance::ShimTravel() {
  World->DestroyWorld(false);
  World = NewObject<UWorld>(this);
  World->Game = this;
  return World;
}

bool UEngine::Exec(UWorld*, const TCHAR* Command) {
  TArray<FString> Words;
  FString(Command).ParseIntoArray(Words, TEXT(" "));
  if (Words.Num() != 2 || Words[0] != TEXT("stat"))
    return false;
  Shim::FStatGroup* const Group = Shim::FindStatGroup(*(TEXT("STATGROUP_") + Words[1]));
  if (Group == nullptr)
    return false;
  Group->bShown = !Group->bShown;
  return true;
}

FName UDeveloperSettings::GetCategoryName() const {
  // What names none stands among the engine's or the game's own pages.
  if (!CategoryName.IsNone())
    return CategoryName;
  return GetClass()->Shim().Config == TEXT("Game") ? TEXT("Game") : TEXT("Engine");
}

USubsystem* UGameInstance::ShimSubsystem(const UClass* Wanted) const {
  for (USubsystem* Subsystem : Subsystems)
    if (Subsystem->IsA(Wanted))
      return Subsystem;
  return nullptr;
}

UWorld* UEngine::GetWorldFromContextObject(const UObject* Object, EGetWorldErrorMode Mode) const {
  UWorld* const World = Object ? Object->GetWorld() : nullptr;
  if (World == nullptr && Mode == EGetWorldErrorMode::LogAndReturnNull)
    UE_LOG(LogTemp, Error, TEXT("No world was found for the context object"));
  return World;
}

void UBlueprintAsyncActionBase::RegisterWithGameInstance(const UObject* WorldContextObject) {
  if (const UWorld* const World = WorldContextObject ? WorldContextObject->GetWorld() : nullptr) {
    RegisteredWithGameInstance = World->GetGameInstance();
    if (UGameInstance* const Game = RegisteredWithGameInstance.Get())
      Game->RegisterReferencedObject(this);
  }
}

void UBlueprintAsyncActionBase::SetReadyToDestroy() {
  if (UGameInstance* const Game = RegisteredWithGameInstance.Get())
    Game->UnregisterReferencedObject(this);
  RegisteredWithGameInstance.Reset();
}
