// UObject with a real, forced garbage collection: what no UPROPERTY, root or collector reaches is
// destroyed, so that a pointer that should have been weak is found by AddressSanitizer.
#pragma once

#include "Shim/Config.h"
#include "Shim/Containers.h"
#include "Shim/Pointers.h"
#include "Shim/Text.h"

#include <vector>

class UObject;
class UClass;
class UWorld;
template <class T>
class TObjectPtr;
template <class T>
class TSubclassOf;

enum EObjectFlags : uint32 {
  RF_NoFlags = 0,
  RF_Public = 1,
  RF_Standalone = 2,
  RF_Transient = 0x40,
  RF_ClassDefaultObject = 0x10,
  RF_BeginDestroyed = 0x8000,
  RF_ShimUnreachable = 0x10000000,
  RF_MirroredGarbage = 0x40000000,
};
constexpr EObjectFlags GARBAGE_COLLECTION_KEEPFLAGS = RF_NoFlags;

namespace Shim {

// Marks what is reached.
class FVisitor {
public:
  void Reach(UObject* Object);
  // A reference that may be taken away: one to garbage becomes null, as
  // gc.GarbageEliminationEnabled has it.
  template <class T>
  void ReachProperty(T*& Object) {
    if (Object != nullptr && IsGarbage(Object))
      Object = nullptr;
    Reach(Object);
  }
  // Reached, and what they refer to was not looked at yet.
  std::vector<UObject*> Open;

private:
  static bool IsGarbage(const UObject* Object);
};

// A UPROPERTY as its header has it: "ClampMin" is "0".
struct FPropertyInfo {
  FString Name;
  FString Type;
  TMap<FString, FString> Meta;
};

struct FClassInfo {
  FString Name;
  FString Module;
  FString Config;
  TMap<FString, FString> Meta;
  std::vector<const char*> Functions;
  std::vector<FPropertyInfo> Properties;
  UClass* Super = nullptr;
  UObject* (*Make)() = nullptr;
  void (*VisitOwn)(UObject*, FVisitor&) = nullptr;
  void (*LoadConfig)(UObject*, const FConfigSection&) = nullptr;
};

// Of every object that lives: index and serial number, so that weak pointers need no object.
uint32 SerialOf(const UObject* Object);
bool IsAlive(const UObject* Object, uint32 Serial);
int32 NumObjects();
int32 NumObjectsOf(const UClass* Class);

struct FClassRegistration {
  explicit FClassRegistration(UClass* (*InGet)());
};

} // namespace Shim

class FReferenceCollector {
public:
  explicit FReferenceCollector(Shim::FVisitor& InVisitor) : Visitor(InVisitor) {}
  template <class T>
  void AddReferencedObject(TObjectPtr<T>& Pointer) {
    Pointer.ShimReach(Visitor);
  }

private:
  Shim::FVisitor& Visitor;
};

class UObjectBase {};

class UObject : public UObjectBase {
public:
  using ThisClass = UObject;
  static UClass* StaticClass();
  void ShimVisitOwn(Shim::FVisitor&) {}

  UObject();
  virtual ~UObject();
  UE_NONCOPYABLE(UObject)

  virtual void BeginDestroy();
  virtual void FinishDestroy() { bFinished = true; }
  virtual bool IsReadyForFinishDestroy() { return true; }
  virtual void PostInitProperties() {}
  virtual UWorld* GetWorld() const { return ShimOuter ? ShimOuter->GetWorld() : nullptr; }
  static void AddReferencedObjects(UObject*, FReferenceCollector&) {}
  // From the project's configuration; what it does not name stays as it is.
  void LoadConfig();
  void ReloadConfig() { LoadConfig(); }

  UClass* GetClass() const { return ShimClass; }
  UObject* GetOuter() const { return ShimOuter; }
  template <class T>
  T* GetTypedOuter() const;
  FString GetName() const { return ShimName; }
  FName GetFName() const { return FName(ShimName); }
  FString GetPathName() const {
    return ShimOuter ? ShimOuter->GetPathName() + TEXT(".") + ShimName : ShimName;
  }
  bool HasAnyFlags(uint32 Flags) const { return (ObjectFlags & Flags) != 0; }
  bool IsTemplate() const { return HasAnyFlags(RF_ClassDefaultObject); }
  void SetFlags(uint32 Flags) { ObjectFlags |= Flags; }
  void AddToRoot() { bRooted = true; }
  void RemoveFromRoot() { bRooted = false; }
  bool IsRooted() const { return bRooted; }
  void MarkAsGarbage() { ObjectFlags |= RF_MirroredGarbage; }
  bool IsA(const UClass* Wanted) const;
  template <class T>
  bool IsA() const {
    return IsA(T::StaticClass());
  }
  void ConditionalBeginDestroy();

private:
  friend struct FShimObjects;
  UClass* ShimClass = nullptr;
  UObject* ShimOuter = nullptr;
  FString ShimName;
  uint32 ObjectFlags = RF_NoFlags;
  bool bRooted = false;
  bool bMarked = false;
  bool bFinished = false;
  bool bDestroyBegan = false;
};

