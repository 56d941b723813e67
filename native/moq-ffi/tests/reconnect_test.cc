// T7: the peer disappears. The loss is told within the configured time; publications and
// subscriptions are there again when the peer is; tokens are renewed; a changed port is no loss.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "harness.h"
#include "sockets.h"

using namespace moq_test;
using Clock = std::chrono::steady_clock;

namespace {

double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Stands between clients and a relay, and loses everything while it is told to.
class Path {
public:
  explicit Path(uint16_t relay) : relay_(relay), front_(OpenSocket()), port_(PortOf(front_)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Path() {
    stop_ = true;
    thread_.join();
    for (const auto& [port, upstream] : upstreams_)
      CloseSocket(upstream);
    CloseSocket(front_);
  }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  uint16_t port() const { return port_; }
  void Silence(bool silent) { silent_ = silent; }
  // The relay sees every client under a new port from now on.
  void Rebind() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [port, upstream] : upstreams_) {
      const Socket fresh = OpenSocket();
      CloseSocket(upstream);
      upstream = fresh;
    }
  }

private:
  void Run() {
    while (!stop_) {
      const std::lock_guard<std::mutex> lock(mutex_);
      std::vector<Socket> sockets = {front_};
      std::vector<uint16_t> clients = {0};
      for (const auto& [port, upstream] : upstreams_) {
        sockets.push_back(upstream);
        clients.push_back(port);
      }
      for (const size_t i : Readable(sockets, 2))
        Forward(sockets[i], clients[i]);
    }
  }

  void Forward(Socket from, uint16_t client) {
    uint16_t source = 0;
    if (!Receive(from, data_, source) || silent_)
      return;
    const bool upwards = from == front_;
    Socket out = front_;
    if (upwards) {
      const auto [found, added] = upstreams_.try_emplace(source, 0);
      if (added)
        found->second = OpenSocket();
      out = found->second;
    }
    SendTo(out, data_, upwards ? relay_ : client);
  }

