// What a skin keeps for each handle: a weak pointer to its object, say. One record after the other
// mostly has the same handle, so the last one found is remembered.
#pragma once

#include <moq_ffi.h>

#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

namespace moq::unreal {

// Of one thread.
template <class T>
class HandleTable {
public:
  // False, and nothing changed, when the handle is 0 or has an entry already.
  bool Insert(MoqHandle handle, T value) {
    return handle != 0 && Entries.emplace(handle, std::move(value)).second;
  }

  // NULL when there is none. Holds until that entry is removed.
  T* Find(MoqHandle handle) {
    if (Last != nullptr && LastHandle == handle)
      return Last;
    const auto found = Entries.find(handle);
    if (found == Entries.end())
      return nullptr;
    LastHandle = handle;
    Last = &found->second;
    return Last;
  }

  // Removes an entry; false when there is none.
  bool Remove(MoqHandle handle) {
    if (LastHandle == handle)
      Last = nullptr;
    return Entries.erase(handle) > 0;
  }

  // Empties the table and gives what was in it.
  std::vector<std::pair<MoqHandle, T>> TakeAll() {
    Last = nullptr;
    std::vector<std::pair<MoqHandle, T>> all;
    all.reserve(Entries.size());
    for (auto& entry : Entries)
      all.emplace_back(entry.first, std::move(entry.second));
    Entries.clear();
    return all;
  }

  std::size_t Size() const { return Entries.size(); }

private:
  std::unordered_map<MoqHandle, T> Entries;
  MoqHandle LastHandle = 0;
  T* Last = nullptr;
};

} // namespace moq::unreal
