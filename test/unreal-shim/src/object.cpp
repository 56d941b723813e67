#include "Shim/Object.h"

#include "Shim/Delegates.h"

#include <map>
#include <set>
#include <unordered_map>

// All objects that live. Touched on the game thread only, as the engine demands.
struct FShimObjects {
  std::unordered_map<const UObject*, uint32> Serials;
  std::map<UObject*, int32> Strong;
  std::set<FGCObject*> Collectors;
  std::set<UObject*> Classes;
  uint32 NextSerial = 1;
  bool bCollecting = false;
  int32 NextName = 0;

  static FShimObjects& Get() {
    static auto* Objects = new FShimObjects();
    return *Objects;
  }
  static void Set(UObject* Object, UClass* Class, UObject* Outer, const FString& Name,
                  uint32 Flags) {
    Object->ShimClass = Class;
    Object->ShimOuter = Outer;
    Object->ShimName = Name;
    Object->ObjectFlags |= Flags;
  }
  static bool Mark(UObject* Object) { return !std::exchange(Object->bMarked, true); }
  static bool Unmark(UObject* Object) { return std::exchange(Object->bMarked, false); }
  static bool IsReady(UObject* Object) { return Object->IsReadyForFinishDestroy(); }
  static bool Finished(UObject* Object) { return Object->bFinished; }
};

UObject::UObject() {
  check(IsInGameThread());
  FShimObjects& Objects = FShimObjects::Get();
  Objects.Serials.emplace(this, Objects.NextSerial++);
}

UObject::~UObject() {
  FShimObjects::Get().Serials.erase(this);
}

void UObject::BeginDestroy() {
  bDestroyBegan = true;
}

void UObject::ConditionalBeginDestroy() {
  if (HasAnyFlags(RF_BeginDestroyed))
    return;
  SetFlags(RF_BeginDestroyed);
  BeginDestroy();
  if (!bDestroyBegan)
    Shim::Fatal(__FILE__, __LINE__, "BeginDestroy did not call Super::BeginDestroy");
}

bool UObject::IsA(const UClass* Wanted) const {
  return ShimClass != nullptr && ShimClass->IsChildOf(Wanted);
}

UClass* UObject::StaticClass() {
  static UClass* Class = []() {
    Shim::FClassInfo Info;
    Info.Name = TEXT("Object");
    Info.Make = []() -> UObject* { return new UObject(); };
    return new UClass(std::move(Info));
  }();
  return Class;
}

UClass* UPackage::StaticClass() {
  static UClass* Class = []() {
    Shim::FClassInfo Info;
    Info.Name = TEXT("Package");
    Info.Super = UObject::StaticClass();
    Info.Make = []() -> UObject* { return new UPackage(); };
    return new UClass(std::move(Info));
  }();
  return Class;
}

UPackage* GetTransientPackage() {
  static UPackage* Package = []() {
    auto* const Made = static_cast<UPackage*>(
        Shim::NewObject(nullptr, UPackage::StaticClass(), TEXT("Transient"), 0));
    Made->AddToRoot();
    return Made;
  }();
  return Package;
}

bool UClass::ShimHasFunction(const char* Wanted) const {
  for (const UClass* At = this; At != nullptr; At = At->Info.Super)
    for (const char* Function : At->Info.Functions)
      if (std::strcmp(Function, Wanted) == 0)
        return true;
  return false;
}

UObject* UClass::GetDefaultObject() {
  if (Default == nullptr) {
    check(Info.Make != nullptr);
    Default = Info.Make();
    FShimObjects::Set(Default, this, GetTransientPackage(), FString(TEXT("Default__")) + Info.Name,
                      RF_ClassDefaultObject);
    Default->AddToRoot();
    Default->LoadConfig();
    Default->PostInitProperties();
  }
  return Default;
}

