// What Client::drain gives to its visitor: one type for each kind of record. Views hold during the
// visit only.
#ifndef MOQ_FFI_RECORDS_HPP
#define MOQ_FFI_RECORDS_HPP

#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include "basics.hpp"

namespace moq {

// What every record has.
struct Record {
  MoqRecordHeader header = {};
  Bytes payload;

  // Of the publication, subscription, …, or of the client itself.
  MoqHandle handle() const { return header.handle; }
};

// The client's state changed. JSON of what was negotiated, or of the reason.
struct StateChange : Record {
  MoqClientState state() const { return static_cast<MoqClientState>(header.code); }
  // Of MOQ_CLIENT_RECONNECTING: why.
  MoqResultCode reason() const { return static_cast<MoqResultCode>(header.extra); }
  std::string_view json() const { return payload.text(); }
};

// The request was accepted. Of a subscription: JSON with the class in force.
struct Ready : Record {
  std::string_view json() const { return payload.text(); }
};

// The handle is over: exactly one comes for each, and nothing after it.
struct End : Record {
  // MOQ_OK when it ended normally.
  MoqResultCode code() const { return static_cast<MoqResultCode>(header.code); }
  // Of MOQ_ERROR_CERTIFICATE: why.
  MoqCertificateReason certificate() const {
    return static_cast<MoqCertificateReason>(header.extra);
  }
  // `{"message":…,"peerCode":…,"retryable":…}`, of MOQ_ERROR_CERTIFICATE with `"reason":…`
  std::string_view json() const { return payload.text(); }
};

struct Object : Record {
  std::uint64_t group() const { return header.group; }
  std::uint64_t object() const { return header.object; }
  std::uint64_t subgroup() const { return header.subgroup; }
  // µs of moq_now_us.
  std::uint64_t received_us() const { return header.received_us; }
  bool keyframe() const { return (header.flags & MOQ_FLAG_KEYFRAME) != 0; }
  // The publisher's unix time in ms, if it told one.
  std::optional<std::uint64_t> published_at() const {
    if ((header.flags & MOQ_FLAG_PUBLISHED_AT) == 0)
      return std::nullopt;
    return header.extra;
  }
};

// Objects that will not be delivered.
struct Gap : Record {
  std::uint64_t first_group() const { return header.group; }
  std::uint64_t last_group() const { return header.object; }
  MoqGapReason reason() const { return static_cast<MoqGapReason>(header.code); }
  // How many, when that is known.
  std::optional<std::uint64_t> objects() const {
    if ((header.flags & MOQ_FLAG_COUNT_KNOWN) == 0)
      return std::nullopt;
    return header.extra;
  }
};

// Discovery: a namespace came or went. JSON array of its fields.
struct NamespaceChange : Record {
  bool removed() const { return (header.flags & MOQ_FLAG_REMOVED) != 0; }
  std::string_view json() const { return payload.text(); }
};

// Publication: how many subscriptions the next hop holds now.
struct Subscribers : Record {
  std::uint64_t count() const { return header.extra; }
};

// Publication: after MOQ_ERROR_WOULD_BLOCK, updates are accepted again.
struct Writable : Record {};

// Publication: a subscriber asks for a new group.
struct KeyframeWanted : Record {};

// Answer to Client::status.
struct TrackStatus : Record {
  bool has_largest() const { return (header.flags & MOQ_FLAG_HAS_LARGEST) != 0; }
  std::uint64_t largest_group() const { return header.group; }
  std::uint64_t largest_object() const { return header.object; }
  std::string_view json() const { return payload.text(); }
};

// With ClientOptions::ask_token: a connection needs a token. Answer with Client::supply_token or
// Client::refuse_token.
struct TokenWanted : Record {
  std::uint64_t attempt() const { return header.extra; }
};

namespace detail {

// Whether the visitor takes this type itself, and not only what it derives from.
template <class Visitor, class T>
void give(Visitor& visitor, const Record& record) {
  if constexpr (std::is_invocable_v<Visitor&, const T&>) {
    T typed;
    static_cast<Record&>(typed) = record;
    visitor(static_cast<const T&>(typed));
  } else {
    static_cast<void>(visitor);
    static_cast<void>(record);
  }
}

// Calls the visitor with the type of the record's kind; kinds that it does not take are skipped.
template <class Visitor>
void visit(Visitor& visitor, const Record& record) {
  switch (record.header.kind) {
  case MOQ_RECORD_STATE:
    return give<Visitor, StateChange>(visitor, record);
  case MOQ_RECORD_READY:
    return give<Visitor, Ready>(visitor, record);
  case MOQ_RECORD_END:
    return give<Visitor, End>(visitor, record);
  case MOQ_RECORD_OBJECT:
    return give<Visitor, Object>(visitor, record);
  case MOQ_RECORD_GAP:
    return give<Visitor, Gap>(visitor, record);
  case MOQ_RECORD_NAMESPACE:
    return give<Visitor, NamespaceChange>(visitor, record);
  case MOQ_RECORD_SUBSCRIBERS:
    return give<Visitor, Subscribers>(visitor, record);
  case MOQ_RECORD_WRITABLE:
    return give<Visitor, Writable>(visitor, record);
  case MOQ_RECORD_KEYFRAME_WANTED:
    return give<Visitor, KeyframeWanted>(visitor, record);
  case MOQ_RECORD_STATUS:
    return give<Visitor, TrackStatus>(visitor, record);
  case MOQ_RECORD_TOKEN_WANTED:
    return give<Visitor, TokenWanted>(visitor, record);
  default:
    return give<Visitor, Record>(visitor, record);
  }
}

} // namespace detail

} // namespace moq

#endif // MOQ_FFI_RECORDS_HPP
