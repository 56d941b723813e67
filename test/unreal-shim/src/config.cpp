#include "Shim/Config.h"

#include "Shim/Object.h"
#include "Shim/Platform.h"

#include <fstream>

namespace Shim {

void FConfigSection::Take(const FString& File, const FString& Section) {
  std::ifstream Lines(ToUtf8(File.Std()));
  std::string Line;
  bool bIn = false;
  while (std::getline(Lines, Line)) {
    const FString Text = FString(Line.c_str()).TrimStartAndEnd();
    if (Text.IsEmpty() || Text.StartsWith(TEXT(";")))
      continue;
    if (Text.StartsWith(TEXT("["))) {
      bIn = Text == TEXT("[") + Section + TEXT("]");
      continue;
    }
    const SIZE_T Equals = Text.Std().find(u'=');
    if (bIn && Equals != std::u16string::npos)
      Values.Add(Text.Left(static_cast<int32>(Equals)).TrimStartAndEnd(),
                 Text.Mid(static_cast<int32>(Equals) + 1).TrimStartAndEnd());
  }
}

bool FConfigSection::Number(const TCHAR* Name, double& Value) const {
  const FString* const Found = Values.Find(Name);
  if (Found == nullptr)
    return false;
  const std::string Text = ToUtf8(Found->Std());
  char* End = nullptr;
  const double Read = std::strtod(Text.c_str(), &End);
  // What is no number leaves the default.
  if (End == Text.c_str())
    return false;
  Value = Read;
  return true;
}

void FConfigSection::Read(const TCHAR* Name, bool& bValue) const {
  const FString* const Found = Values.Find(Name);
  if (Found == nullptr)
    return;
  const FString Text = Found->ToLower();
  bValue = Text == TEXT("true") || Text == TEXT("yes") || Text == TEXT("on") || Text == TEXT("1");
}
void FConfigSection::Read(const TCHAR* Name, FString& Value) const {
  if (const FString* const Found = Values.Find(Name))
    Value = Found->Replace(TEXT("\""), TEXT(""));
}

} // namespace Shim

void UObject::LoadConfig() {
  for (const UClass* Class = GetClass(); Class != nullptr; Class = Class->GetSuperClass()) {
    const Shim::FClassInfo& Info = Class->Shim();
    if (Info.LoadConfig == nullptr)
      continue;
    Shim::FConfigSection Section;
    Section.Take(FPaths::ProjectDir() / TEXT("Config") /
                     (TEXT("Default") + Info.Config + TEXT(".ini")),
                 TEXT("/Script/") + Info.Module + TEXT(".") + Info.Name);
    Info.LoadConfig(this, Section);
  }
}
