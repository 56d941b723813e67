// moq_ffi.hpp: C++17 over the C ABI of moq_ffi.h. Header-only, standard library only, throws
// nothing.
//
// - Every object that owns a handle moves and does not copy; its destructor closes.
// - Calls that can fail give a Result<T> or an Error; nothing is thrown, and the header compiles
//   without exceptions and without RTTI.
// - Calls go through a table of functions (moq_ffi/api.hpp): the linked library by default, or one
//   that the program loaded itself when MOQ_FFI_DYNAMIC is defined.
// - Threads: different objects may be used from different threads. One Client is drained by one
//   thread at a time; publish() may be called from any thread meanwhile.
//
//   auto client = moq::Client::open({"moqt://127.0.0.1:4443", {certificate_hash}});
//   if (!client) return fail(client.error().message);
//   auto poses = client->publish({{"match", "42"}, "poses", moq::Delivery::Latest});
//   poses->send(moq::Bytes(&pose, sizeof(pose)));
//   client->drain(moq::overloaded{
//       [](const moq::Object& object) { apply(object.bytes); },
//       [](const moq::End& end) { log(end.message()); }});
#ifndef MOQ_FFI_HPP
#define MOQ_FFI_HPP

#include "moq_ffi/api.hpp"
#include "moq_ffi/basics.hpp"
#include "moq_ffi/client.hpp"
#include "moq_ffi/options.hpp"
#include "moq_ffi/records.hpp"
#include "moq_ffi/relay.hpp"

#endif // MOQ_FFI_HPP
