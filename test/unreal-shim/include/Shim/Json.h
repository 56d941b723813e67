// The engine's JSON reader: objects, arrays, texts, numbers, true, false, null.
#pragma once

#include "Shim/Containers.h"
#include "Shim/Pointers.h"
#include "Shim/Text.h"

class FJsonObject;

class FJsonValue {
public:
  enum class EKind { Null, Bool, Number, Text, Array, Object } Kind = EKind::Null;
  bool bValue = false;
  double Number = 0;
  FString Text;
  TArray<TSharedPtr<FJsonValue>> Items;
  TSharedPtr<FJsonObject> Object;

  FString AsString() const { return Text; }
  double AsNumber() const { return Number; }
  const TSharedPtr<FJsonObject>& AsObject() const { return Object; }
};

class FJsonObject {
public:
  TMap<FString, TSharedPtr<FJsonValue>> Values;

  bool TryGetStringField(const TCHAR* Name, FString& Value) const {
    const FJsonValue* const Found = Find(Name, FJsonValue::EKind::Text);
    return Found != nullptr && (Value = Found->Text, true);
  }
  bool TryGetNumberField(const TCHAR* Name, double& Value) const {
    const FJsonValue* const Found = Find(Name, FJsonValue::EKind::Number);
    return Found != nullptr && (Value = Found->Number, true);
  }
  bool TryGetBoolField(const TCHAR* Name, bool& bValue) const {
    const FJsonValue* const Found = Find(Name, FJsonValue::EKind::Bool);
    return Found != nullptr && (bValue = Found->bValue, true);
  }
  bool TryGetArrayField(const TCHAR* Name, const TArray<TSharedPtr<FJsonValue>>*& Items) const {
    const FJsonValue* const Found = Find(Name, FJsonValue::EKind::Array);
    return Found != nullptr && (Items = &Found->Items, true);
  }

private:
  const FJsonValue* Find(const TCHAR* Name, FJsonValue::EKind Kind) const {
    const TSharedPtr<FJsonValue> Found = Values.FindRef(Name);
    return Found.IsValid() && Found->Kind == Kind ? Found.Get() : nullptr;
  }
};

template <class Char = TCHAR>
class TJsonReader {
public:
  explicit TJsonReader(const FString& InText) : Text(InText) {}
  const FString Text;
};
template <class Char = TCHAR>
struct TJsonReaderFactory {
  static TSharedRef<TJsonReader<Char>> Create(const FString& Text) {
    return MakeShared<TJsonReader<Char>>(Text);
  }
};

namespace Shim {
TSharedPtr<FJsonValue> ParseJson(const FString& Text);
} // namespace Shim

struct FJsonSerializer {
  static bool Deserialize(const TSharedRef<TJsonReader<>>& Reader,
                          TSharedPtr<FJsonObject>& Object) {
    const TSharedPtr<FJsonValue> Value = Shim::ParseJson(Reader->Text);
    if (!Value.IsValid() || Value->Kind != FJsonValue::EKind::Object)
      return false;
    Object = Value->Object;
    return true;
  }
  static bool Deserialize(const TSharedRef<TJsonReader<>>& Reader,
                          TArray<TSharedPtr<FJsonValue>>& Values) {
    const TSharedPtr<FJsonValue> Value = Shim::ParseJson(Reader->Text);
    if (!Value.IsValid() || Value->Kind != FJsonValue::EKind::Array)
      return false;
    Values = Value->Items;
    return true;
  }
};
