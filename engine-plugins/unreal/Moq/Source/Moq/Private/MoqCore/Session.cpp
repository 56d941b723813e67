#include "MoqCore/Session.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace moq::unreal {

namespace {

// What an inbox begins with and shrinks back to: some thousand small objects.
constexpr std::size_t kInboxBytes = 256 * 1024;

} // namespace

std::uint64_t SteadyMicroseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

std::shared_ptr<Session> Session::Open(ApiRef api, std::string_view options, MoqResultCode& code) {
  if (!api) {
    code = MOQ_ERROR_UNAVAILABLE;
    return nullptr;
  }
  std::shared_ptr<Session> session(new Session(std::move(api)));
  code = session->Api->moq_client_open(options.data(), options.size(), &session->Client);
  if (code != MOQ_OK) {
    session->Closed.store(true);
    return nullptr;
  }
  // The waker is taken back before the session goes: Close waits for it.
  code = session->Api->moq_set_waker(session->Client, &Session::OnWake, session.get());
  if (code != MOQ_OK) {
    session->Close();
    return nullptr;
  }
  return session;
}

Session::~Session() {
  Close();
}

void Session::OnWake(void* user_data) {
  static_cast<Session*>(user_data)->Woken.store(true, std::memory_order_release);
}

MoqResultCode Session::Request(RequestKind kind, std::string_view options, MoqHandle& handle) {
  handle = 0;
  if (IsClosed())
    return MOQ_ERROR_CLOSED;
  const auto open = [&] {
    switch (kind) {
    case RequestKind::Publish:
      return Api->moq_publication_open;
    case RequestKind::Subscribe:
      return Api->moq_subscription_open;
    case RequestKind::Fetch:
      return Api->moq_fetch_open;
    case RequestKind::Discover:
      return Api->moq_discovery_open;
    case RequestKind::Status:
      break;
    }
    return Api->moq_status_open;
  }();
  return open(Client, options.data(), options.size(), &handle);
}

MoqResultCode Session::Publish(MoqHandle publication, std::uint32_t flags, const void* bytes,
                               std::size_t size) const {
  if (IsClosed())
    return MOQ_ERROR_CLOSED;
  return Api->moq_publish(publication, flags, static_cast<const std::uint8_t*>(bytes), size);
}

MoqResultCode Session::Flush() const {
  return IsClosed() ? MOQ_ERROR_CLOSED : Api->moq_publish_flush(Client);
}

MoqResultCode Session::EndPublication(MoqHandle publication, std::uint32_t flush_ms) {
  return IsClosed() ? MOQ_ERROR_CLOSED : Api->moq_publication_end(publication, flush_ms);
}

MoqResultCode Session::CloseHandle(MoqHandle handle) {
  if (IsClosed())
    return MOQ_ERROR_CLOSED;
  const MoqResultCode code = Api->moq_handle_close(handle);
  // What the library had given already is skipped when its turn comes.
  if (code == MOQ_OK && At < Filled)
    ClosedHandles.insert(handle);
  return code;
}

MoqResultCode Session::UpdateSubscription(MoqHandle subscription, std::string_view options) {
  if (IsClosed())
    return MOQ_ERROR_CLOSED;
  return Api->moq_subscription_update(subscription, options.data(), options.size());
}

MoqResultCode Session::Hold(MoqHandle handle, bool held) {
  if (IsClosed())
    return MOQ_ERROR_CLOSED;
  const MoqResultCode code = Api->moq_handle_hold(handle, held ? 1 : 0);
  // What waited behind it may be had now.
  if (!held)
    Woken.store(true, std::memory_order_release);
  return code;
}

MoqResultCode Session::SupplyToken(std::uint64_t attempt, const void* token, std::size_t size) {
  if (IsClosed())
    return MOQ_ERROR_CLOSED;
  return Api->moq_client_supply_token(Client, attempt, static_cast<const std::uint8_t*>(token),
                                      size);
}

MoqResultCode Session::RefuseToken(std::uint64_t attempt, std::string_view reason) {
  if (IsClosed())
    return MOQ_ERROR_CLOSED;
  return Api->moq_client_refuse_token(Client, attempt, reason.data(), reason.size());
}

std::string Session::Stats() const {
  std::string json;
  std::size_t needed = 1024;
  // A few times: the text may grow between two calls.
  for (int attempt = 0; attempt < 4 && !IsClosed(); ++attempt) {
    json.resize(needed);
    const MoqResultCode code = Api->moq_client_stats(Client, json.data(), json.size(), &needed);
    if (code == MOQ_OK) {
      json.resize(needed);
      return json;
    }
    if (code != MOQ_ERROR_BUFFER_TOO_SMALL)
      break;
    needed += 256;
  }
  return {};
}

