// Options as structs; each becomes the JSON that moq_ffi.h documents. What is left unset takes the
// default that moq_ffi.h names.
#ifndef MOQ_FFI_OPTIONS_HPP
#define MOQ_FFI_OPTIONS_HPP

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moq {

namespace detail {

inline void append_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

// Writes one JSON object, field by field.
class JsonObject {
public:
  JsonObject& field(std::string_view name, std::string_view text) {
    key(name);
    append_text(json_, text);
    return *this;
  }
  JsonObject& field(std::string_view name, const char* text) {
    return field(name, std::string_view(text));
  }
  JsonObject& field(std::string_view name, bool value) {
    return raw(name, value ? "true" : "false");
  }
  JsonObject& field(std::string_view name, std::uint64_t value) {
    return raw(name, std::to_string(value));
  }
  JsonObject& field(std::string_view name, const std::vector<std::string>& texts) {
    key(name);
    json_ += '[';
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (i > 0)
        json_ += ',';
      append_text(json_, texts[i]);
    }
    json_ += ']';
    return *this;
  }
  template <class T>
  JsonObject& field(std::string_view name, const std::optional<T>& value) {
    return value ? field(name, *value) : *this;
  }
  JsonObject& raw(std::string_view name, std::string_view value) {
    key(name);
    json_ += value;
    return *this;
  }
  std::string take() {
    json_ += '}';
    return std::move(json_);
  }

private:
  void key(std::string_view name) {
    if (json_.size() > 1)
      json_ += ',';
    append_text(json_, name);
    json_ += ':';
  }

  std::string json_ = "{";
};

} // namespace detail

// What happens when the network cannot keep up.
enum class Delivery { Reliable, Latest, Deadline, Datagram };

inline const char* name_of(Delivery delivery) {
  switch (delivery) {
  case Delivery::Latest:
    return "latest";
  case Delivery::Deadline:
    return "deadline";
  case Delivery::Datagram:
    return "datagram";
  case Delivery::Reliable:
    break;
  }
  return "reliable";
}

// Fields of a namespace: a list, or one text split on "/".
class Namespace {
public:
  Namespace() = default;
  Namespace(std::initializer_list<std::string> fields) : fields_(fields) {}
  Namespace(std::vector<std::string> fields) : fields_(std::move(fields)) {}
  Namespace(const char* text) : text_(text) {}
  Namespace(std::string text) : text_(std::move(text)) {}

  void write(detail::JsonObject& json, std::string_view name) const {
    if (text_)
      json.field(name, std::string_view(*text_));
    else
      json.field(name, fields_);
  }

private:
  std::vector<std::string> fields_;
  std::optional<std::string> text_;
};

// How a lost connection is repaired. Times in ms.
struct ReconnectOptions {
  std::optional<std::uint64_t> initial_delay = std::nullopt;
  std::optional<std::uint64_t> max_delay = std::nullopt;
  std::optional<std::uint64_t> timeout = std::nullopt;
  // A lost connection closes the client.
  bool off = false;

  std::string json() const {
    if (off)
      return "false";
    return detail::JsonObject()
        .field("initialDelay", initial_delay)
        .field("maxDelay", max_delay)
        .field("timeout", timeout)
        .take();
  }
};

// Of Client::open. Times in ms, sizes in bytes.
struct ClientOptions {
  std::string url = {};
  // SHA-256 in hexadecimal of certificates to accept.
  std::vector<std::string> certificate_hashes = {};
  std::vector<std::string> ca_files = {};
  std::optional<std::string> token = std::nullopt;
  // Each connection asks for a token of its own, with a TokenWanted record.
  bool ask_token = false;
  ReconnectOptions reconnect = {};
  std::optional<std::uint64_t> connect_timeout = std::nullopt;
  std::optional<std::uint64_t> keep_alive = std::nullopt;
  std::optional<std::uint64_t> idle_timeout = std::nullopt;
  std::optional<std::uint64_t> max_object_size = std::nullopt;
  // Accepts any certificate: for development only.
  bool insecure = false;
  // What a relay that asks for it is shown: PEM text, or the path of a PEM file.
  std::optional<std::string> client_certificate = std::nullopt;
  std::optional<std::string> client_key = std::nullopt;
  // For the answer to each request.
  std::optional<std::uint64_t> request_timeout = std::nullopt;
  // Requests and updates a second, and at once; unset: no limit.
  std::optional<std::uint64_t> requests_per_second = std::nullopt;
  std::optional<std::uint64_t> request_burst = std::nullopt;
  std::optional<std::uint64_t> publishes_per_second = std::nullopt;
  std::optional<std::uint64_t> publish_burst = std::nullopt;

