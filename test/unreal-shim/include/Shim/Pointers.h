// Shared, weak and unique pointers, and function wrappers.
#pragma once

#include "Shim/Base.h"

template <class T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedPtr;
template <class T, ESPMode Mode = ESPMode::ThreadSafe>
class TWeakPtr;

template <class T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedRef {
public:
  template <class U>
  TSharedRef(const TSharedRef<U, Mode>& Other) : Held(Other.Std()) {}
  explicit TSharedRef(std::shared_ptr<T> InHeld) : Held(std::move(InHeld)) {
    check(Held != nullptr);
  }
  T& Get() const { return *Held; }
  T& operator*() const { return *Held; }
  T* operator->() const { return Held.get(); }
  bool operator==(const TSharedRef&) const = default;
  const std::shared_ptr<T>& Std() const { return Held; }

private:
  std::shared_ptr<T> Held;
};

template <class T, ESPMode Mode>
class TSharedPtr {
public:
  TSharedPtr() = default;
  TSharedPtr(std::nullptr_t) {}
  explicit TSharedPtr(T* Object) : Held(Object) {}
  template <class U>
  TSharedPtr(const TSharedPtr<U, Mode>& Other) : Held(Other.Std()) {}
  template <class U>
  TSharedPtr(const TSharedRef<U, Mode>& Other) : Held(Other.Std()) {}
  explicit TSharedPtr(std::shared_ptr<T> InHeld) : Held(std::move(InHeld)) {}

  bool IsValid() const { return Held != nullptr; }
  explicit operator bool() const { return IsValid(); }
  T* Get() const { return Held.get(); }
  T& operator*() const {
    check(IsValid());
    return *Held;
  }
  T* operator->() const {
    check(IsValid());
    return Held.get();
  }
  void Reset() { Held.reset(); }
  TSharedRef<T, Mode> ToSharedRef() const { return TSharedRef<T, Mode>(Held); }
  bool operator==(const TSharedPtr&) const = default;
  const std::shared_ptr<T>& Std() const { return Held; }

private:
  std::shared_ptr<T> Held;
};

template <class T, ESPMode Mode>
class TWeakPtr {
public:
  TWeakPtr() = default;
  template <class U>
  TWeakPtr(const TSharedPtr<U, Mode>& Other) : Held(Other.Std()) {}
  template <class U>
  TWeakPtr(const TSharedRef<U, Mode>& Other) : Held(Other.Std()) {}
  explicit TWeakPtr(std::weak_ptr<T> InHeld) : Held(std::move(InHeld)) {}
  TSharedPtr<T, Mode> Pin() const { return TSharedPtr<T, Mode>(Held.lock()); }
  bool IsValid() const { return !Held.expired(); }
  void Reset() { Held.reset(); }

private:
  std::weak_ptr<T> Held;
};

template <class T, ESPMode Mode = ESPMode::ThreadSafe, class... Args>
TSharedRef<T, Mode> MakeShared(Args&&... Arguments) {
  return TSharedRef<T, Mode>(std::make_shared<T>(std::forward<Args>(Arguments)...));
}
template <class T>
TSharedPtr<T> MakeShareable(T* Object) {
  return TSharedPtr<T>(Object);
}

template <class T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedFromThis : public std::enable_shared_from_this<T> {
public:
  TSharedRef<T, Mode> AsShared() { return TSharedRef<T, Mode>(this->shared_from_this()); }
  TWeakPtr<T, Mode> AsWeak() { return TWeakPtr<T, Mode>(this->weak_from_this()); }
};

template <class T>
class TUniquePtr {
public:
  TUniquePtr() = default;
  TUniquePtr(std::nullptr_t) {}
  explicit TUniquePtr(T* Object) : Held(Object) {}
  template <class U>
  TUniquePtr(TUniquePtr<U>&& Other) : Held(Other.Release()) {}
  bool IsValid() const { return Held != nullptr; }
  explicit operator bool() const { return IsValid(); }
  T* Get() const { return Held.get(); }
  T& operator*() const { return *Held; }
  T* operator->() const {
    check(IsValid());
    return Held.get();
  }
  void Reset(T* Object = nullptr) { Held.reset(Object); }
  T* Release() { return Held.release(); }

private:
  std::unique_ptr<T> Held;
};
template <class T, class... Args>
TUniquePtr<T> MakeUnique(Args&&... Arguments) {
  return TUniquePtr<T>(new T(std::forward<Args>(Arguments)...));
}

template <class Signature>
using TFunction = std::function<Signature>;
template <class Signature>
using TUniqueFunction = std::function<Signature>;
template <class Signature>
using TFunctionRef = const std::function<Signature>&;
