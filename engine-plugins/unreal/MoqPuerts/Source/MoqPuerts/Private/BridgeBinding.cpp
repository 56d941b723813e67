// MoqBridge in scripts: Puerts' static binding of ScriptBridge, with the types of arguments checked
// (the macro for it is the one that checks). In Unreal Puerts' templates talk to V8; the tests'
// Puerts host runs this source so, and through pesapi, which hides the engine.
#include "BridgeBinding.h"

#include "ScriptBridge.h"

#include "Binding.hpp"

// Bytes of typed arrays with their length. Puerts' own void* has none, and a script must not be
// able to make native code read or write beyond its memory.
namespace PUERTS_NAMESPACE {

template <>
struct ScriptTypeName<::moq::unreal::ScriptBytes> {
  static constexpr auto value() { return internal::Literal("Uint8Array"); }
};

namespace PUERTS_BINDING_IMPL {

template <>
struct Converter<::moq::unreal::ScriptBytes> {
  using Bytes = ::moq::unreal::ScriptBytes;
  using Context = API::ContextType;
  using Value = API::ValueType;

#if defined(BUILDING_PES_EXTENSION) && !defined(PES_EXTENSION_WITH_V8_API)
  static Bytes toCpp(Context env, Value value) {
    Bytes bytes;
    if (!pesapi_is_binary(env, value))
      return bytes;
    bytes.Data = static_cast<std::uint8_t*>(pesapi_get_value_binary(env, value, &bytes.Size));
    // Empty ones have no memory.
    bytes.Valid = bytes.Data != nullptr || bytes.Size == 0;
    return bytes;
  }
  static bool accept(Context env, Value value) {
    return pesapi_is_binary(env, value);
  }
#else
  static Bytes toCpp(Context, Value value) {
    Bytes bytes;
    if (!value->IsArrayBufferView())
      return bytes;
    const v8::Local<v8::ArrayBufferView> view = value.template As<v8::ArrayBufferView>();
    bytes.Size = view->ByteLength();
    auto* const start =
        static_cast<std::uint8_t*>(DataTransfer::GetArrayBufferData(view->Buffer()));
    if (start != nullptr)
      bytes.Data = start + view->ByteOffset();
    bytes.Valid = bytes.Data != nullptr || bytes.Size == 0;
    return bytes;
  }
  static bool accept(Context, Value value) {
    return value->IsArrayBufferView();
  }
#endif
};

} // namespace PUERTS_BINDING_IMPL
} // namespace PUERTS_NAMESPACE

UsingNamedCppType(::moq::unreal::ScriptBridge, MoqBridge);

namespace moq::unreal {

void RegisterScriptBridge() {
  puerts::DefineClass<ScriptBridge>()
      .Constructor<>()
      .Method("About", MakeCheckFunction(&ScriptBridge::About))
      .Method("LastError", MakeCheckFunction(&ScriptBridge::LastError))
      .Method("Now", MakeCheckFunction(&ScriptBridge::Now))
      .Method("Open", MakeCheckFunction(&ScriptBridge::Open))
      .Method("Close", MakeCheckFunction(&ScriptBridge::Close))
      .Method("Update", MakeCheckFunction(&ScriptBridge::Update))
      .Method("Hold", MakeCheckFunction(&ScriptBridge::Hold))
      .Method("AnswerToken", MakeCheckFunction(&ScriptBridge::AnswerToken))
      .Method("Publish", MakeCheckFunction(&ScriptBridge::Publish))
      .Method("Flush", MakeCheckFunction(&ScriptBridge::Flush))
      .Method("PollInto", MakeCheckFunction(&ScriptBridge::PollInto))
      .Method("Stats", MakeCheckFunction(&ScriptBridge::Stats))
      .Register();
}

} // namespace moq::unreal
