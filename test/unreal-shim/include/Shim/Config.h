// Configuration: of the project's Config/Default*.ini, the section of a class.
#pragma once

#include "Shim/Containers.h"
#include "Shim/Text.h"

namespace Shim {

class FConfigSection {
public:
  // Adds what a file says in that section; what was there before is replaced.
  void Take(const FString& File, const FString& Section);

  // What the section does not name, or names as something else, stays as it is.
  template <class T>
  void Read(const TCHAR* Name, T& Value) const {
    double Read = 0;
    if (Number(Name, Read))
      Value = static_cast<T>(Read);
  }
  void Read(const TCHAR* Name, bool& bValue) const;
  void Read(const TCHAR* Name, FString& Value) const;

private:
  bool Number(const TCHAR* Name, double& Value) const;

  TMap<FString, FString> Values;
};

} // namespace Shim