std::string Session::LastError() const {
  return Api->moq_last_error();
}

bool Session::Refill() {
  At = Filled = 0;
  ClosedHandles.clear();
  if (!MoreWaits && !Woken.exchange(false, std::memory_order_acq_rel))
    return false;
  if (Inbox.size() != kInboxBytes / 8) {
    Inbox.assign(kInboxBytes / 8, 0);
    Inbox.shrink_to_fit();
  }
  for (int attempt = 0; attempt < 2; ++attempt) {
    MoqPollResult result = {};
    result.struct_size = sizeof(result);
    const MoqResultCode code = Api->moq_poll(Client, reinterpret_cast<std::uint8_t*>(Inbox.data()),
                                             Inbox.size() * 8, &result);
    if (code == MOQ_OK) {
      // No more than there is room for, whatever the library says.
      Filled = std::min<std::size_t>(result.bytes, Inbox.size() * 8);
      MoreWaits = result.more != 0;
      return Filled > 0;
    }
    // Even when the size makes no sense: the next tick asks again, and nothing is stuck.
    MoreWaits = code == MOQ_ERROR_BUFFER_TOO_SMALL;
    if (!MoreWaits || result.needed <= Inbox.size() * 8)
      return false;
    Inbox.resize((result.needed + 7) / 8);
  }
  return false;
}

DrainResult Session::Drain(RecordSink& sink, const DrainBudget& budget, const Clock& clock) {
  DrainResult drained;
  if (IsClosed() || Draining)
    return drained;
  // Released by its owner while the sink runs: stays until the drain is over.
  const std::shared_ptr<Session> self = shared_from_this();
  Draining = true;
  const std::uint64_t end = budget.Microseconds > 0 ? clock() + budget.Microseconds : 0;
  while (!IsClosed()) {
    if (At >= Filled && !Refill())
      break;
    // Always one, so that a budget however small gets on.
    const bool late = end != 0 && drained.Records > 0 && clock() >= end;
    if (late || drained.Records >= budget.Records || drained.Bytes >= budget.Bytes) {
      drained.More = true;
      break;
    }
    const auto* const start = reinterpret_cast<const std::uint8_t*>(Inbox.data()) + At;
    moq::Record record;
    // Zeroes when even the header is cut off.
    if (Filled - At >= sizeof(record.header))
      std::memcpy(&record.header, start, sizeof(record.header));
    const std::size_t length = record.header.length;
    if (length < MOQ_RECORD_HEADER_SIZE || length > Filled - At ||
        record.header.payload_length > length - MOQ_RECORD_HEADER_SIZE) {
      // A library that breaks its own format: nothing behind this can be trusted.
      At = Filled = 0;
      break;
    }
    record.payload = moq::Bytes(start + MOQ_RECORD_HEADER_SIZE, record.header.payload_length);
    At += length;
    const MoqHandle handle = record.header.handle;
    if (!ClosedHandles.empty() && ClosedHandles.count(handle) > 0)
      continue;
    ++drained.Records;
    drained.Bytes += record.payload.size();
    const bool over = record.header.kind == MOQ_RECORD_END;
    if (over && handle == Client)
      Ended = true;
    sink.OnRecord(record);
    if (over && handle != Client && !IsClosed())
      Api->moq_handle_close(handle);
  }
  Draining = false;
  return drained;
}

MoqResultCode Session::Poll(std::uint8_t* buffer, std::size_t capacity, MoqPollResult& result) {
  result = {};
  result.struct_size = sizeof(result);
  if (IsClosed())
    return MOQ_ERROR_CLOSED;
  if (!MoreWaits && !Woken.exchange(false, std::memory_order_acq_rel))
    return MOQ_OK;
  const MoqResultCode code = Api->moq_poll(Client, buffer, capacity, &result);
  MoreWaits = code == MOQ_ERROR_BUFFER_TOO_SMALL || (code == MOQ_OK && result.more != 0);
  return code;
}

MoqResultCode Session::BeginClose(std::uint32_t flush_ms) {
  if (IsClosed())
    return MOQ_ERROR_CLOSED;
  return Api->moq_client_close(Client, std::max<std::uint32_t>(1, flush_ms));
}

void Session::Close() {
  if (Closed.exchange(true, std::memory_order_acq_rel))
    return;
  Api->moq_client_close(Client, 0);
  // What the inbox holds is not given any more; its memory stays while a sink reads it.
  At = Filled = 0;
}

} // namespace moq::unreal
