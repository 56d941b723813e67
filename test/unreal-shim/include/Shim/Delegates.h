// Delegates: single and multicast, and the dynamic ones, which find UFUNCTIONs by their names.
#pragma once

#include "Shim/Object.h"

#include <memory>

class FDelegateHandle {
public:
  enum EGenerateNewHandleType { GenerateNewHandle };
  FDelegateHandle() = default;
  explicit FDelegateHandle(EGenerateNewHandleType);
  bool IsValid() const { return Id != 0; }
  void Reset() { Id = 0; }
  bool operator==(const FDelegateHandle&) const = default;

private:
  uint64 Id = 0;
};

template <class Signature>
class TDelegate;
template <class R, class... Args>
class TDelegate<R(Args...)> {
public:
  TDelegate() = default;

  template <class F>
  static TDelegate CreateLambda(F Function) {
    return TDelegate([]() { return true; }, std::move(Function), nullptr);
  }
  template <class U, class F>
  static TDelegate CreateWeakLambda(U* Object, F Function) {
    const TWeakObjectPtr<UObject> Weak(Object);
    return TDelegate([Weak]() { return Weak.IsValid(); }, std::move(Function), Object);
  }
  template <class U, class M>
  static TDelegate CreateUObject(U* Object, M Method) {
    return CreateWeakLambda(Object, [Object, Method](Args... Arguments) -> R {
      return (Object->*Method)(std::forward<Args>(Arguments)...);
    });
  }
  template <class U, class M>
  static TDelegate CreateRaw(U* Object, M Method) {
    TDelegate Made = CreateLambda([Object, Method](Args... Arguments) -> R {
      return (Object->*Method)(std::forward<Args>(Arguments)...);
    });
    Made.Owner = Object;
    return Made;
  }
  template <class U, class M>
  static TDelegate CreateSP(const TSharedRef<U>& Object, M Method) {
    const TWeakPtr<U> Weak(Object);
    U* const Raw = &Object.Get();
    return TDelegate([Weak]() { return Weak.IsValid(); },
                     [Raw, Method](Args... Arguments) -> R {
                       return (Raw->*Method)(std::forward<Args>(Arguments)...);
                     },
                     Raw);
  }
  static TDelegate CreateStatic(R (*Function)(Args...)) { return CreateLambda(Function); }

  template <class F>
  void BindLambda(F Function) {
    *this = CreateLambda(std::move(Function));
  }
  template <class U, class F>
  void BindWeakLambda(U* Object, F Function) {
    *this = CreateWeakLambda(Object, std::move(Function));
  }
  template <class U, class M>
  void BindUObject(U* Object, M Method) {
    *this = CreateUObject(Object, Method);
  }
  template <class U, class M>
  void BindRaw(U* Object, M Method) {
    *this = CreateRaw(Object, Method);
  }

  bool IsBound() const { return Call != nullptr && Alive(); }
  // As in the engine: what runs right now is destroyed with what it captured.
  void Unbind() { *this = TDelegate(); }
  R Execute(Args... Arguments) const {
    check(IsBound());
    return Call(std::forward<Args>(Arguments)...);
  }
  bool ExecuteIfBound(Args... Arguments) const {
    if (!IsBound())
      return false;
    Call(std::forward<Args>(Arguments)...);
    return true;
  }
  const void* ShimOwner() const { return Owner; }

private:
  template <class F>
  TDelegate(std::function<bool()> InAlive, F Function, const void* InOwner)
      : Alive(std::move(InAlive)), Call(std::move(Function)), Owner(InOwner) {}

  std::function<bool()> Alive;
  std::function<R(Args...)> Call;
  const void* Owner = nullptr;
};

template <class Signature>
class TMulticastDelegate;
template <class... Args>
class TMulticastDelegate<void(Args...)> {
public:
  using FDelegate = TDelegate<void(Args...)>;

