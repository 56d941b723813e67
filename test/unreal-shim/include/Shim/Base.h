// Types, macros and checks that every Unreal header gives.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

// Which engine the shim stands for: SHIM_ENGINE_MINOR picks 5.3 to 5.7.
#ifndef SHIM_ENGINE_MINOR
#define SHIM_ENGINE_MINOR 5
#endif
#define ENGINE_MAJOR_VERSION 5
#define ENGINE_MINOR_VERSION SHIM_ENGINE_MINOR
#define ENGINE_PATCH_VERSION 0

using int8 = std::int8_t;
using int16 = std::int16_t;
using int32 = std::int32_t;
// As in the engine: "long long" on every platform.
using int64 = signed long long;
using uint8 = std::uint8_t;
using uint16 = std::uint16_t;
using uint32 = std::uint32_t;
using uint64 = unsigned long long;
using SIZE_T = std::size_t;
using ANSICHAR = char;
using UTF8CHAR = char8_t;
// On Linux and macOS a TCHAR is a char16_t.
using TCHAR = char16_t;

#define TEXT(Literal) u##Literal
#define UE_ARRAY_COUNT(Array) (sizeof(Array) / sizeof((Array)[0]))
#define FORCEINLINE inline
#define FORCENOINLINE
#define INDEX_NONE (-1)
#define PLATFORM_WINDOWS 0
#define PLATFORM_LINUX 1
#define PLATFORM_MAC 0
#define WITH_EDITOR 0
// SHIM_SHIPPING: what a shipping build leaves out is left out.
#ifndef SHIM_SHIPPING
#define SHIM_SHIPPING 0
#endif
#define UE_BUILD_SHIPPING SHIM_SHIPPING
#define WITH_DEV_AUTOMATION_TESTS !SHIM_SHIPPING
#define STATS !SHIM_SHIPPING
#define NO_LOGGING SHIM_SHIPPING
#define UE_TRACE_ENABLED !SHIM_SHIPPING
#define CPUPROFILERTRACE_ENABLED !SHIM_SHIPPING
#define UE_NONCOPYABLE(Type)                                                                       \
  Type(const Type&) = delete;                                                                      \
  Type& operator=(const Type&) = delete;
#define UE_DEPRECATED(Version, Message)
#define PURE_VIRTUAL(Name, ...)                                                                    \
  { __VA_ARGS__ }

constexpr int32 MAX_int32 = 0x7fffffff;
constexpr int64 MAX_int64 = 0x7fffffffffffffffLL;
constexpr uint64 MAX_uint64 = 0xffffffffffffffffULL;

namespace Shim {
// Prints where a rule of the engine was broken and ends the program: what crashes an editor fails a
// test.
[[noreturn]] void Fatal(const char* File, int Line, const char* Message);
// The same as the engine's ensure: an error in the log, and on it goes.
bool Ensure(bool bCondition, const char* File, int Line, const char* Expression);
} // namespace Shim

#define check(Expression)                                                                          \
  do {                                                                                             \
    if (!(Expression))                                                                             \
      Shim::Fatal(__FILE__, __LINE__, "check failed: " #Expression);                               \
  } while (false)
#define checkf(Expression, ...) check(Expression)
#define checkNoEntry() check(false)
#define verify(Expression) check(Expression)
#define ensure(Expression) Shim::Ensure(!!(Expression), __FILE__, __LINE__, #Expression)
#define ensureMsgf(Expression, ...) ensure(Expression)

template <class T>
std::remove_reference_t<T>&& MoveTemp(T&& Object) {
  static_assert(!std::is_const_v<std::remove_reference_t<T>>, "MoveTemp of something const");
  return static_cast<std::remove_reference_t<T>&&>(Object);
}
template <class T>
void Swap(T& A, T& B) {
  std::swap(A, B);
}

struct FMath {
  template <class T>
  static T Max(T A, T B) {
    return A > B ? A : B;
  }
  template <class T>
  static T Min(T A, T B) {
    return A < B ? A : B;
  }
  template <class T>
  static T Clamp(T Value, T Low, T High) {
    return Value < Low ? Low : Value > High ? High : Value;
  }
};

struct FMemory {
  static void* Memcpy(void* To, const void* From, SIZE_T Size) {
    return Size == 0 ? To : std::memcpy(To, From, Size);
  }
  static int32 Memcmp(const void* A, const void* B, SIZE_T Size) {
    return Size == 0 ? 0 : std::memcmp(A, B, Size);
  }
  static void Memzero(void* To, SIZE_T Size) {
    if (Size > 0)
      std::memset(To, 0, Size);
  }
};

// The thread that ran main.
bool IsInGameThread();
bool IsRunningDedicatedServer();
extern uint64 GFrameCounter;
bool IsRunningCommandlet();

enum class ESPMode : uint8 { NotThreadSafe, ThreadSafe };
enum class EQueueMode : uint8 { Mpsc, Spsc };
enum EForceInit { ForceInit };

#define UE_SHIM_JOIN_(A, B, C, D) A##B##C##D
#define UE_SHIM_JOIN(A, B, C, D) UE_SHIM_JOIN_(A, B, C, D)
#define GENERATED_BODY(...) UE_SHIM_JOIN(CURRENT_FILE_ID, _, __LINE__, _GENERATED_BODY)
#define UCLASS(...)
#define USTRUCT(...)
#define UENUM(...)
#define UPROPERTY(...)
#define UFUNCTION(...)
#define UMETA(...)
#define UPARAM(...)

#define UE_VERSION_NEWER_THAN(Major, Minor, Patch)                                                 \
  ((ENGINE_MAJOR_VERSION * 10000 + ENGINE_MINOR_VERSION * 100 + ENGINE_PATCH_VERSION) >            \
   ((Major)*10000 + (Minor)*100 + (Patch)))
#define UE_VERSION_OLDER_THAN(Major, Minor, Patch)                                                 \
  ((ENGINE_MAJOR_VERSION * 10000 + ENGINE_MINOR_VERSION * 100 + ENGINE_PATCH_VERSION) <            \
   ((Major)*10000 + (Minor)*100 + (Patch)))
