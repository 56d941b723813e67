// Errors, results and views.
#ifndef MOQ_FFI_BASICS_HPP
#define MOQ_FFI_BASICS_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "api.hpp"

namespace moq {

// What a call said. True when it failed.
struct Error {
  MoqResultCode code = MOQ_OK;
  // What happened and what to do next; empty without a failure.
  std::string message;

  explicit operator bool() const { return code != MOQ_OK; }
};

// Whether the same call can succeed later.
inline bool is_retryable(MoqResultCode code) {
  switch (code) {
  case MOQ_ERROR_CONNECTION_FAILED:
  case MOQ_ERROR_NOT_CONNECTED:
  case MOQ_ERROR_TIMEOUT:
  case MOQ_ERROR_WOULD_BLOCK:
  case MOQ_ERROR_GOING_AWAY:
  case MOQ_ERROR_TOO_FAR_BEHIND:
  case MOQ_ERROR_BUSY:
  case MOQ_ERROR_RATE_LIMITED:
    return true;
  default:
    return false;
  }
}

namespace detail {
inline Error error_of(MoqResultCode code) {
  return code == MOQ_OK ? Error{} : Error{code, api().moq_last_error()};
}
} // namespace detail

// A value, or the error that stands in its place. True when there is a value.
template <class T>
class Result {
public:
  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return error_.code == MOQ_OK; }
  const Error& error() const { return error_; }
  // After a failure: an empty object, whose calls give MOQ_ERROR_INVALID_ARGUMENT.
  T& value() { return value_; }
  T* operator->() { return &value_; }
  T& operator*() { return value_; }
  T take() { return std::move(value_); }

private:
  T value_{};
  Error error_;
};

// A view of bytes that somebody else owns.
class Bytes {
public:
  constexpr Bytes() = default;
  Bytes(const void* data, std::size_t size)
      : data_(static_cast<const std::uint8_t*>(data)), size_(size) {}
  // Of anything with data() and size() whose elements are bytes: std::vector<uint8_t>,
  // std::string, std::array, TArray-like containers with such members.
  template <class C,
            class = decltype(std::declval<const C&>().data(), std::declval<const C&>().size())>
  Bytes(const C& bytes) : Bytes(bytes.data(), bytes.size()) {
    static_assert(sizeof(*bytes.data()) == 1, "elements must be bytes");
  }

  constexpr const std::uint8_t* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const std::uint8_t* begin() const { return data_; }
  constexpr const std::uint8_t* end() const { return data_ + size_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

private:
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Makes one visitor of several lambdas.
template <class... F>
struct overloaded : F... {
  using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

} // namespace moq

#endif // MOQ_FFI_BASICS_HPP
