// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqLibraryFile.h"

#if PLATFORM_LINUX

#include "HAL/FileManager.h"
#include "Serialization/Archive.h"

namespace {

/** A number of the file at a place; 0 where there is none. */
template <class T>
T Number(FArchive& File, uint64 At) {
  T Value = 0;
  const uint64 Size = static_cast<uint64>(File.TotalSize());
  if (At > Size || sizeof(T) > Size - At)
    return 0;
  File.Seek(static_cast<int64>(At));
  File.Serialize(&Value, sizeof(T));
  return File.IsError() ? 0 : Value;
}

} // namespace

std::string MoqLibraryFile::Problem(const FString& Path) {
  const TUniquePtr<FArchive> File(IFileManager::Get().CreateFileReader(*Path));
  // What is no ELF file of 64 bits the system refuses by itself.
  if (!File.IsValid() || Number<uint32>(*File, 0) != 0x464c457f || Number<uint8>(*File, 4) != 2)
    return {};
  const uint64 Size = static_cast<uint64>(File->TotalSize());
  const uint64 Headers = Number<uint64>(*File, 0x20);
  const uint64 HeaderSize = Number<uint16>(*File, 0x36);
  const uint64 Count = Number<uint16>(*File, 0x38);
  bool bWhole = Headers <= Size && HeaderSize * Count <= Size - Headers;
  for (uint64 Index = 0; Index < Count && bWhole; ++Index) {
    // What of the file is mapped: from where, and how much.
    const uint64 Header = Headers + Index * HeaderSize;
    const uint64 From = Number<uint64>(*File, Header + 8);
    bWhole = From <= Size && Number<uint64>(*File, Header + 32) <= Size - From;
  }
  if (bWhole)
    return {};
  return "the file is cut short or damaged: it has " + std::to_string(Size) + " bytes";
}

#else

std::string MoqLibraryFile::Problem(const FString&) {
  return {};
}

#endif
