// TArray, TMap, TSet, TOptional, TQueue and views, with the engine's checks: an index out of range
// and an array that changes while it is walked end the program.
#pragma once

#include "Shim/Base.h"

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

template <class T>
class TArrayView {
public:
  TArrayView() = default;
  TArrayView(T* InData, int32 InNum) : Data(InData), Count(InNum) {}
  template <class C>
  requires requires(C& Container) {
    { Container.GetData() } -> std::convertible_to<T*>;
    Container.Num();
  }
  TArrayView(C&& Container) : Data(Container.GetData()), Count(Container.Num()) {}

  T* GetData() const { return Data; }
  int32 Num() const { return Count; }
  bool IsEmpty() const { return Count == 0; }
  T& operator[](int32 Index) const {
    check(Index >= 0 && Index < Count);
    return Data[Index];
  }
  T* begin() const { return Data; }
  T* end() const { return Data + Count; }

private:
  T* Data = nullptr;
  int32 Count = 0;
};
template <class T>
using TConstArrayView = TArrayView<const T>;
template <class T>
TArrayView<T> MakeArrayView(T* Data, int32 Num) {
  return TArrayView<T>(Data, Num);
}
template <class C>
auto MakeArrayView(C& Container) {
  return TArrayView<std::remove_pointer_t<decltype(Container.GetData())>>(Container);
}

struct FDefaultAllocator {};
template <uint32 Count>
struct TInlineAllocator {};

template <class T, class Allocator = FDefaultAllocator>
class TArray {
  // std::vector<bool> has no elements.
  using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8, T>;

  // Ends the program when the array changes while it is walked, as the engine's does.
  template <class V, class Owner>
  class TWalker {
  public:
    TWalker(Owner* InOwner, int32 InAt) : Array(InOwner), At(InAt), Count(InOwner->Num()) {}
    V& operator*() const { return (*Array)[At]; }
    TWalker& operator++() {
      ++At;
      return *this;
    }
    bool operator!=(const TWalker& Other) const {
      if (Array->Num() != Count)
        Shim::Fatal(__FILE__, __LINE__, "an array changed while it was walked");
      return At != Other.At;
    }

  private:
    Owner* Array;
    int32 At;
    int32 Count;
  };

public:
  using ElementType = T;

  TArray() = default;
  TArray(std::initializer_list<T> List) : Items(List.begin(), List.end()) {}
  TArray(const T* Data, int32 Count) : Items(Data, Data + Count) {}
  explicit TArray(TConstArrayView<T> View) : Items(View.begin(), View.end()) {}
  TArray(const TArray&) = default;
  TArray& operator=(const TArray&) = default;
  TArray(TArray&& Other) noexcept : Items(std::exchange(Other.Items, {})) {}
  TArray& operator=(TArray&& Other) noexcept {
    Items = std::exchange(Other.Items, {});
    return *this;
  }

  int32 Num() const { return static_cast<int32>(Items.size()); }
  int32 Max() const { return static_cast<int32>(Items.capacity()); }
  bool IsEmpty() const { return Items.empty(); }
  bool IsValidIndex(int32 Index) const { return Index >= 0 && Index < Num(); }
  T* GetData() { return reinterpret_cast<T*>(Items.data()); }
  const T* GetData() const { return reinterpret_cast<const T*>(Items.data()); }
  T& operator[](int32 Index) {
    check(IsValidIndex(Index));
    return GetData()[Index];
  }
  const T& operator[](int32 Index) const {
    check(IsValidIndex(Index));
    return GetData()[Index];
  }
  T& Last(int32 FromEnd = 0) { return (*this)[Num() - 1 - FromEnd]; }
  const T& Last(int32 FromEnd = 0) const { return (*this)[Num() - 1 - FromEnd]; }

  int32 Add(const T& Item) { return Items.push_back(Item), Num() - 1; }
  int32 Add(T&& Item) { return Items.push_back(std::move(Item)), Num() - 1; }
  template <class... Args>
  int32 Emplace(Args&&... Arguments) {
    return Items.emplace_back(std::forward<Args>(Arguments)...), Num() - 1;
  }
  T& Emplace_GetRef() { return Items.emplace_back(), Last(); }
  T& AddDefaulted_GetRef() { return Items.emplace_back(), Last(); }
  int32 AddUnique(const T& Item) {
    const int32 Found = Find(Item);
    return Found == INDEX_NONE ? Add(Item) : Found;
  }
  int32 AddUninitialized(int32 Count = 1) {
    const int32 First = Num();
    Items.resize(static_cast<SIZE_T>(First + Count));
    return First;
  }
  int32 AddZeroed(int32 Count = 1) { return AddUninitialized(Count); }
  void Push(const T& Item) { Add(Item); }
  T Pop() {
    T Item = MoveTemp(Last());
    Items.pop_back();
    return Item;
  }
  void Insert(const T& Item, int32 Index) { Items.insert(Items.begin() + Index, Item); }
  void Append(const T* Data, int32 Count) { Items.insert(Items.end(), Data, Data + Count); }
  template <class C>
  void Append(const C& Other) {
    Append(Other.GetData(), Other.Num());
  }
  void Append(std::initializer_list<T> List) {
    Items.insert(Items.end(), List.begin(), List.end());
  }
  void Init(const T& Value, int32 Count) { Items.assign(static_cast<SIZE_T>(Count), Value); }
  void SetNum(int32 Count) { Items.resize(static_cast<SIZE_T>(Count)); }
  void SetNumZeroed(int32 Count) { SetNum(Count); }
  void SetNumUninitialized(int32 Count) { SetNum(Count); }
  void Reserve(int32 Count) { Items.reserve(static_cast<SIZE_T>(Count)); }
  void Reset(int32 Count = 0) {
    Items.clear();
    Reserve(Count);
  }
  void Empty(int32 Count = 0) {
    Items = {};
    Reserve(Count);
  }