  std::string json() const {
    detail::JsonObject json;
    json.field("url", std::string_view(url));
    if (!certificate_hashes.empty())
      json.field("serverCertificateHashes", certificate_hashes);
    if (!ca_files.empty())
      json.field("caFile", ca_files);
    json.field("token", token)
        .field("connectTimeout", connect_timeout)
        .field("keepAlive", keep_alive)
        .field("idleTimeout", idle_timeout)
        .field("maxObjectSize", max_object_size)
        .field("clientCertificate", client_certificate)
        .field("clientKey", client_key)
        .field("requestTimeout", request_timeout)
        .field("requestsPerSecond", requests_per_second)
        .field("requestBurst", request_burst)
        .field("publishesPerSecond", publishes_per_second)
        .field("publishBurst", publish_burst);
    json.raw("reconnect", reconnect.json());
    if (ask_token)
      json.field("askToken", true);
    if (insecure)
      json.field("insecure", true);
    return json.take();
  }
};

// Of Client::publish.
struct PublishOptions {
  Namespace track_namespace = {};
  std::string name = {};
  Delivery delivery = Delivery::Reliable;
  // Of Delivery::Deadline, in ms.
  std::optional<std::uint64_t> deadline = std::nullopt;
  // 0 is the highest, 255 the lowest.
  std::optional<std::uint64_t> priority = std::nullopt;
  std::optional<std::uint64_t> queue_bytes = std::nullopt;
  std::optional<std::uint64_t> retain_bytes = std::nullopt;
  std::optional<std::uint64_t> max_datagram_size = std::nullopt;
  // ms until the relay has accepted it.
  std::optional<std::uint64_t> timeout = std::nullopt;

  std::string json() const {
    detail::JsonObject json;
    track_namespace.write(json, "namespace");
    return json.field("name", std::string_view(name))
        .field("delivery", name_of(delivery))
        .field("deadline", deadline)
        .field("priority", priority)
        .field("queueBytes", queue_bytes)
        .field("retainBytes", retain_bytes)
        .field("maxDatagramSize", max_datagram_size)
        .field("timeout", timeout)
        .take();
  }
};

// Where a subscription begins.
enum class Start { LatestGroup, Next, Now };

// Of Client::subscribe.
struct SubscribeOptions {
  Namespace track_namespace = {};
  std::string name = {};
  std::optional<Start> start = std::nullopt;
  // How to read a track that does not say its class.
  std::optional<Delivery> delivery = std::nullopt;
  std::optional<bool> unordered = std::nullopt;
  std::optional<std::uint64_t> priority = std::nullopt;
  // ms for a publisher to appear.
  std::optional<std::uint64_t> wait = std::nullopt;
  // ms in the queue; 0 is no limit.
  std::optional<std::uint64_t> max_age = std::nullopt;
  std::optional<std::uint64_t> queue_bytes = std::nullopt;
  std::optional<std::uint64_t> gap_timeout = std::nullopt;
  // ms until the relay has accepted it.
  std::optional<std::uint64_t> timeout = std::nullopt;

  std::string json() const {
    detail::JsonObject json;
    track_namespace.write(json, "namespace");
    json.field("name", std::string_view(name));
    if (start)
      json.field("start", *start == Start::LatestGroup ? "latest-group"
                          : *start == Start::Next      ? "next"
                                                       : "now");
    if (delivery)
      json.field("delivery", name_of(*delivery));
    return json.field("unordered", unordered)
        .field("priority", priority)
        .field("wait", wait)
        .field("maxAge", max_age)
        .field("queueBytes", queue_bytes)
        .field("gapTimeout", gap_timeout)
        .field("timeout", timeout)
        .take();
  }
};

// Of Client::fetch.
struct FetchOptions {
  Namespace track_namespace = {};
  std::string name = {};
  std::uint64_t from_group = 0;
  // Inclusive.
  std::uint64_t to_group = 0;
  bool descending = false;
  std::optional<std::uint64_t> priority = std::nullopt;
  // ms until its end.
  std::optional<std::uint64_t> timeout = std::nullopt;

  std::string json() const {
    detail::JsonObject json;
    track_namespace.write(json, "namespace");
    return json.field("name", std::string_view(name))
        .field("fromGroup", from_group)
        .field("toGroup", to_group)
        .field("order", descending ? "descending" : "ascending")
        .field("priority", priority)
        .field("timeout", timeout)
        .take();
  }
};

} // namespace moq

#endif // MOQ_FFI_OPTIONS_HPP