  const uint16_t relay_;
  const Socket front_;
  const uint16_t port_;
  std::string data_;
  std::map<uint16_t, Socket> upstreams_;
  std::mutex mutex_;
  std::atomic<bool> silent_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

uint16_t PortIn(const std::string& url) {
  return static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

std::string Url(uint16_t port) {
  return "moqt://127.0.0.1:" + std::to_string(port);
}

// A relay that is started again has another certificate.
std::string Options(uint16_t port, const std::string& more) {
  return "{\"url\":\"" + Url(port) +
         "\",\"insecure\":true,\"reconnect\":{\"initialDelay\":50,\"maxDelay\":400}" + more + "}";
}

std::string Listen(uint16_t port, const std::string& more = "") {
  return "{\"listen\":\"127.0.0.1:" + std::to_string(port) + "\"" + more + "}";
}

// The states that a client told, in order.
std::vector<uint32_t> States(const Client& client) {
  std::vector<uint32_t> states;
  for (const Record* record : client.Of(client.handle(), MOQ_RECORD_STATE))
    states.push_back(record->header.code);
  return states;
}

bool ReachesState(Client& client, uint32_t state, int timeout_ms = 15000) {
  return client.Until(
      [&] {
        const auto states = States(client);
        return !states.empty() && states.back() == state;
      },
      timeout_ms);
}

std::vector<std::string> Payloads(const Client& client, MoqHandle subscription) {
  std::vector<std::string> payloads;
  for (const Record* record : client.Of(subscription, MOQ_RECORD_OBJECT))
    payloads.push_back(record->payload);
  return payloads;
}

std::string StatsOf(const Client& client) {
  std::string text(65536, '\0');
  size_t needed = 0;
  EXPECT_EQ(moq_client_stats(client.handle(), text.data(), text.size(), &needed), MOQ_OK);
  text.resize(needed);
  return text;
}

TEST(T7_PeerDisappears, SilenceIsALossWithinTheIdleTimeoutAndIsRepaired) {
  Relay relay;
  Path path(PortIn(relay.quic_url()));
  const std::string quick = Options(path.port(), ",\"keepAlive\":400,\"idleTimeout\":2000");
  Client publisher(quick);
  Client subscriber(quick);
  const MoqHandle publication = publisher.Publish("lost");
  const MoqHandle subscription = subscriber.Subscribe("lost");
  ASSERT_EQ(Send(publication, "before", true), MOQ_OK);
  ASSERT_TRUE(subscriber.Until([&] { return Payloads(subscriber, subscription).size() == 1; }));

  path.Silence(true);
  const auto start = Clock::now();
  ASSERT_TRUE(ReachesState(subscriber, MOQ_CLIENT_RECONNECTING));
  // 2 s since the last packet heard, and the time of a busy machine.
  EXPECT_GT(MsSince(start), 500.0);
  const Record* loss = subscriber.Of(subscriber.handle(), MOQ_RECORD_STATE).back();
  EXPECT_EQ(loss->header.extra, static_cast<uint64_t>(MOQ_ERROR_TIMEOUT));
  EXPECT_NE(loss->payload.find("nothing was heard"), std::string::npos) << loss->payload;
  EXPECT_NE(StatsOf(subscriber).find("\"state\":\"reconnecting\""), std::string::npos);
  ASSERT_TRUE(ReachesState(publisher, MOQ_CLIENT_RECONNECTING));
  // What is published meanwhile is kept with its group.
  ASSERT_EQ(Send(publication, "meanwhile"), MOQ_OK);
  // What needs an answer now says that there is none.
  const std::string track = TrackOptions("lost", "");
  MoqHandle status = 0;
  ASSERT_EQ(moq_status_open(subscriber.handle(), track.data(), track.size(), &status), MOQ_OK);
  const Record* refused = subscriber.Wait(status, MOQ_RECORD_END);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->header.code, static_cast<uint32_t>(MOQ_ERROR_NOT_CONNECTED));

  path.Silence(false);
  ASSERT_TRUE(ReachesState(publisher, MOQ_CLIENT_OPEN));
  ASSERT_TRUE(ReachesState(subscriber, MOQ_CLIENT_OPEN));
  ASSERT_EQ(Send(publication, "after"), MOQ_OK);
  ASSERT_TRUE(
      subscriber.Until([&] { return Payloads(subscriber, subscription).size() == 3; }, 15000))
      << ::testing::PrintToString(Payloads(subscriber, subscription)) << " in the states "
      << ::testing::PrintToString(States(subscriber)) << ", published in "
      << ::testing::PrintToString(States(publisher)) << StatsOf(subscriber) << StatsOf(publisher);
  EXPECT_EQ(Payloads(subscriber, subscription),
            (std::vector<std::string>{"before", "meanwhile", "after"}));
  EXPECT_TRUE(subscriber.Of(subscription, MOQ_RECORD_GAP).empty());
  EXPECT_TRUE(subscriber.Of(subscription, MOQ_RECORD_END).empty());
  EXPECT_EQ(subscriber.Of(subscription, MOQ_RECORD_READY).size(), 1u);
  const std::vector<uint32_t> wanted = {MOQ_CLIENT_OPEN, MOQ_CLIENT_RECONNECTING, MOQ_CLIENT_OPEN};
  const auto states = States(subscriber);
  ASSERT_GE(states.size(), wanted.size());
  EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), states.begin()));
  // A slow machine may lose the new connection once more.
  EXPECT_LE(states.size(), 7u);
  const std::string reconnects = "\"reconnects\":" + std::to_string(states.size() / 2);
  EXPECT_NE(StatsOf(subscriber).find(reconnects), std::string::npos) << StatsOf(subscriber);
}

