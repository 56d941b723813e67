// Modules and plugins.
#pragma once

#include "Shim/Pointers.h"
#include "Shim/Text.h"

class IModuleInterface {
public:
  virtual ~IModuleInterface() = default;
  virtual void StartupModule() {}
  virtual void ShutdownModule() {}
  virtual void PreUnloadCallback() {}
  virtual bool SupportsDynamicReloading() { return true; }
};
class FDefaultModuleImpl : public IModuleInterface {};

class FModuleManager {
public:
  static FModuleManager& Get();
  bool IsModuleLoaded(FName Name) const;
  IModuleInterface* LoadModule(FName Name);
  bool UnloadModule(FName Name);
  template <class T>
  static T* GetModulePtr(FName Name) {
    return static_cast<T*>(Get().ShimFind(Name));
  }
  template <class T>
  static T& GetModuleChecked(FName Name) {
    T* const Found = GetModulePtr<T>(Name);
    check(Found != nullptr);
    return *Found;
  }
  template <class T>
  static T& LoadModuleChecked(FName Name) {
    T* const Found = static_cast<T*>(Get().LoadModule(Name));
    check(Found != nullptr);
    return *Found;
  }
  IModuleInterface* ShimFind(FName Name) const;
};

namespace Shim {
struct FModuleRegistration {
  FModuleRegistration(const TCHAR* Name, IModuleInterface* (*Make)());
};
} // namespace Shim
#define IMPLEMENT_MODULE(Class, Name)                                                              \
  static const Shim::FModuleRegistration ShimModule##Name(                                         \
      TEXT(#Name), []() -> IModuleInterface* { return new Class(); });

struct FPluginDescriptor {
  FString VersionName;
};
class IPlugin {
public:
  explicit IPlugin(FString InBaseDir);
  const FString& GetBaseDir() const { return BaseDir; }
  const FPluginDescriptor& GetDescriptor() const { return Descriptor; }

private:
  FString BaseDir;
  FPluginDescriptor Descriptor;
};
class IPluginManager {
public:
  static IPluginManager& Get();
  // In the folder that MOQ_SHIM_PLUGINS names.
  TSharedPtr<IPlugin> FindPlugin(const FString& Name);
};
