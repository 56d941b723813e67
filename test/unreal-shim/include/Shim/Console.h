// Console variables and commands.
#pragma once

#include "Shim/Delegates.h"
#include "Shim/Log.h"

enum EConsoleVariableFlags { ECVF_Default = 0, ECVF_Cheat = 1, ECVF_SetByCode = 0x0b000000 };

class IConsoleVariable {
public:
  virtual ~IConsoleVariable() = default;
  virtual void Set(const TCHAR* Value, EConsoleVariableFlags SetBy = ECVF_SetByCode) = 0;
  void Set(int32 Value, EConsoleVariableFlags SetBy = ECVF_SetByCode) {
    Set(*FString::Printf(TEXT("%d"), Value), SetBy);
  }
  void Set(float Value, EConsoleVariableFlags SetBy = ECVF_SetByCode) {
    Set(*FString::Printf(TEXT("%f"), static_cast<double>(Value)), SetBy);
  }
  virtual double ShimGet() const = 0;
  int32 GetInt() const { return static_cast<int32>(ShimGet()); }
  float GetFloat() const { return static_cast<float>(ShimGet()); }
  bool GetBool() const { return ShimGet() != 0; }
  const TCHAR* GetHelp() const { return *Help; }

protected:
  FString Help;
};

class IConsoleManager {
public:
  static IConsoleManager& Get();
  IConsoleVariable* FindConsoleVariable(const TCHAR* Name) const;
  bool ProcessUserConsoleInput(const TCHAR* Input, FOutputDevice& Out, class UWorld* World);
  void ShimAdd(const TCHAR* Name, IConsoleVariable* Variable);
  void ShimAddCommand(const TCHAR* Name,
                      std::function<void(const TArray<FString>&, UWorld*, FOutputDevice&)>);
};

template <class T>
class TAutoConsoleVariable final : public IConsoleVariable {
public:
  TAutoConsoleVariable(const TCHAR* Name, const T& Default, const TCHAR* InHelp,
                       uint32 = ECVF_Default)
      : Value(Default) {
    Help = InHelp;
    IConsoleManager::Get().ShimAdd(Name, this);
  }
  using IConsoleVariable::Set;
  void Set(const TCHAR* Text, EConsoleVariableFlags) override {
    Value = static_cast<T>(std::strtod(Shim::ToUtf8(Text).c_str(), nullptr));
  }
  double ShimGet() const override { return static_cast<double>(Value); }
  T GetValueOnGameThread() const {
    check(IsInGameThread());
    return Value;
  }
  T GetValueOnAnyThread() const { return Value; }
  IConsoleVariable* operator->() { return this; }

private:
  T Value;
};

using FConsoleCommandWithWorldArgsAndOutputDeviceDelegate =
    TDelegate<void(const TArray<FString>&, UWorld*, FOutputDevice&)>;
class FAutoConsoleCommand {
public:
  FAutoConsoleCommand(const TCHAR* Name, const TCHAR*,
                      const FConsoleCommandWithWorldArgsAndOutputDeviceDelegate& Delegate) {
    IConsoleManager::Get().ShimAddCommand(
        Name, [Delegate](const TArray<FString>& Args, UWorld* World, FOutputDevice& Out) {
          Delegate.ExecuteIfBound(Args, World, Out);
        });
  }
};