  int32 Find(const T& Item) const {
    for (int32 Index = 0; Index < Num(); ++Index)
      if (GetData()[Index] == Item)
        return Index;
    return INDEX_NONE;
  }
  bool Contains(const T& Item) const { return Find(Item) != INDEX_NONE; }
  template <class Predicate>
  bool ContainsByPredicate(Predicate Is) const {
    return std::any_of(GetData(), GetData() + Num(), Is);
  }
  template <class Predicate>
  int32 IndexOfByPredicate(Predicate Is) const {
    for (int32 Index = 0; Index < Num(); ++Index)
      if (Is((*this)[Index]))
        return Index;
    return INDEX_NONE;
  }
  template <class Predicate>
  T* FindByPredicate(Predicate Is) {
    T* const Found = std::find_if(GetData(), GetData() + Num(), Is);
    return Found == GetData() + Num() ? nullptr : Found;
  }
  int32 Remove(const T& Item) {
    // The argument may lie inside.
    const T Copy = Item;
    return RemoveAll([&Copy](const T& Other) { return Other == Copy; });
  }
  int32 RemoveSingle(const T& Item) {
    const int32 Index = Find(Item);
    if (Index == INDEX_NONE)
      return 0;
    RemoveAt(Index);
    return 1;
  }
  int32 RemoveSwap(const T& Item) { return Remove(Item); }
  template <class Predicate>
  int32 RemoveAll(Predicate Is) {
    const SIZE_T Before = Items.size();
    Items.erase(std::remove_if(Items.begin(), Items.end(), Is), Items.end());
    return static_cast<int32>(Before - Items.size());
  }
  void RemoveAt(int32 Index, int32 Count = 1) {
    check(IsValidIndex(Index) && Index + Count <= Num());
    Items.erase(Items.begin() + Index, Items.begin() + Index + Count);
  }
  void RemoveAtSwap(int32 Index) {
    Swap((*this)[Index], Last());
    Items.pop_back();
  }
  void Sort() { std::sort(Items.begin(), Items.end()); }
  template <class Predicate>
  void Sort(Predicate Less) {
    std::sort(Items.begin(), Items.end(), Less);
  }

  bool operator==(const TArray& Other) const { return Items == Other.Items; }

  auto begin() { return TWalker<T, TArray>(this, 0); }
  auto end() { return TWalker<T, TArray>(this, Num()); }
  auto begin() const { return TWalker<const T, const TArray>(this, 0); }
  auto end() const { return TWalker<const T, const TArray>(this, Num()); }

private:
  std::vector<Stored> Items;
};

template <class K, class V>
struct TPair {
  TPair() = default;
  TPair(K InKey, V InValue) : Key(std::move(InKey)), Value(std::move(InValue)) {}
  K Key{};
  V Value{};
};

namespace Shim {
// Keys hash by the engine's GetTypeHash where there is one.
template <class K>
struct THash {
  SIZE_T operator()(const K& Key) const {
    if constexpr (requires { GetTypeHash(Key); })
      return GetTypeHash(Key);
    else
      return std::hash<K>()(Key);
  }
};
} // namespace Shim

// Keeps the order of insertion, as the engine's does while nothing is removed.
template <class K, class V>
class TMap {
public:
  TMap() = default;
  TMap(std::initializer_list<TPair<K, V>> List) {
    for (const TPair<K, V>& Pair : List)
      Add(Pair.Key, Pair.Value);
  }