namespace Shim {

bool FVisitor::IsGarbage(const UObject* Object) {
  return FShimObjects::Get().Serials.count(Object) > 0 && Object->HasAnyFlags(RF_MirroredGarbage);
}

void FVisitor::Reach(UObject* Object) {
  if (Object == nullptr)
    return;
  if (FShimObjects::Get().Serials.count(Object) == 0)
    Fatal(__FILE__, __LINE__, "a UPROPERTY refers to an object that is gone");
  if (FShimObjects::Mark(Object))
    Open.push_back(Object);
}

uint32 SerialOf(const UObject* Object) {
  const auto Found = FShimObjects::Get().Serials.find(Object);
  check(Found != FShimObjects::Get().Serials.end());
  return Found->second;
}
bool IsAlive(const UObject* Object, uint32 Serial) {
  // A weak pointer may be asked anywhere in the engine; here every such place is a finding.
  if (!IsInGameThread())
    Fatal(__FILE__, __LINE__, "a UObject was touched off the game thread");
  const auto Found = FShimObjects::Get().Serials.find(Object);
  return Found != FShimObjects::Get().Serials.end() && Found->second == Serial &&
         !Object->HasAnyFlags(RF_BeginDestroyed | RF_ShimUnreachable);
}
int32 NumObjects() {
  return static_cast<int32>(FShimObjects::Get().Serials.size());
}
int32 NumObjectsOf(const UClass* Class) {
  int32 Count = 0;
  for (const auto& Entry : FShimObjects::Get().Serials)
    Count += Entry.first->IsA(Class) && !Entry.first->IsTemplate() ? 1 : 0;
  return Count;
}

void AddStrong(UObject* Object) {
  ++FShimObjects::Get().Strong[Object];
}
void RemoveStrong(UObject* Object) {
  auto& Strong = FShimObjects::Get().Strong;
  const auto Found = Strong.find(Object);
  check(Found != Strong.end());
  if (--Found->second == 0)
    Strong.erase(Found);
}

UObject* NewObject(UObject* Outer, UClass* Class, const FName& Name, uint32 Flags) {
  check(IsInGameThread());
  // Nothing may be made while garbage is collected: who does called a game from BeginDestroy.
  check(!FShimObjects::Get().bCollecting);
  check(Class->Shim().Make != nullptr);
  UObject* const Object = Class->Shim().Make();
  const FString Chosen = Name.IsNone() ? FString::Printf(TEXT("%s_%d"), *Class->Shim().Name,
                                                         FShimObjects::Get().NextName++)
                                       : Name.ToString();
  FShimObjects::Set(Object, Class, Outer, Chosen, Flags);
  Object->PostInitProperties();
  return Object;
}

FString FunctionName(const char* Qualified) {
  const char* const Colon = std::strrchr(Qualified, ':');
  return FString(Colon == nullptr ? Qualified : Colon + 1);
}

void CheckFunction(const UObject* Object, const FString& Name) {
  check(Object != nullptr);
  const std::string Plain = ToUtf8(Name.Std());
  if (!Object->GetClass()->ShimHasFunction(Plain.c_str()))
    Fatal(__FILE__, __LINE__, ("bound to a dynamic delegate but no UFUNCTION: " + Plain).c_str());
}

} // namespace Shim

FGCObject::FGCObject() {
  FShimObjects::Get().Collectors.insert(this);
}
FGCObject::~FGCObject() {
  FShimObjects::Get().Collectors.erase(this);
}

void CollectGarbage(EObjectFlags, bool) {
  check(IsInGameThread());
  FShimObjects& Objects = FShimObjects::Get();
  check(!Objects.bCollecting);
  Objects.bCollecting = true;
  Shim::FVisitor Visitor;
  for (const auto& Entry : Objects.Serials) {
    auto* const Object = const_cast<UObject*>(Entry.first);
    // Classes are of the module, not of the game.
    if (Object->IsRooted() || Object->GetClass() == nullptr)
      Visitor.Reach(Object);
  }
  for (const auto& Entry : Objects.Strong)
    Visitor.Reach(Entry.first);
  FReferenceCollector Collector(Visitor);
  for (FGCObject* Each : Objects.Collectors)
    Each->AddReferencedObjects(Collector);
  while (!Visitor.Open.empty()) {
    UObject* const Object = Visitor.Open.back();
    Visitor.Open.pop_back();
    Visitor.Reach(Object->GetOuter());
    for (UClass* Class = Object->GetClass(); Class != nullptr; Class = Class->GetSuperClass())
      if (Class->Shim().VisitOwn != nullptr)
        Class->Shim().VisitOwn(Object, Visitor);
  }
  std::vector<UObject*> Unreached;
  for (const auto& Entry : Objects.Serials) {
    auto* const Object = const_cast<UObject*>(Entry.first);
    if (!FShimObjects::Unmark(Object))
      Unreached.push_back(Object);
  }
  for (UObject* Object : Unreached)
    Object->SetFlags(RF_ShimUnreachable);
  for (UObject* Object : Unreached)
    Object->ConditionalBeginDestroy();
  for (UObject* Object : Unreached) {
    check(FShimObjects::IsReady(Object));
    Object->FinishDestroy();
    if (!FShimObjects::Finished(Object))
      Shim::Fatal(__FILE__, __LINE__, "FinishDestroy did not call Super::FinishDestroy");
  }
  for (UObject* Object : Unreached)
    delete Object;
  Objects.bCollecting = false;
}
