// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "Modules/ModuleInterface.h"

MOQ_API DECLARE_LOG_CATEGORY_EXTERN(LogMoq, Log, All);

/** The module: loads the native library when the first game instance starts. */
class IMoqModule : public IModuleInterface {
public:
  MOQ_API static IMoqModule& Get();

  /** Loads the library that ships with the plugin unless that was tried before. Says once, in the
   * log, what is wrong. */
  virtual bool EnsureLibrary() = 0;
  /** Loads the library from another file. One that is loaded already is kept: unload it first. */
  virtual bool LoadLibraryFrom(const FString& Path) = 0;
  /** Closes every client and relay of the process, joins the library's threads and lets go of it.
   */
  virtual bool UnloadLibrary() = 0;
  /** Where the library of this platform lies. */
  virtual FString GetLibraryPath() const = 0;
};