TEST(T7_PeerDisappears, ARelayThatIsStartedAgainGetsEverythingBackAndGapsAreTold) {
  auto relay = std::make_unique<Relay>();
  const uint16_t port = PortIn(relay->quic_url());
  Client publisher(Options(port, ""));
  Client subscriber(Options(port, ""));
  const MoqHandle publication = publisher.Publish("again");
  const MoqHandle subscription = subscriber.Subscribe("again");
  ASSERT_EQ(Send(publication, "group 0", true), MOQ_OK);
  ASSERT_TRUE(subscriber.Until([&] { return Payloads(subscriber, subscription).size() == 1; }));
  relay.reset();
  ASSERT_TRUE(ReachesState(subscriber, MOQ_CLIENT_RECONNECTING));
  ASSERT_TRUE(ReachesState(publisher, MOQ_CLIENT_RECONNECTING));
  for (int group = 1; group <= 5; ++group)
    ASSERT_EQ(Send(publication, "group " + std::to_string(group), true), MOQ_OK);
  relay = std::make_unique<Relay>(Listen(port));
  ASSERT_TRUE(
      subscriber.Until([&] { return Payloads(subscriber, subscription).size() == 2; }, 15000));
  EXPECT_EQ(Payloads(subscriber, subscription).back(), "group 5");
  const auto gaps = subscriber.Of(subscription, MOQ_RECORD_GAP);
  ASSERT_EQ(gaps.size(), 1u);
  const uint64_t first = subscriber.Of(subscription, MOQ_RECORD_OBJECT).front()->header.group;
  EXPECT_EQ(gaps[0]->header.code, static_cast<uint32_t>(MOQ_GAP_RECONNECTED));
  EXPECT_LE(gaps[0]->header.group, first + 1);
  EXPECT_EQ(gaps[0]->header.object, first + 4);
}

