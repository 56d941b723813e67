// FString, FName, FText and the conversions between encodings.
#pragma once

#include "Shim/Base.h"
#include "Shim/Containers.h"

#include <string>
#include <string_view>

namespace Shim {
std::u16string ToUtf16(std::string_view Text);
std::string ToUtf8(std::u16string_view Text);

// One argument of Printf.
struct FArgument {
  enum EKind { Signed, Unsigned, Real, Text, AnsiText, Pointer } Kind;
  int64 Integer = 0;
  double Number = 0;
  const void* Address = nullptr;

  template <class T>
  FArgument(T Value) {
    static_assert(!std::is_class_v<T>, "Printf takes *String, and no objects");
    if constexpr (std::is_same_v<T, const TCHAR*> || std::is_same_v<T, TCHAR*>) {
      Kind = Text;
      Address = Value;
    } else if constexpr (std::is_same_v<T, const char*> || std::is_same_v<T, char*>) {
      Kind = AnsiText;
      Address = Value;
    } else if constexpr (std::is_pointer_v<T>) {
      Kind = Pointer;
      Address = Value;
    } else if constexpr (std::is_floating_point_v<T>) {
      Kind = Real;
      Number = Value;
    } else {
      static_assert(!(std::is_enum_v<T> && !std::is_convertible_v<T, int>),
                    "Printf takes no enum class");
      Kind = std::is_signed_v<T> ? Signed : Unsigned;
      Integer = static_cast<int64>(Value);
    }
  }
};
// Ends the program when format and arguments do not fit.
std::u16string Format(const TCHAR* Format, std::initializer_list<FArgument> Arguments);
} // namespace Shim

namespace ESearchCase {
enum Type { CaseSensitive, IgnoreCase };
}

class FString {
public:
  FString() = default;
  FString(const TCHAR* Text) : Chars(Text == nullptr ? u"" : Text) {}
  FString(const char* Text) : Chars(Shim::ToUtf16(Text)) {}
  FString(std::u16string Text) : Chars(std::move(Text)) {}
  FString(int32 Length, const TCHAR* Text) : Chars(Text, static_cast<SIZE_T>(Length)) {}

  const TCHAR* operator*() const { return Chars.c_str(); }
  int32 Len() const { return static_cast<int32>(Chars.size()); }
  bool IsEmpty() const { return Chars.empty(); }
  void Empty() { Chars.clear(); }
  void Reset() { Chars.clear(); }
  const std::u16string& Std() const { return Chars; }
  TCHAR operator[](int32 Index) const {
    check(Index >= 0 && Index < Len());
    return Chars[static_cast<SIZE_T>(Index)];
  }

  template <class... Args>
  static FString Printf(const TCHAR* Format, Args... Arguments) {
    return FString(Shim::Format(Format, {Shim::FArgument(Arguments)...}));
  }
  static FString ChrN(int32 Count, TCHAR Char) {
    return FString(std::u16string(static_cast<SIZE_T>(Count), Char));
  }
  static FString FromInt(int32 Value) { return Printf(u"%d", Value); }
  template <class C>
  static FString Join(const C& Parts, const TCHAR* Separator) {
    FString Result;
    bool bFirst = true;
    for (const FString& Part : Parts) {
      if (!bFirst)
        Result += Separator;
      bFirst = false;
      Result += Part;
    }
    return Result;
  }

  bool Contains(const TCHAR* Part) const { return Chars.find(Part) != std::u16string::npos; }
  bool Contains(const FString& Part) const { return Contains(*Part); }
  bool StartsWith(const TCHAR* Part) const { return Chars.rfind(Part, 0) == 0; }
  bool EndsWith(const TCHAR* Part) const {
    const std::u16string_view View(Part);
    return Chars.size() >= View.size() &&
           Chars.compare(Chars.size() - View.size(), View.size(), View) == 0;
  }
  int32 ParseIntoArray(TArray<FString>& Parts, const TCHAR* Separator,
                       bool bCullEmpty = true) const;
  FString Replace(const TCHAR* From, const TCHAR* To) const;
  FString TrimStartAndEnd() const;
  FString ToLower() const;
  FString Left(int32 Count) const { return FString(Chars.substr(0, static_cast<SIZE_T>(Count))); }
  FString Mid(int32 Start) const { return FString(Chars.substr(static_cast<SIZE_T>(Start))); }
  bool Equals(const FString& Other, ESearchCase::Type Case = ESearchCase::CaseSensitive) const {
    return Case == ESearchCase::CaseSensitive ? Chars == Other.Chars
                                              : ToLower().Chars == Other.ToLower().Chars;
  }

