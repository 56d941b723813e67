#include "Shim/Text.h"

#include <cctype>

namespace Shim {

std::u16string ToUtf16(std::string_view Text) {
  std::u16string Result;
  for (SIZE_T At = 0; At < Text.size();) {
    const auto Lead = static_cast<unsigned char>(Text[At]);
    const SIZE_T Length = Lead < 0x80 ? 1 : Lead < 0xe0 ? 2 : Lead < 0xf0 ? 3 : 4;
    uint32 Code = Length == 1 ? Lead : Lead & (0xffu >> (Length + 1));
    for (SIZE_T Next = 1; Next < Length && At + Next < Text.size(); ++Next)
      Code = (Code << 6) | (static_cast<unsigned char>(Text[At + Next]) & 0x3f);
    At += Length;
    if (Code < 0x10000) {
      Result += static_cast<TCHAR>(Code);
    } else {
      Result += static_cast<TCHAR>(0xd7c0 + (Code >> 10));
      Result += static_cast<TCHAR>(0xdc00 + (Code & 0x3ff));
    }
  }
  return Result;
}

std::string ToUtf8(std::u16string_view Text) {
  std::string Result;
  for (SIZE_T At = 0; At < Text.size(); ++At) {
    uint32 Code = Text[At];
    if (Code >= 0xd800 && Code < 0xdc00 && At + 1 < Text.size())
      Code = 0x10000 + ((Code - 0xd800) << 10) + (Text[++At] - 0xdc00u);
    if (Code < 0x80) {
      Result += static_cast<char>(Code);
      continue;
    }
    const int32 More = Code < 0x800 ? 1 : Code < 0x10000 ? 2 : 3;
    Result += static_cast<char>((0xff << (7 - More)) | (Code >> (6 * More)));
    for (int32 Left = More - 1; Left >= 0; --Left)
      Result += static_cast<char>(0x80 | ((Code >> (6 * Left)) & 0x3f));
  }
  return Result;
}

std::u16string Format(const TCHAR* FormatText, std::initializer_list<FArgument> Arguments) {
  const std::string Text = ToUtf8(FormatText);
  std::string Result;
  const FArgument* Next = Arguments.begin();
  for (SIZE_T At = 0; At < Text.size(); ++At) {
    if (Text[At] != '%') {
      Result += Text[At];
      continue;
    }
    if (Text[At + 1] == '%') {
      Result += '%';
      ++At;
      continue;
    }
    std::string Spec = "%";
    while (++At < Text.size() && std::strchr("-+ #0123456789.", Text[At]) != nullptr)
      Spec += Text[At];
    bool bAnsi = false;
    int32 Longs = 0;
    while (At < Text.size() && std::strchr("lhzj", Text[At]) != nullptr) {
      bAnsi |= Text[At] == 'h';
      Longs += Text[At] == 'l' ? 1 : Text[At] == 'z' || Text[At] == 'j' ? 2 : 0;
      ++At;
    }
    if (Next == Arguments.end())
      Fatal(__FILE__, __LINE__, ("Printf has too few arguments: " + Text).c_str());
    char Buffer[512] = {};
    const char Kind = Text[At];
    bool bFits = true;
    if (Kind == 's' && Next->Kind == FArgument::Text) {
      const auto* const Wide = static_cast<const TCHAR*>(Next->Address);
      const std::string Part = ToUtf8(Wide == nullptr ? u"(null)" : Wide);
      if (Spec == "%") {
        Result += Part;
      } else {
        std::snprintf(Buffer, sizeof(Buffer), (Spec + "s").c_str(), Part.c_str());
        Result += Buffer;
      }
    } else if (Kind == 's' && bAnsi && Next->Kind == FArgument::AnsiText) {
      Result += static_cast<const char*>(Next->Address);
    } else if (std::strchr("di", Kind) != nullptr && Next->Kind == FArgument::Signed) {
      std::snprintf(Buffer, sizeof(Buffer), (Spec + "lld").c_str(), Next->Integer);
      Result += Buffer;
    } else if (std::strchr("dixXu", Kind) != nullptr &&
               (Next->Kind == FArgument::Unsigned || Next->Kind == FArgument::Signed)) {
      std::snprintf(Buffer, sizeof(Buffer), (Spec + "ll" + Kind).c_str(), Next->Integer);
      Result += Buffer;
    } else if (std::strchr("fgeG", Kind) != nullptr && Next->Kind == FArgument::Real) {
      std::snprintf(Buffer, sizeof(Buffer), (Spec + Kind).c_str(), Next->Number);
      Result += Buffer;
    } else if (Kind == 'p' && Next->Kind == FArgument::Pointer) {
      std::snprintf(Buffer, sizeof(Buffer), "%p", Next->Address);
      Result += Buffer;
    } else {
      bFits = false;
    }
    // A 32-bit specifier for a 64-bit value prints half of it on some platforms.
    if (!bFits || (Longs < 2 && (Next->Integer > 0xffffffffLL || Next->Integer < -0x80000000LL)))
      Fatal(__FILE__, __LINE__, ("Printf: an argument does not fit: " + Text).c_str());
    ++Next;
  }
  if (Next != Arguments.end())
    Fatal(__FILE__, __LINE__, ("Printf has too many arguments: " + Text).c_str());
  return ToUtf16(Result);
}

} // namespace Shim

int32 FString::ParseIntoArray(TArray<FString>& Parts, const TCHAR* Separator,
                              bool bCullEmpty) const {
  Parts.Reset();
  const std::u16string_view Cut(Separator);
  for (SIZE_T From = 0; From <= Chars.size();) {
    SIZE_T To = Chars.find(Cut, From);
    if (To == std::u16string::npos)
      To = Chars.size();
    if (To > From || !bCullEmpty)
      Parts.Add(FString(Chars.substr(From, To - From)));
    From = To + Cut.size();
  }
  return Parts.Num();
}

FString FString::Replace(const TCHAR* From, const TCHAR* To) const {
  std::u16string Result = Chars;
  const std::u16string_view Old(From);
  const std::u16string_view New(To);
  for (SIZE_T At = Result.find(Old); At != std::u16string::npos;
       At = Result.find(Old, At + New.size()))
    Result.replace(At, Old.size(), New);
  return FString(std::move(Result));
}

FString FString::TrimStartAndEnd() const {
  const SIZE_T First = Chars.find_first_not_of(u" \t\r\n");
  if (First == std::u16string::npos)
    return FString();
  return FString(Chars.substr(First, Chars.find_last_not_of(u" \t\r\n") - First + 1));
}

FString FString::ToLower() const {
  std::u16string Result = Chars;
  for (TCHAR& Character : Result)
    if (Character >= u'A' && Character <= u'Z')
      Character = static_cast<TCHAR>(Character - u'A' + u'a');
  return FString(std::move(Result));
}