class UClass : public UObject {
public:
  explicit UClass(Shim::FClassInfo InInfo) : Info(std::move(InInfo)) {}
  const Shim::FClassInfo& Shim() const { return Info; }
  UClass* GetSuperClass() const { return Info.Super; }
  bool IsChildOf(const UClass* Wanted) const {
    for (const UClass* At = this; At != nullptr; At = At->Info.Super)
      if (At == Wanted)
        return true;
    return false;
  }
  bool ShimHasFunction(const char* Wanted) const;
  UObject* GetDefaultObject();

private:
  Shim::FClassInfo Info;
  UObject* Default = nullptr;
};

class UPackage : public UObject {
public:
  static UClass* StaticClass();
};

// An enum with the names of its values.
class UEnum {
public:
  explicit UEnum(std::vector<std::pair<int64, const char*>> InNames) : Names(std::move(InNames)) {}
  // Empty for a value that has none.
  FString GetNameStringByValue(int64 Value) const {
    for (const auto& [Known, Name] : Names)
      if (Known == Value)
        return FString(Name);
    return FString();
  }

private:
  const std::vector<std::pair<int64, const char*>> Names;
};
template <class E>
UEnum* StaticEnum();
UPackage* GetTransientPackage();

namespace Shim {
template <class T, bool bAbstract>
UClass* MakeClass(FClassInfo Info) {
  Info.Super = T::Super::StaticClass();
  if constexpr (requires(T & Object, const FConfigSection& Section) {
                  Object.ShimConfigOwn(Section);
                })
    if (!Info.Config.IsEmpty())
      Info.LoadConfig = [](UObject* Object, const FConfigSection& Section) {
        static_cast<T*>(Object)->ShimConfigOwn(Section);
      };
  if constexpr (!bAbstract)
    Info.Make = []() -> UObject* { return new T(); };
  Info.VisitOwn = [](UObject* Object, FVisitor& Visitor) {
    static_cast<T*>(Object)->ShimVisitOwn(Visitor);
    FReferenceCollector Collector(Visitor);
    T::AddReferencedObjects(Object, Collector);
  };
  return new UClass(std::move(Info));
}
UObject* NewObject(UObject* Outer, UClass* Class, const FName& Name, uint32 Flags);
} // namespace Shim

template <class T>
T* NewObject(UObject* Outer = GetTransientPackage(), UClass* Class = T::StaticClass(),
             FName Name = FName(), EObjectFlags Flags = RF_NoFlags) {
  return static_cast<T*>(Shim::NewObject(Outer, Class, Name, Flags));
}
template <class T>
T* NewObject(UObject* Outer, FName Name, EObjectFlags Flags = RF_NoFlags) {
  return static_cast<T*>(Shim::NewObject(Outer, T::StaticClass(), Name, Flags));
}
template <class T>
T* GetMutableDefault() {
  return static_cast<T*>(T::StaticClass()->GetDefaultObject());
}
template <class T>
const T* GetDefault() {
  return GetMutableDefault<T>();
}

inline bool IsValid(const UObject* Object) {
  return Object != nullptr && !Object->HasAnyFlags(RF_MirroredGarbage);
}
template <class T, class F>
T* Cast(F* From) {
  const UObject* const Object = From;
  return Object != nullptr && Object->IsA(T::StaticClass())
             ? static_cast<T*>(const_cast<UObject*>(Object))
             : nullptr;
}
template <class T, class F>
T* Cast(const TObjectPtr<F>& From) {
  return Cast<T>(From.Get());
}
template <class T, class F>
T* CastChecked(F* From) {
  T* const Object = Cast<T>(From);
  check(Object != nullptr);
  return Object;
}
template <class T>
T* UObject::GetTypedOuter() const {
  for (UObject* At = ShimOuter; At != nullptr; At = At->ShimOuter)
    if (T* const Found = Cast<T>(At))
      return Found;
  return nullptr;
}

// Destroys, now, everything that is not reached.
void CollectGarbage(EObjectFlags KeepFlags, bool bPerformFullPurge = true);