  FDelegateHandle Add(FDelegate Delegate) {
    const FDelegateHandle Handle(FDelegateHandle::GenerateNewHandle);
    Bound.push_back(std::make_unique<FEntry>(FEntry{Handle, std::move(Delegate)}));
    return Handle;
  }
  template <class F>
  FDelegateHandle AddLambda(F Function) {
    return Add(FDelegate::CreateLambda(std::move(Function)));
  }
  template <class U, class F>
  FDelegateHandle AddWeakLambda(U* Object, F Function) {
    return Add(FDelegate::CreateWeakLambda(Object, std::move(Function)));
  }
  template <class U, class M>
  FDelegateHandle AddUObject(U* Object, M Method) {
    return Add(FDelegate::CreateUObject(Object, Method));
  }
  template <class U, class M>
  FDelegateHandle AddRaw(U* Object, M Method) {
    return Add(FDelegate::CreateRaw(Object, Method));
  }
  FDelegateHandle AddStatic(void (*Function)(Args...)) {
    return Add(FDelegate::CreateStatic(Function));
  }
  bool Remove(FDelegateHandle Handle) {
    return RemoveIf([&](const FEntry& Entry) { return Entry.Handle == Handle; }) > 0;
  }
  int32 RemoveAll(const void* Owner) {
    return RemoveIf([&](const FEntry& Entry) { return Entry.Delegate.ShimOwner() == Owner; });
  }
  void Clear() {
    RemoveIf([](const FEntry&) { return true; });
  }
  bool IsBound() const {
    return std::any_of(Bound.begin(), Bound.end(), [](const std::unique_ptr<FEntry>& Entry) {
      return Entry->Delegate.IsBound();
    });
  }
  // The engine's order: the last one added first. What is removed meanwhile is not called any more,
  // what is added is not called yet.
  void Broadcast(Args... Arguments) const {
    ++Locks;
    for (SIZE_T Index = Bound.size(); Index-- > 0;)
      Bound[Index]->Delegate.ExecuteIfBound(Arguments...);
    --Locks;
  }

private:
  struct FEntry {
    FDelegateHandle Handle;
    FDelegate Delegate;
  };

  template <class Predicate>
  int32 RemoveIf(Predicate Is) {
    int32 Removed = 0;
    for (const std::unique_ptr<FEntry>& Entry : Bound) {
      if (!Entry->Handle.IsValid() || !Is(*Entry))
        continue;
      Entry->Delegate.Unbind();
      Entry->Handle.Reset();
      ++Removed;
    }
    // While it is walked only unbound, as in the engine.
    if (Locks == 0)
      Bound.erase(std::remove_if(Bound.begin(), Bound.end(),
                                 [](const std::unique_ptr<FEntry>& Entry) {
                                   return !Entry->Handle.IsValid();
                                 }),
                  Bound.end());
    return Removed;
  }

  std::vector<std::unique_ptr<FEntry>> Bound;
  mutable int32 Locks = 0;
};

using FSimpleDelegate = TDelegate<void()>;
using FSimpleMulticastDelegate = TMulticastDelegate<void()>;

#define DECLARE_DELEGATE(Name) using Name = TDelegate<void()>
#define DECLARE_DELEGATE_OneParam(Name, A) using Name = TDelegate<void(A)>
#define DECLARE_DELEGATE_TwoParams(Name, A, B) using Name = TDelegate<void(A, B)>
#define DECLARE_DELEGATE_RetVal_OneParam(R, Name, A) using Name = TDelegate<R(A)>
#define DECLARE_MULTICAST_DELEGATE(Name) using Name = TMulticastDelegate<void()>
#define DECLARE_MULTICAST_DELEGATE_OneParam(Name, A) using Name = TMulticastDelegate<void(A)>
#define DECLARE_MULTICAST_DELEGATE_TwoParams(Name, A, B) using Name = TMulticastDelegate<void(A, B)>
#define DECLARE_MULTICAST_DELEGATE_ThreeParams(Name, A, B, C)                                      \
  using Name = TMulticastDelegate<void(A, B, C)>

