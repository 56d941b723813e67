// What the benchmark compares with: a binding that calls a script function for each object, with
// the bytes as a buffer that is borrowed during the call. Otherwise as good as it gets: no string,
// no look-up, one function that is converted once. And one that publishes update by update.
#include "per_object.h"

#include <Binding.hpp>

#include <MoqCore/Host.h>

#include <functional>
#include <string>
#include <vector>

namespace moq_test {

// What a binding takes that keeps to types of its own.
struct Copied {
  std::vector<std::uint8_t> Bytes;
};

struct Borrowed {
  const std::uint8_t* Data;
  std::size_t Size;
};

class Visitor : public moq::unreal::RecordSink {
public:
  using Visit = std::function<void(double, double, double, Borrowed)>;

  explicit Visitor(const Visit& visit) : Call(visit) {}

  void OnRecord(const moq::Record& record) override {
    if (record.header.kind != MOQ_RECORD_OBJECT)
      return;
    ++Objects;
    Call(static_cast<double>(record.header.handle), static_cast<double>(record.header.group),
         static_cast<double>(record.header.object), {record.payload.data(), record.payload.size()});
  }

  double Objects = 0;

private:
  const Visit& Call;
};

class PerObject {
public:
  double Open(const std::string& options) {
    moq::Error error;
    return static_cast<double>(Clients.Open(options, error));
  }

  double Subscribe(double client, const std::string& options) {
    MoqHandle handle = 0;
    if (const auto session = Clients.Find(static_cast<MoqHandle>(client)))
      session->Request(moq::unreal::RequestKind::Subscribe, options, handle);
    return static_cast<double>(handle);
  }

  double OpenPublication(double client, const std::string& options) {
    MoqHandle handle = 0;
    if (const auto session = Clients.Find(static_cast<MoqHandle>(client)))
      session->Request(moq::unreal::RequestKind::Publish, options, handle);
    return static_cast<double>(handle);
  }

  // Sends one update by itself: the library is woken for it.
  double Publish(double client, double publication, Copied bytes) {
    const auto session = Clients.Find(static_cast<MoqHandle>(client));
    return session ? session->Publish(static_cast<MoqHandle>(publication), 0, bytes.Bytes.data(),
                                      bytes.Bytes.size())
                   : MOQ_ERROR_CLOSED;
  }

  // Calls `visit` with handle, group, object and bytes of each object that waits; gives how many.
  double Drain(Visitor::Visit visit) {
    Visitor visitor(visit);
    Clients.Tick(visitor, {});
    return visitor.Objects;
  }

  void Close() { Clients.CloseAll(); }

private:
  moq::unreal::Host Clients{moq::unreal::Library::Get()};
};

} // namespace moq_test

namespace PUERTS_NAMESPACE {
template <>
struct ScriptTypeName<moq_test::Borrowed> {
  static constexpr auto value() { return internal::Literal("ArrayBuffer"); }
};
template <>
struct ScriptTypeName<moq_test::Copied> {
  static constexpr auto value() { return internal::Literal("Uint8Array"); }
};
namespace PUERTS_BINDING_IMPL {
template <>
struct Converter<moq_test::Copied> {
  static moq_test::Copied toCpp(API::ContextType context, API::ValueType value) {
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
#if defined(PES_EXTENSION_WITH_V8_API)
    (void)context;
    const auto view = value.template As<v8::ArrayBufferView>();
    size = view->ByteLength();
    data = static_cast<const std::uint8_t*>(DataTransfer::GetArrayBufferData(view->Buffer())) +
           view->ByteOffset();
#else
    data = static_cast<const std::uint8_t*>(pesapi_get_value_binary(context, value, &size));
#endif
    return {std::vector<std::uint8_t>(data, data + size)};
  }
};
template <>
struct Converter<moq_test::Borrowed> {
  static API::ValueType toScript(API::ContextType context, moq_test::Borrowed bytes) {
    void* const data = const_cast<std::uint8_t*>(bytes.Data);
#if defined(PES_EXTENSION_WITH_V8_API)
    return DataTransfer::NewArrayBuffer(context, data, bytes.Size);
#else
    return pesapi_create_binary(context, data, bytes.Size);
#endif
  }
};
} // namespace PUERTS_BINDING_IMPL
} // namespace PUERTS_NAMESPACE

UsingNamedCppType(moq_test::PerObject, MoqPerObject);

namespace moq_test {

void RegisterPerObject() {
  puerts::DefineClass<PerObject>()
      .Constructor<>()
      .Method("Open", MakeFunction(&PerObject::Open))
      .Method("Subscribe", MakeFunction(&PerObject::Subscribe))
      .Method("OpenPublication", MakeFunction(&PerObject::OpenPublication))
      .Method("Publish", MakeFunction(&PerObject::Publish))
      .Method("Drain", MakeFunction(&PerObject::Drain))
      .Method("Close", MakeFunction(&PerObject::Close))
      .Register();
}

} // namespace moq_test