TEST(T7_PeerDisappears, WithoutReconnectALossEndsTheClientAndEveryHandle) {
  auto relay = std::make_unique<Relay>();
  const std::string options =
      ClientOptions(relay->quic_url(), relay->hash(), ",\"reconnect\":false");
  Client client(options);
  ASSERT_NE(client.Wait(client.handle(), MOQ_RECORD_STATE), nullptr);
  const MoqHandle publication = client.Publish("none");
  relay.reset();
  const Record* end = client.Wait(client.handle(), MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_NE(end->header.code, static_cast<uint32_t>(MOQ_OK));
  EXPECT_EQ(client.Of(publication, MOQ_RECORD_END).size(), 1u);
  EXPECT_EQ(States(client), std::vector<uint32_t>{MOQ_CLIENT_OPEN});
}

TEST(Reconnect, ItGivesUpAfterItsTime) {
  auto relay = std::make_unique<Relay>();
  const std::string options =
      ClientOptions(relay->quic_url(), relay->hash(),
                    ",\"connectTimeout\":200,\"reconnect\":{\"initialDelay\":20,\"maxDelay\":100,"
                    "\"timeout\":600}");
  Client client(options);
  ASSERT_NE(client.Wait(client.handle(), MOQ_RECORD_STATE), nullptr);
  relay.reset();
  const Record* end = client.Wait(client.handle(), MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_NE(end->payload.find("could not be made again"), std::string::npos) << end->payload;
}

TEST(Reconnect, AChangeOfTheLocalPortIsNoLoss) {
  Relay relay;
  Path path(PortIn(relay.quic_url()));
  Client publisher(Options(path.port(), ""));
  Client subscriber(Options(path.port(), ""));
  const MoqHandle publication = publisher.Publish("moves");
  const MoqHandle subscription = subscriber.Subscribe("moves");
  for (size_t round = 1; round <= 5; ++round) {
    ASSERT_EQ(Send(publication, "round " + std::to_string(round)), MOQ_OK);
    ASSERT_TRUE(subscriber.Until([&] { return Payloads(subscriber, subscription).size() == round; },
                                 15000));
    path.Rebind();
  }
  EXPECT_EQ(States(subscriber), std::vector<uint32_t>{MOQ_CLIENT_OPEN});
  EXPECT_EQ(States(publisher), std::vector<uint32_t>{MOQ_CLIENT_OPEN});
}

// Answers every TOKEN_WANTED so far that was not answered.
void Answer(Client& client, size_t* answered, const std::string& token) {
  const auto wanted = client.Of(client.handle(), MOQ_RECORD_TOKEN_WANTED);
  for (; *answered < wanted.size(); ++*answered) {
    const uint64_t attempt = wanted[*answered]->header.extra;
    const auto* bytes = reinterpret_cast<const uint8_t*>(token.data());
    EXPECT_EQ(moq_client_supply_token(client.handle(), attempt, bytes, token.size()), MOQ_OK);
  }
}

TEST(Reconnect, EachConnectionAsksForAToken) {
  const std::string all = "{\"publish\":[\"*\"],\"subscribe\":[\"*\"]}";
  const auto tokens = [&](const std::string& token) {
    return ",\"tokens\":{\"tokens\":{\"" + token + "\":" + all + "}}";
  };
  auto relay = std::make_unique<Relay>(Listen(0, tokens("one")));
  const uint16_t port = PortIn(relay->quic_url());
  Client client(Options(port, ",\"askToken\":true"));
  size_t answered = 0;
  ASSERT_NE(client.Wait(client.handle(), MOQ_RECORD_TOKEN_WANTED), nullptr);
  Answer(client, &answered, "one");
  ASSERT_TRUE(ReachesState(client, MOQ_CLIENT_OPEN));
  relay.reset();
  ASSERT_TRUE(ReachesState(client, MOQ_CLIENT_RECONNECTING));
  // The first attempt is told that there is no token; the next one asks again.
  ASSERT_TRUE(client.Until(
      [&] { return client.Of(client.handle(), MOQ_RECORD_TOKEN_WANTED).size() > answered; }));
  const uint64_t attempt = client.Of(client.handle(), MOQ_RECORD_TOKEN_WANTED).back()->header.extra;
  ++answered;
  const std::string reason = "the service is down";
  EXPECT_EQ(moq_client_refuse_token(client.handle(), attempt, reason.data(), reason.size()),
            MOQ_OK);
  // An answer to an attempt that is over is ignored, one that is no token refused.
  const uint8_t byte = 'x';
  EXPECT_EQ(moq_client_supply_token(client.handle(), attempt, &byte, 1), MOQ_OK);
  EXPECT_EQ(moq_client_supply_token(client.handle(), attempt, nullptr, 0),
            MOQ_ERROR_INVALID_ARGUMENT);
  relay = std::make_unique<Relay>(Listen(port, tokens("two")));
  ASSERT_TRUE(client.Until(
      [&] {
        Answer(client, &answered, "two");
        return States(client).back() == MOQ_CLIENT_OPEN;
      },
      15000));
  EXPECT_NE(StatsOf(client).find("\"reconnects\":1"), std::string::npos);
}

TEST(Reconnect, ARelayThatGoesAwayIsLeftForTheOneThatItNames) {
  Relay second;
  MoqHandle first = 0;
  const std::string options = "{\"goawayUri\":\"" + second.quic_url() + "\"}";
  ASSERT_EQ(moq_relay_start(options.data(), options.size(), &first), MOQ_OK) << moq_last_error();
  std::string info(4096, '\0');
  size_t needed = 0;
  ASSERT_EQ(moq_relay_info(first, info.data(), info.size(), &needed), MOQ_OK);
  const size_t url = info.find("moqt://");
  Client client(Options(PortIn(info.substr(url, info.find('"', url) - url)), ""));
  ASSERT_TRUE(ReachesState(client, MOQ_CLIENT_OPEN));
  // Its last client leaves long before the time is up.
  const auto start = Clock::now();
  ASSERT_EQ(moq_relay_stop(first, 60000), MOQ_OK) << moq_last_error();
  EXPECT_LT(MsSince(start), 50000.0);
  ASSERT_TRUE(ReachesState(client, MOQ_CLIENT_OPEN));
  const Record* away = client.Of(client.handle(), MOQ_RECORD_STATE).at(1);
  EXPECT_EQ(away->header.code, static_cast<uint32_t>(MOQ_CLIENT_RECONNECTING));
  EXPECT_EQ(away->header.extra, static_cast<uint64_t>(MOQ_ERROR_GOING_AWAY)) << away->payload;
  EXPECT_NE(away->payload.find(second.quic_url()), std::string::npos) << away->payload;
}

} // namespace
