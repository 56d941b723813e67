// What a script environment gets of MOQ: a NativePort (packages/core/src/native/port.ts) call by
// call. It owns the clients that the script opens, so they end with the environment, whichever goes
// first. No script function and no engine object is kept here; nothing calls into the script.
#pragma once

#include "MoqCore/Host.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace moq::unreal {

// Bytes that the script owns, during a call. Not valid: what was given is no typed array or buffer,
// or its memory is gone.
struct ScriptBytes {
  std::uint8_t* Data = nullptr;
  std::size_t Size = 0;
  bool Valid = false;
};

// Of one thread, the script's. Numbers are what scripts have: handles below 2^53; a call that fails
// gives minus its MoqResultCode, and LastError tells why.
class ScriptBridge {
public:
  // For Close: at once, and nothing comes of the handle any more.
  static constexpr double kAtOnce = -1;

  ScriptBridge();
  ~ScriptBridge();
  ScriptBridge(const ScriptBridge&) = delete;
  ScriptBridge& operator=(const ScriptBridge&) = delete;

  // JSON of the native library: `version`, `abiVersion`, and `problem`, which is empty when the
  // library is there and otherwise says what is wrong and what to do.
  std::string About() const;
  std::string LastError() const;
  // µs of the clock that records carry.
  double Now() const;

  // `kind`: "client", with 0 for the client; or of a client publish, subscribe, fetch, discover or
  // status. Gives the handle.
  double Open(double client, const std::string& kind, const std::string& options);
  // Of any handle. From 0 on: what was accepted is still sent for so many ms, and END follows; of
  // clients and publications only.
  double Close(double handle, double flush_ms);
  double Update(double subscription, const std::string& options);
  double Hold(double handle, bool held);
  // The token that an attempt to connect asks for; with a refusal there is none, and it says why.
  double AnswerToken(double client, double attempt, ScriptBytes token, const std::string& refusal);

  // `flags` are MOQ_PUBLISH_…. The bytes are copied.
  double Publish(double publication, double flags, ScriptBytes bytes);
  // Sends what was published with MOQ_PUBLISH_MORE.
  double Flush(double client);
  // Fills the script's buffer with records from offset `at` on: bytes × 2, plus 1 when more wait;
  // when even the next one does not fit −(its size) − 1000.
  double PollInto(double client, ScriptBytes buffer, double at);
  // JSON; empty on failure.
  std::string Stats(double client) const;

private:
  double OpenClient(const std::string& options);
  double Fail(MoqResultCode code, const char* message);
  double Unavailable();
  double NoClient();
  double Result(MoqResultCode code);

  Host Clients;
  // Of the library that was there when this was made, or at the last Open.
  ApiRef Api;
  // Set for failures that the library knows nothing of.
  std::string OwnError;
};

// Closes the clients of every bridge that is left: before the module goes.
void CloseScriptBridges();

} // namespace moq::unreal