template <class T>
class TObjectPtr {
public:
  TObjectPtr() = default;
  TObjectPtr(std::nullptr_t) {}
  TObjectPtr(T* InObject) : Object(InObject) {}
  template <class U>
  TObjectPtr(const TObjectPtr<U>& Other) : Object(Other.Get()) {}
  T* Get() const { return Object; }
  operator T*() const { return Object; }
  T* operator->() const {
    check(Object != nullptr);
    return Object;
  }
  T& operator*() const { return *Object; }
  void ShimReach(Shim::FVisitor& Visitor) { Visitor.ReachProperty(Object); }

private:
  T* Object = nullptr;
};

template <class T = UObject>
class TWeakObjectPtr {
public:
  TWeakObjectPtr() = default;
  TWeakObjectPtr(std::nullptr_t) {}
  TWeakObjectPtr(T* InObject) : Object(InObject), Serial(InObject ? Shim::SerialOf(InObject) : 0) {}
  TWeakObjectPtr(const TObjectPtr<T>& InObject) : TWeakObjectPtr(InObject.Get()) {}
  T* Get() const {
    if (Object == nullptr || !Shim::IsAlive(Object, Serial))
      return nullptr;
    return ::IsValid(Object) ? Object : nullptr;
  }
  bool IsValid() const { return Get() != nullptr; }
  // With true also while it is garbage that was not collected yet.
  bool IsValid(bool bEvenIfGarbage) const {
    return bEvenIfGarbage ? Object != nullptr && Shim::IsAlive(Object, Serial) : IsValid();
  }
  explicit operator bool() const { return IsValid(); }
  T* operator->() const {
    check(IsValid());
    return Object;
  }
  void Reset() { Object = nullptr; }
  bool operator==(const TWeakObjectPtr& Other) const { return Get() == Other.Get(); }
  bool operator==(const T* Other) const { return Get() == Other; }

private:
  T* Object = nullptr;
  uint32 Serial = 0;
};
template <class T>
TWeakObjectPtr<T> MakeWeakObjectPtr(T* Object) {
  return TWeakObjectPtr<T>(Object);
}

template <class T>
class TStrongObjectPtr;
namespace Shim {
void AddStrong(UObject* Object);
void RemoveStrong(UObject* Object);
} // namespace Shim
template <class T>
class TStrongObjectPtr {
public:
  TStrongObjectPtr() = default;
  explicit TStrongObjectPtr(T* InObject) { Reset(InObject); }
  TStrongObjectPtr(const TStrongObjectPtr& Other) { Reset(Other.Object); }
  TStrongObjectPtr& operator=(const TStrongObjectPtr& Other) {
    Reset(Other.Object);
    return *this;
  }
  ~TStrongObjectPtr() { Reset(); }
  void Reset(T* InObject = nullptr) {
    if (InObject != nullptr)
      Shim::AddStrong(InObject);
    if (Object != nullptr)
      Shim::RemoveStrong(Object);
    Object = InObject;
  }
  T* Get() const { return Object; }
  T* operator->() const { return Object; }
  bool IsValid() const { return Object != nullptr; }
  explicit operator bool() const { return IsValid(); }

private:
  T* Object = nullptr;
};

template <class T>
class TSubclassOf {
public:
  TSubclassOf() = default;
  TSubclassOf(UClass* InClass) : Class(InClass) {}
  UClass* Get() const { return Class; }
  operator UClass*() const { return Class; }

private:
  UClass* Class = nullptr;
};

class FGCObject {
public:
  FGCObject();
  virtual ~FGCObject();
  virtual void AddReferencedObjects(FReferenceCollector& Collector) = 0;
  virtual FString GetReferencerName() const = 0;
};

namespace Shim {
// Of a UPROPERTY: what refers to objects is followed, the rest has nothing to follow.
template <class T>
void Visit(FVisitor& Visitor, T& Value) {
  if constexpr (requires { Value.ShimVisit(Visitor); })
    Value.ShimVisit(Visitor);
}
template <class T>
void Visit(FVisitor& Visitor, T*& Value) {
  Visitor.ReachProperty(Value);
}
template <class T>
void Visit(FVisitor& Visitor, TObjectPtr<T>& Value) {
  Value.ShimReach(Visitor);
}
template <class T>
void Visit(FVisitor& Visitor, TArray<T>& Values) {
  for (T& Value : Values)
    Visit(Visitor, Value);
}
template <class K, class V>
void Visit(FVisitor& Visitor, TMap<K, V>& Values) {
  for (TPair<K, V>& Pair : Values) {
    Visit(Visitor, Pair.Key);
    Visit(Visitor, Pair.Value);
  }
}
} // namespace Shim
