// The sessions of one owner: a game instance (several live side by side in the editor) or a script
// environment. What its owner leaves behind ends with it.
#pragma once

#include "MoqCore/Export.h"
#include "MoqCore/Library.h"
#include "MoqCore/Session.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moq::unreal {

struct HostStats {
  std::uint64_t Ticks = 0;
  // Ticks that ended at their budget with records waiting.
  std::uint64_t TicksOverBudget = 0;
  std::uint64_t Records = 0;
  std::uint64_t Objects = 0;
  // Of payload.
  std::uint64_t Bytes = 0;
  // What ticks took, in µs: the longest, and all together.
  std::uint64_t LongestTick = 0;
  std::uint64_t TimeInTicks = 0;
  std::size_t Sessions = 0;
  std::uint64_t SessionsOpened = 0;
};

// All calls on one thread, in Unreal the game thread; a Session that Find gave may publish from
// any.
class MOQ_API Host {
public:
  // Sessions at once; more are refused with MOQ_ERROR_LIMIT_EXCEEDED.
  static constexpr std::size_t kMostSessions = 256;
  // What a game can spend on one tick at 60 Hz without being seen.
  static DrainBudget DefaultBudget();

  explicit Host(Library& library, Clock clock = SteadyMicroseconds);
  // Closes everything. Not inside Tick, where CloseAll does the same.
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Begins to connect: the client's handle, or 0 with the error. MOQ_ERROR_UNAVAILABLE without a
  // library, MOQ_ERROR_CLOSED after CloseAll.
  MoqHandle Open(std::string_view options, moq::Error& error);
  // NULL when it is closed or has ended.
  std::shared_ptr<Session> Find(MoqHandle client) const;

  // Once a tick: gives what arrived to the sink, within one budget for all sessions; they take
  // turns at being first. A session whose END was delivered is closed. Not from inside itself: that
  // does nothing.
  DrainResult Tick(RecordSink& sink, const DrainBudget& budget = DefaultBudget());

  // Closes one session at once; no record of it comes any more. False when there is none.
  bool Close(MoqHandle client);
  // Closes all of them and opens no more. May be called inside Tick.
  void CloseAll();

  HostStats Stats() const;

private:
  Library& Native;
  Clock Now;
  std::unordered_map<MoqHandle, std::shared_ptr<Session>> Sessions;
  // Of the running tick; kept, so that ticks allocate nothing.
  std::vector<std::shared_ptr<Session>> Turn;
  std::size_t First = 0;
  bool Ticking = false;
  bool Over = false;
  HostStats Counts;
};

} // namespace moq::unreal