namespace Shim {
// The function's own name of "&UClass::Name".
FString FunctionName(const char* Qualified);
void CheckFunction(const UObject* Object, const FString& Name);

// One binding of a dynamic delegate: a weak object and the name of its UFUNCTION.
template <class... Args>
struct TDynamicBinding {
  TWeakObjectPtr<UObject> Object;
  FString Function;
  std::function<void(Args...)> Call;
};

template <class... Args>
class TDynamicDelegate {
public:
  template <class U>
  void InternalBind(U* Object, void (U::*Method)(Args...), const char* Name) {
    const FString Function = FunctionName(Name);
    CheckFunction(Object, Function);
    Binding = {TWeakObjectPtr<UObject>(Object), Function,
               [Object, Method](Args... Arguments) { (Object->*Method)(Arguments...); }};
  }
  bool IsBound() const { return Binding.Call && Binding.Object.IsValid(); }
  void Unbind() { Binding = {}; }
  bool ExecuteIfBound(Args... Arguments) const {
    if (!IsBound())
      return false;
    Binding.Call(Arguments...);
    return true;
  }

private:
  TDynamicBinding<Args...> Binding;
};

template <class... Args>
class TDynamicMulticastDelegate {
public:
  template <class U, class V>
  void InternalAdd(U* Object, void (V::*Method)(Args...), const char* Name, bool bUnique) {
    const FString Function = FunctionName(Name);
    CheckFunction(Object, Function);
    const bool bBound = InternalContains(Object, Name);
    // The engine's rule: adding twice is an ensure.
    if (bBound && (bUnique || !ensure(!bBound)))
      return;
    Bound.push_back({TWeakObjectPtr<UObject>(Object), Function,
                     [Object, Method](Args... Arguments) { (Object->*Method)(Arguments...); }});
  }
  void InternalRemove(const UObject* Object, const char* Name) {
    const FString Function = FunctionName(Name);
    Bound.erase(std::remove_if(Bound.begin(), Bound.end(),
                               [&](const TDynamicBinding<Args...>& Entry) {
                                 return Entry.Object.Get() == Object && Entry.Function == Function;
                               }),
                Bound.end());
  }
  bool InternalContains(const UObject* Object, const char* Name) const {
    const FString Function = FunctionName(Name);
    return std::any_of(Bound.begin(), Bound.end(), [&](const TDynamicBinding<Args...>& Entry) {
      return Entry.Object.Get() == Object && Entry.Function == Function;
    });
  }
  bool IsBound() const {
    return std::any_of(Bound.begin(), Bound.end(), [](const TDynamicBinding<Args...>& Entry) {
      return Entry.Object.IsValid();
    });
  }
  void Clear() { Bound.clear(); }
  void RemoveAll(const UObject* Object) {
    Bound.erase(std::remove_if(Bound.begin(), Bound.end(),
                               [&](const TDynamicBinding<Args...>& Entry) {
                                 return Entry.Object.Get() == Object;
                               }),
                Bound.end());
  }
  void Broadcast(Args... Arguments) const {
    const std::vector<TDynamicBinding<Args...>> Copy = Bound;
    for (const TDynamicBinding<Args...>& Entry : Copy)
      if (Entry.Object.IsValid())
        Entry.Call(Arguments...);
  }

private:
  std::vector<TDynamicBinding<Args...>> Bound;
};
} // namespace Shim

#define AddDynamic(Object, Method) InternalAdd(Object, Method, #Method, false)
#define AddUniqueDynamic(Object, Method) InternalAdd(Object, Method, #Method, true)
#define RemoveDynamic(Object, Method) InternalRemove(Object, #Method)
#define IsAlreadyBound(Object, Method) InternalContains(Object, #Method)
#define BindDynamic(Object, Method) InternalBind(Object, Method, #Method)

#define DECLARE_DYNAMIC_DELEGATE(Name)                                                             \
  class Name : public Shim::TDynamicDelegate<> {}
#define DECLARE_DYNAMIC_DELEGATE_OneParam(Name, A, AName)                                          \
  class Name : public Shim::TDynamicDelegate<A> {}
#define DECLARE_DYNAMIC_DELEGATE_TwoParams(Name, A, AName, B, BName)                               \
  class Name : public Shim::TDynamicDelegate<A, B> {}
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE(Name)                                                   \
  class Name : public Shim::TDynamicMulticastDelegate<> {}
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(Name, A, AName)                                \
  class Name : public Shim::TDynamicMulticastDelegate<A> {}
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(Name, A, AName, B, BName)                     \
  class Name : public Shim::TDynamicMulticastDelegate<A, B> {}
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_ThreeParams(Name, A, AName, B, BName, C, CName)         \
  class Name : public Shim::TDynamicMulticastDelegate<A, B, C> {}
