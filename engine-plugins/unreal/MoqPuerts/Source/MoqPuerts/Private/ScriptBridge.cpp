#include "ScriptBridge.h"

#include <moq_ffi/options.hpp>

#include <cmath>
#include <limits>
#include <set>
#include <utility>

namespace moq::unreal {

namespace {

// Of the script thread, as everything here.
std::set<Host*>& LiveHosts() {
  static std::set<Host*>* const hosts = new std::set<Host*>();
  return *hosts;
}

// A whole number from 0 to `most`; false for everything else.
bool Whole(double value, double most) {
  return value >= 0 && value <= most && std::floor(value) == value;
}

// 0, which no function takes for a handle, when it is none.
MoqHandle HandleOf(double value) {
  return Whole(value, 9007199254740991.0) ? static_cast<MoqHandle>(value) : 0;
}

bool IsMilliseconds(double value) {
  return Whole(value, std::numeric_limits<std::uint32_t>::max());
}

// A call is told apart from "nothing" by the library, which takes NULL only without bytes.
const std::uint8_t* DataOf(const ScriptBytes& bytes) {
  static const std::uint8_t nothing = 0;
  return bytes.Data != nullptr ? bytes.Data : &nothing;
}

} // namespace

ScriptBridge::ScriptBridge() : Clients(Library::Get()), Api(Library::Get().Api()) {
  LiveHosts().insert(&Clients);
}

ScriptBridge::~ScriptBridge() {
  LiveHosts().erase(&Clients);
}

void CloseScriptBridges() {
  for (Host* const host : LiveHosts())
    host->CloseAll();
}

double ScriptBridge::Fail(MoqResultCode code, const char* message) {
  OwnError = message;
  return -static_cast<double>(code);
}

double ScriptBridge::Result(MoqResultCode code) {
  if (code == MOQ_OK)
    return 0;
  OwnError.clear();
  return -static_cast<double>(code);
}

double ScriptBridge::Unavailable() {
  return Fail(MOQ_ERROR_UNAVAILABLE, Library::Get().Problem().c_str());
}

double ScriptBridge::NoClient() {
  return Fail(MOQ_ERROR_CLOSED, "This client is closed.");
}

std::string ScriptBridge::About() const {
  // As it is now: what Open will use.
  const Library& library = Library::Get();
  const ApiRef loaded = library.Api();
  return moq::detail::JsonObject()
      .field("version", library.Version())
      .field("abiVersion", std::uint64_t{loaded ? loaded->moq_abi_version() : 0})
      .field("problem", library.Problem())
      .take();
}

std::string ScriptBridge::LastError() const {
  if (!OwnError.empty())
    return OwnError;
  return Api ? Api->moq_last_error() : Library::Get().Problem();
}

double ScriptBridge::Now() const {
  return static_cast<double>(Api ? Api->moq_now_us() : SteadyMicroseconds());
}

double ScriptBridge::Open(double client, const std::string& kind, const std::string& options) {
  static constexpr std::pair<const char*, RequestKind> kinds[] = {
      {"publish", RequestKind::Publish}, {"subscribe", RequestKind::Subscribe},
      {"fetch", RequestKind::Fetch},     {"discover", RequestKind::Discover},
      {"status", RequestKind::Status},
  };
  if (kind == "client") {
    if (client != 0)
      return Fail(MOQ_ERROR_INVALID_ARGUMENT, "A client is opened with 0 for the client.");
    return OpenClient(options);
  }
  const auto session = Clients.Find(HandleOf(client));
  if (!session)
    return NoClient();
  for (const auto& [name, request] : kinds) {
    if (kind != name)
      continue;
    MoqHandle handle = 0;
    const MoqResultCode code = session->Request(request, options, handle);
    return code == MOQ_OK ? static_cast<double>(handle) : Result(code);
  }
  return Fail(MOQ_ERROR_INVALID_ARGUMENT,
              "What is opened is client, publish, subscribe, fetch, discover or status.");
}

double ScriptBridge::OpenClient(const std::string& options) {
  Api = Library::Get().Api();
  moq::Error error;
  const MoqHandle client = Clients.Open(options, error);
  if (client == 0)
    return Fail(error.code, error.message.c_str());
  return static_cast<double>(client);
}

double ScriptBridge::Close(double handle, double flush_ms) {
  if (!Api)
    return Unavailable();
  if (flush_ms != kAtOnce && !IsMilliseconds(flush_ms))
    return Fail(MOQ_ERROR_INVALID_ARGUMENT,
                "The time to flush must be a whole number of ms, or -1 for at once.");
  const bool at_once = flush_ms == kAtOnce;
  const std::uint32_t flush = at_once ? 0 : static_cast<std::uint32_t>(flush_ms);
  const MoqHandle closed = HandleOf(handle);
  if (const auto session = Clients.Find(closed)) {
    if (!at_once)
      return Result(session->BeginClose(flush));
    Clients.Close(closed);
    return 0;
  }
  return Result(at_once ? Api->moq_handle_close(closed) : Api->moq_publication_end(closed, flush));
}

double ScriptBridge::Update(double subscription, const std::string& options) {
  return Api ? Result(Api->moq_subscription_update(HandleOf(subscription), options.data(),
                                                   options.size()))
             : Unavailable();
}

double ScriptBridge::Hold(double handle, bool held) {
  return Api ? Result(Api->moq_handle_hold(HandleOf(handle), held ? 1 : 0)) : Unavailable();
}

double ScriptBridge::AnswerToken(double client, double attempt, ScriptBytes token,
                                 const std::string& refusal) {
  const auto session = Clients.Find(HandleOf(client));
  if (!session)
    return NoClient();
  if (!refusal.empty())
    return Result(session->RefuseToken(HandleOf(attempt), refusal));
  if (!token.Valid)
    return Fail(MOQ_ERROR_INVALID_ARGUMENT, "A token must be a Uint8Array whose memory is there.");
  return Result(session->SupplyToken(HandleOf(attempt), DataOf(token), token.Size));
}

double ScriptBridge::Publish(double publication, double flags, ScriptBytes bytes) {
  if (!Api)
    return Unavailable();
  if (!bytes.Valid)
    return Fail(MOQ_ERROR_INVALID_ARGUMENT,
                "An update must be a Uint8Array whose memory is there.");
  if (!Whole(flags, MOQ_PUBLISH_KEYFRAME | MOQ_PUBLISH_MORE))
    return Fail(MOQ_ERROR_INVALID_ARGUMENT, "These flags are not known.");
  return Result(Api->moq_publish(HandleOf(publication), static_cast<std::uint32_t>(flags),
                                 DataOf(bytes), bytes.Size));
}

double ScriptBridge::Flush(double client) {
  const auto session = Clients.Find(HandleOf(client));
  return session ? Result(session->Flush()) : NoClient();
}

double ScriptBridge::PollInto(double client, ScriptBytes buffer, double at) {
  const auto session = Clients.Find(HandleOf(client));
  if (!session)
    return NoClient();
  // One that was transferred looks like an empty one.
  if (!buffer.Valid || buffer.Size == 0 || !Whole(at, static_cast<double>(buffer.Size)))
    return Fail(MOQ_ERROR_INVALID_ARGUMENT,
                "The buffer must be a Uint8Array whose memory is there, with the offset in it.");
  const auto from = static_cast<std::size_t>(at);
  MoqPollResult result = {};
  const MoqResultCode code = session->Poll(buffer.Data + from, buffer.Size - from, result);
  if (code == MOQ_ERROR_BUFFER_TOO_SMALL)
    return -static_cast<double>(result.needed) - 1000;
  if (code != MOQ_OK)
    return Result(code);
  return static_cast<double>(result.bytes) * 2 + result.more;
}

std::string ScriptBridge::Stats(double client) const {
  const auto session = Clients.Find(HandleOf(client));
  return session ? session->Stats() : "";
}

} // namespace moq::unreal
