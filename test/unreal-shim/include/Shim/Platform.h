// The process, its time, its files.
#pragma once

#include "Shim/Text.h"

struct FPlatformTime {
  static double Seconds();
  static uint64 Cycles64();
  static double ToMilliseconds64(uint64 Cycles);
};

struct FPlatformProcess {
  static void* GetDllHandle(const TCHAR* Path);
  static void FreeDllHandle(void* Handle);
  static void* GetDllExport(void* Handle, const TCHAR* Name);
  static void PushDllDirectory(const TCHAR*) {}
  static void PopDllDirectory(const TCHAR*) {}
  static void Sleep(float Seconds);
};

struct FPlatformMisc {
  static FString GetEnvironmentVariable(const TCHAR* Name);
};

struct FPlatformTLS {
  static uint32 GetCurrentThreadId();
};

class FPaths {
public:
  template <class... Parts>
  static FString Combine(const Parts&... All) {
    FString Path;
    ((Path = Path.IsEmpty() ? FString(All) : Path / FString(All)), ...);
    return Path;
  }
  static bool FileExists(const FString& Path);
  static bool DirectoryExists(const FString& Path);
  static FString ConvertRelativePathToFull(const FString& Path);
  static FString ProjectDir();
  static FString ProjectSavedDir();
};

class FArchive {
public:
  virtual ~FArchive() = default;
  // What could not be read is an error of the archive.
  virtual void Serialize(void* To, int64 Length) = 0;
  virtual void Seek(int64 Position) = 0;
  virtual int64 TotalSize() = 0;
  bool IsError() const { return bError; }

protected:
  bool bError = false;
};
class IFileManager {
public:
  static IFileManager& Get();
  // NULL when it cannot be opened.
  FArchive* CreateFileReader(const TCHAR* Path);
};

class FFileHelper {
public:
  static bool LoadFileToArray(TArray<uint8>& Bytes, const TCHAR* Path);
  static bool SaveArrayToFile(const TArray<uint8>& Bytes, const TCHAR* Path);
  static bool SaveStringToFile(const FString& Text, const TCHAR* Path);
};
