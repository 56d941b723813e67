#include "Shim/Json.h"

namespace {
// Nesting that the library never reaches.
constexpr int32 MostDepth = 32;

class FParser {
public:
  explicit FParser(const FString& Text) : Utf8(Shim::ToUtf8(Text.Std())) {}

  TSharedPtr<FJsonValue> Whole() {
    const TSharedPtr<FJsonValue> Value = One(0);
    Blanks();
    return At == Utf8.size() ? Value : nullptr;
  }

private:
  void Blanks() {
    while (At < Utf8.size() && std::strchr(" \t\r\n", Utf8[At]) != nullptr)
      ++At;
  }
  bool Take(const char* Token) {
    Blanks();
    if (Utf8.compare(At, std::strlen(Token), Token) != 0)
      return false;
    At += std::strlen(Token);
    return true;
  }

  TSharedPtr<FJsonValue> One(int32 Depth) {
    const TSharedPtr<FJsonValue> Value = MakeShared<FJsonValue>();
    if (Depth > MostDepth)
      return nullptr;
    if (Take("{")) {
      Value->Kind = FJsonValue::EKind::Object;
      Value->Object = MakeShared<FJsonObject>();
      for (bool bFirst = true; !Take("}"); bFirst = false) {
        FString Name;
        if ((!bFirst && !Take(",")) || !Take("\"") || !Text(Name) || !Take(":"))
          return nullptr;
        const TSharedPtr<FJsonValue> Inner = One(Depth + 1);
        if (!Inner.IsValid())
          return nullptr;
        Value->Object->Values.Add(Name, Inner);
      }
      return Value;
    }
    if (Take("[")) {
      Value->Kind = FJsonValue::EKind::Array;
      for (bool bFirst = true; !Take("]"); bFirst = false) {
        if (!bFirst && !Take(","))
          return nullptr;
        const TSharedPtr<FJsonValue> Inner = One(Depth + 1);
        if (!Inner.IsValid())
          return nullptr;
        Value->Items.Add(Inner);
      }
      return Value;
    }
    if (Take("\"")) {
      Value->Kind = FJsonValue::EKind::Text;
      return Text(Value->Text) ? Value : nullptr;
    }
    if (Take("true") || Take("false")) {
      Value->Kind = FJsonValue::EKind::Bool;
      Value->bValue = Utf8[At - 2] == 'u';
      return Value;
    }
    if (Take("null"))
      return Value;
    char* End = nullptr;
    Value->Kind = FJsonValue::EKind::Number;
    Value->Number = std::strtod(Utf8.c_str() + At, &End);
    if (End == Utf8.c_str() + At)
      return nullptr;
    At = static_cast<SIZE_T>(End - Utf8.c_str());
    return Value;
  }

  // After the opening quotation mark.
  bool Text(FString& Result) {
    std::string Plain;
    for (; At < Utf8.size(); ++At) {
      if (Utf8[At] == '"') {
        ++At;
        Result = FString(Shim::ToUtf16(Plain));
        return true;
      }
      if (Utf8[At] != '\\') {
        Plain += Utf8[At];
        continue;
      }
      ++At;
      switch (Utf8[At]) {
      case 'n':
        Plain += '\n';
        break;
      case 't':
        Plain += '\t';
        break;
      case 'u': {
        const std::string Digits = Utf8.substr(At + 1, 4);
        const char16_t Unit[2] = {static_cast<char16_t>(std::strtoul(Digits.c_str(), nullptr, 16)),
                                  0};
        Plain += Shim::ToUtf8(Unit);
        At += 4;
        break;
      }
      default:
        Plain += Utf8[At];
      }
    }
    return false;
  }

  const std::string Utf8;
  SIZE_T At = 0;
};
} // namespace

TSharedPtr<FJsonValue> Shim::ParseJson(const FString& Text) {
  return FParser(Text).Whole();
}
