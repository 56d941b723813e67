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
  ScriptBridge();
  ~ScriptBridge();
  ScriptBridge(const ScriptBridge&) = delete;
  ScriptBridge& operator=(const ScriptBridge&) = delete;

  // Empty when the native library is there; otherwise what is wrong and what to do.
  std::string Problem() const;
  std::string Version() const;
  double AbiVersion() const;
  std::string LastError() const;
  // µs of the clock that records carry.
  double Now() const;

  double Open(const std::string& options);
  // `flush_ms` 0: at once; otherwise the client's END follows.
  double Close(double client, double flush_ms);
  // `kind`: publish, subscribe, fetch, discover or status. Gives the handle.
  double Request(double client, const std::string& kind, const std::string& options);
  double SupplyToken(double client, double attempt, ScriptBytes token);
  double RefuseToken(double client, double attempt, const std::string& reason);

  double Publish(double publication, double flags, ScriptBytes bytes);
  // As moq_publish_packed; `results` is the memory of an Int32Array. Gives how many updates there
  // were.
  double PublishPacked(ScriptBytes updates, ScriptBytes results);
  double Flush(double client);
  double End(double publication, double flush_ms);
  double CloseHandle(double handle);
  double Update(double subscription, const std::string& options);
  double Hold(double handle, bool held);

  // Fills the script's buffer with records from offset `at` on: bytes × 2, plus 1 when more wait;
  // when even the next one does not fit −(its size) − 1000.
  double PollInto(double client, ScriptBytes buffer, double at);
  // JSON; empty on failure.
  std::string Stats(double client) const;

private:
  double Fail(MoqResultCode code, const char* message);
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
