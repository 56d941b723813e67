#include "MoqCore/Host.h"

#include <algorithm>
#include <utility>

namespace moq::unreal {

namespace {

// Counts what passes on its way to the sink.
class CountingSink : public RecordSink {
public:
  explicit CountingSink(RecordSink& sink) : Next(sink) {}

  void OnRecord(const moq::Record& record) override {
    Objects += record.header.kind == MOQ_RECORD_OBJECT ? 1 : 0;
    Next.OnRecord(record);
  }

  std::uint64_t Objects = 0;

private:
  RecordSink& Next;
};

} // namespace

DrainBudget Host::DefaultBudget() {
  DrainBudget budget;
  budget.Records = 16 * 1024;
  budget.Bytes = 4 * 1024 * 1024;
  budget.Microseconds = 2'000;
  return budget;
}

Host::Host(Library& library, Clock clock) : Native(library), Now(std::move(clock)) {}

Host::~Host() {
  CloseAll();
}

MoqHandle Host::Open(std::string_view options, moq::Error& error) {
  error = {};
  if (Over) {
    error = {MOQ_ERROR_CLOSED, "This game instance or script environment is going away."};
    return 0;
  }
  const ApiRef api = Native.Api();
  if (!api) {
    error = {MOQ_ERROR_UNAVAILABLE, Native.Problem()};
    return 0;
  }
  if (Sessions.size() >= kMostSessions) {
    error = {MOQ_ERROR_LIMIT_EXCEEDED, "At most " + std::to_string(kMostSessions) +
                                           " clients may be open at once; close one first."};
    return 0;
  }
  MoqResultCode code = MOQ_OK;
  std::shared_ptr<Session> session = Session::Open(api, options, code);
  if (!session) {
    error = {code, api->moq_last_error()};
    return 0;
  }
  const MoqHandle client = session->Handle();
  Sessions.emplace(client, std::move(session));
  ++Counts.SessionsOpened;
  return client;
}

std::shared_ptr<Session> Host::Find(MoqHandle client) const {
  const auto found = Sessions.find(client);
  return found == Sessions.end() ? nullptr : found->second;
}

DrainResult Host::Tick(RecordSink& sink, const DrainBudget& budget) {
  DrainResult all;
  if (Ticking)
    return all;
  ++Counts.Ticks;
  for (const auto& entry : Sessions) {
    if (entry.second->HasWork())
      Turn.push_back(entry.second);
  }
  if (Turn.empty())
    return all;
  Ticking = true;
  const std::uint64_t from = Now();
  // By age, and a different one first each time.
  std::sort(Turn.begin(), Turn.end(),
            [](const auto& a, const auto& b) { return a->Handle() < b->Handle(); });
  std::rotate(Turn.begin(), Turn.begin() + static_cast<std::ptrdiff_t>(First++ % Turn.size()),
              Turn.end());
  CountingSink counting(sink);
  for (const std::shared_ptr<Session>& session : Turn) {
    DrainBudget left = budget;
    left.Records -= std::min(left.Records, all.Records);
    left.Bytes -= std::min(left.Bytes, all.Bytes);
    const std::uint64_t spent = Now() - from;
    if (budget.Microseconds > 0)
      left.Microseconds = budget.Microseconds > spent ? budget.Microseconds - spent : 0;
    if (left.Records == 0 || left.Bytes == 0 ||
        (budget.Microseconds > 0 && left.Microseconds == 0)) {
      all.More = all.More || session->HasWork();
      continue;
    }
    const DrainResult one = session->Drain(counting, left, Now);
    all.Records += one.Records;
    all.Bytes += one.Bytes;
    all.More = all.More || one.More;
    if (session->HasEnded() && !one.More)
      Close(session->Handle());
  }
  Turn.clear();
  Ticking = false;
  const std::uint64_t took = Now() - from;
  Counts.LongestTick = std::max(Counts.LongestTick, took);
  Counts.TimeInTicks += took;
  Counts.Records += all.Records;
  Counts.Bytes += all.Bytes;
  Counts.Objects += counting.Objects;
  Counts.TicksOverBudget += all.More ? 1 : 0;
  return all;
}

bool Host::Close(MoqHandle client) {
  const auto found = Sessions.find(client);
  if (found == Sessions.end())
    return false;
  const std::shared_ptr<Session> session = std::move(found->second);
  Sessions.erase(found);
  session->Close();
  return true;
}

void Host::CloseAll() {
  Over = true;
  while (!Sessions.empty())
    Close(Sessions.begin()->first);
}

HostStats Host::Stats() const {
  HostStats stats = Counts;
  stats.Sessions = Sessions.size();
  return stats;
}

} // namespace moq::unreal