  int32 Num() const { return Pairs.Num(); }
  bool IsEmpty() const { return Pairs.IsEmpty(); }
  V& Add(const K& Key, V Value = V{}) {
    V& Place = FindOrAdd(Key);
    Place = MoveTemp(Value);
    return Place;
  }
  V& Emplace(const K& Key, V Value) { return Add(Key, MoveTemp(Value)); }
  V& FindOrAdd(const K& Key) {
    if (V* const Found = Find(Key))
      return *Found;
    Index.emplace(Key, Pairs.Num());
    return Pairs[Pairs.Add(TPair<K, V>{Key, V{}})].Value;
  }
  V* Find(const K& Key) {
    const auto Found = Index.find(Key);
    return Found == Index.end() ? nullptr : &Pairs[Found->second].Value;
  }
  const V* Find(const K& Key) const { return const_cast<TMap*>(this)->Find(Key); }
  V FindRef(const K& Key) const {
    const V* const Found = Find(Key);
    return Found ? *Found : V{};
  }
  V& FindChecked(const K& Key) {
    V* const Found = Find(Key);
    check(Found != nullptr);
    return *Found;
  }
  V& operator[](const K& Key) { return FindChecked(Key); }
  bool Contains(const K& Key) const { return Index.count(Key) > 0; }
  int32 Remove(const K& Key) {
    const auto Found = Index.find(Key);
    if (Found == Index.end())
      return 0;
    const int32 At = Found->second;
    Index.erase(Found);
    Pairs.RemoveAt(At);
    for (auto& Entry : Index)
      if (Entry.second > At)
        --Entry.second;
    return 1;
  }
  bool RemoveAndCopyValue(const K& Key, V& Value) {
    V* const Found = Find(Key);
    if (Found == nullptr)
      return false;
    Value = MoveTemp(*Found);
    return Remove(Key) > 0;
  }
  void Empty() {
    Pairs.Empty();
    Index.clear();
  }
  void Reset() { Empty(); }
  void GenerateValueArray(TArray<V>& Values) const {
    Values.Reset();
    for (const TPair<K, V>& Pair : Pairs)
      Values.Add(Pair.Value);
  }
  void GenerateKeyArray(TArray<K>& Keys) const {
    Keys.Reset();
    for (const TPair<K, V>& Pair : Pairs)
      Keys.Add(Pair.Key);
  }
  auto begin() { return Pairs.begin(); }
  auto end() { return Pairs.end(); }
  auto begin() const { return Pairs.begin(); }
  auto end() const { return Pairs.end(); }

private:
  TArray<TPair<K, V>> Pairs;
  std::unordered_map<K, int32, Shim::THash<K>> Index;
};

template <class T>
class TSet {
public:
  TSet() = default;
  TSet(std::initializer_list<T> List) {
    for (const T& Item : List)
      Add(Item);
  }
  void Add(const T& Item) {
    if (!Items.Contains(Item))
      Items.Add(Item);
  }
  bool Contains(const T& Item) const { return Items.Contains(Item); }
  int32 Remove(const T& Item) { return Items.Remove(Item); }
  int32 Num() const { return Items.Num(); }
  bool IsEmpty() const { return Items.IsEmpty(); }
  void Empty() { Items.Empty(); }
  void Reset() { Items.Reset(); }
  TArray<T> Array() const { return Items; }
  auto begin() const { return Items.begin(); }
  auto end() const { return Items.end(); }

private:
  TArray<T> Items;
};

template <class T>
class TOptional {
public:
  TOptional() = default;
  TOptional(T Value) : Held(std::move(Value)) {}
  bool IsSet() const { return Held.has_value(); }
  explicit operator bool() const { return IsSet(); }
  T& GetValue() {
    check(IsSet());
    return *Held;
  }
  const T& GetValue() const {
    check(IsSet());
    return *Held;
  }
  T Get(const T& Default) const { return Held.value_or(Default); }
  T* operator->() { return &GetValue(); }
  T& operator*() { return GetValue(); }
  const T* operator->() const { return &GetValue(); }
  const T& operator*() const { return GetValue(); }
  void Reset() { Held.reset(); }
  template <class... Args>
  T& Emplace(Args&&... Arguments) {
    return Held.emplace(std::forward<Args>(Arguments)...);
  }

private:
  std::optional<T> Held;
};

template <class T, EQueueMode Mode = EQueueMode::Spsc>
class TQueue {
public:
  bool Enqueue(T Item) {
    const std::lock_guard<std::mutex> Lock(Mutex);
    Items.push_back(std::move(Item));
    return true;
  }
  bool Dequeue(T& Item) {
    const std::lock_guard<std::mutex> Lock(Mutex);
    if (Items.empty())
      return false;
    Item = std::move(Items.front());
    Items.pop_front();
    return true;
  }
  bool IsEmpty() const {
    const std::lock_guard<std::mutex> Lock(Mutex);
    return Items.empty();
  }

private:
  mutable std::mutex Mutex;
  std::deque<T> Items;
};

class FCriticalSection {
public:
  void Lock() { Mutex.lock(); }
  void Unlock() { Mutex.unlock(); }
  bool TryLock() { return Mutex.try_lock(); }

private:
  std::recursive_mutex Mutex;
};
class FScopeLock {
public:
  explicit FScopeLock(FCriticalSection* InSection) : Section(InSection) { Section->Lock(); }
  ~FScopeLock() { Section->Unlock(); }
  UE_NONCOPYABLE(FScopeLock)

private:
  FCriticalSection* Section;
};