  FString& operator+=(const FString& Other) {
    Chars += Other.Chars;
    return *this;
  }
  FString& operator+=(TCHAR Character) {
    Chars += Character;
    return *this;
  }
  friend FString operator+(const FString& A, const FString& B) {
    return FString(A.Chars + B.Chars);
  }
  friend FString operator/(const FString& A, const FString& B) {
    return FString(A.Chars + (A.EndsWith(u"/") ? u"" : u"/") + B.Chars);
  }
  // The engine compares without case.
  friend bool operator==(const FString& A, const FString& B) {
    return A.Equals(B, ESearchCase::IgnoreCase);
  }
  friend bool operator<(const FString& A, const FString& B) {
    return A.ToLower().Chars < B.ToLower().Chars;
  }
  friend uint32 GetTypeHash(const FString& Text) {
    return static_cast<uint32>(std::hash<std::u16string>()(Text.ToLower().Chars));
  }

private:
  std::u16string Chars;
};

class FName {
public:
  FName() = default;
  FName(const TCHAR* Text) : Name(Text) {}
  FName(const char* Text) : Name(Text) {}
  explicit FName(const FString& Text) : Name(Text) {}
  FString ToString() const { return Name.IsEmpty() ? FString(u"None") : Name; }
  bool IsNone() const { return Name.IsEmpty(); }
  friend bool operator==(const FName& A, const FName& B) { return A.Name == B.Name; }
  friend uint32 GetTypeHash(const FName& Value) { return GetTypeHash(Value.Name); }

private:
  FString Name;
};
inline const FName NAME_None;

class FText {
public:
  FText() = default;
  static FText FromString(const FString& Text) { return FText(Text); }
  static FText GetEmpty() { return FText(); }
  const FString& ToString() const { return Shown; }
  bool IsEmpty() const { return Shown.IsEmpty(); }

private:
  explicit FText(FString Text) : Shown(std::move(Text)) {}
  FString Shown;
};
#define LOCTEXT(Key, Literal) FText::FromString(FString(TEXT(Literal)))
#define NSLOCTEXT(Namespace, Key, Literal) FText::FromString(FString(TEXT(Literal)))
#define INVTEXT(Literal) FText::FromString(FString(TEXT(Literal)))

// The converted text lives as long as this object.
class FTCHARToUTF8 {
public:
  explicit FTCHARToUTF8(const TCHAR* Source) : Text(Shim::ToUtf8(Source)) {}
  FTCHARToUTF8(const TCHAR* Source, int32 Length)
      : Text(Shim::ToUtf8(std::u16string_view(Source, static_cast<SIZE_T>(Length)))) {}
  const ANSICHAR* Get() const { return Text.c_str(); }
  int32 Length() const { return static_cast<int32>(Text.size()); }

private:
  std::string Text;
};
class FUTF8ToTCHAR {
public:
  explicit FUTF8ToTCHAR(const ANSICHAR* Source) : Text(Shim::ToUtf16(Source)) {}
  FUTF8ToTCHAR(const ANSICHAR* Source, int32 Length)
      : Text(Shim::ToUtf16(std::string_view(Source, static_cast<SIZE_T>(Length)))) {}
  const TCHAR* Get() const { return Text.c_str(); }
  int32 Length() const { return static_cast<int32>(Text.size()); }

private:
  std::u16string Text;
};
#define TCHAR_TO_UTF8(Source) FTCHARToUTF8(Source).Get()
#define UTF8_TO_TCHAR(Source) FUTF8ToTCHAR(Source).Get()
#define ANSI_TO_TCHAR(Source) FUTF8ToTCHAR(Source).Get()

inline FString LexToString(int32 Value) {
  return FString::Printf(TEXT("%d"), Value);
}
inline FString LexToString(int64 Value) {
  return FString::Printf(TEXT("%lld"), Value);
}
inline FString LexToString(bool bValue) {
  return bValue ? FString(TEXT("true")) : FString(TEXT("false"));
}
