// T16: a panic inside the library becomes an error and the process lives. Against a build of the
// library with the release profile and the feature "panic-injection": a panic is ordered at every
// entry point of the header and at every border that the library names, so none can be forgotten.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "child.h"
#include "harness.h"
#include "inherited_harness.h"
#include "silent_peer.h"

// Only this build of the library has them; see src/injection.rs.
extern "C" {
void moq_test_panic_at(const char* border, const char* thread);
uint64_t moq_test_panics(void);
char* moq_test_borders(void);
void moq_test_free(char* text);
}

using namespace moq_test;

namespace {

const char* const kClientThread = "moq-client";
const char* const kRelayThread = "moq-relay";
const char* const kCallbackThread = "moq-callbacks";

std::set<std::string> Lines(char* text) {
  std::istringstream lines(text);
  std::set<std::string> found;
  for (std::string line; std::getline(lines, line);)
    found.insert(line);
  moq_test_free(text);
  return found;
}

// A panic that was ordered and has to come before this goes.
class Order {
public:
  explicit Order(const std::string& border, const std::string& thread = "")
      : border_(border), before_(moq_test_panics()) {
    moq_test_panic_at(border.c_str(), thread.c_str());
  }
  ~Order() {
    moq_test_panic_at(nullptr, nullptr);
    EXPECT_TRUE(Came()) << "nothing crossed " << border_;
  }
  Order(const Order&) = delete;
  Order& operator=(const Order&) = delete;
  bool Came() const { return moq_test_panics() == before_ + 1; }
  bool Comes(int timeout_ms = 15000) const {
    for (int i = 0; i < timeout_ms * Patience() && !Came(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Came();
  }

private:
  const std::string border_;
  const uint64_t before_;
};

// The library works: an object goes from one new client through a new relay to another.
void ExpectHealth() {
  Relay relay;
  Client publisher(relay);
  Client subscriber(relay);
  const MoqHandle publication = publisher.Publish("health");
  const MoqHandle subscription = subscriber.Subscribe("health");
  EXPECT_EQ(Send(publication, "well"), MOQ_OK) << moq_last_error();
  const Record* object = subscriber.Wait(subscription, MOQ_RECORD_OBJECT);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->payload, "well");
}

void ExpectInternalEnd(Client& client) {
  const Record* end = client.Wait(client.handle(), MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_ERROR_INTERNAL)) << end->payload;
  EXPECT_NE(end->payload.find("defect"), std::string::npos) << end->payload;
  EXPECT_EQ(client.Of(client.handle(), MOQ_RECORD_END).size(), 1u);
}

// An exported function, and what it gives.
struct Function {
  std::string name;
  bool gives_code = false;
  // A MoqResult, with a text beside the code.
  bool gives_text = false;
  bool gives_pointer = false;
  bool gives_nothing = false;
};

// What the header declares, without what its text says cannot fail.
std::vector<Function> EntryPoints() {
  std::ifstream file(MOQ_HEADER);
  std::vector<Function> found;
  std::string before;
  const std::regex declaration(R"(^([A-Za-z][\w ]*[ *]+)(moq_\w+)\()");
  for (std::string line; std::getline(file, line); before = line) {
    std::smatch match;
    if (!std::regex_search(line, match, declaration) || line.rfind("typedef", 0) == 0)
      continue;
    // What is given back to it has a border all the same.
    const bool frees = match[2] == "moq_free_str";
    if (before.find("Cannot fail.") != std::string::npos && !frees)
      continue;
    const std::string type = match[1];
    const bool text = type.find("MoqResult ") != std::string::npos;
    found.push_back({match[2], text || type.find("MoqResultCode ") != std::string::npos, text,
                     type.find('*') != std::string::npos,
                     type.rfind("void ", 0) == 0 && type.find('*') == std::string::npos});
  }
  return found;
}

TEST(T16_Panics, AtEveryEntryPointBecomeAnErrorOfTheCall) {
  const std::vector<Function> functions = EntryPoints();
  // 25 of the library's own, and all of its predecessor's but the one that does nothing.
  ASSERT_GE(functions.size(), 44u);
  for (const Function& function : functions) {
    SCOPED_TRACE(function.name);
    // The panic comes before any argument is looked at, so every function is called alike: with
    // registers full of zeros, of which it takes as many as it has arguments. What gives nothing
    // would ignore a NULL.
    // Two registers hold a MoqResult, the first of them whatever else is given.
    struct Given {
      uint64_t value;
      const char* text;
    };
    using Call = Given (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
    const auto call = reinterpret_cast<Call>(dlsym(RTLD_DEFAULT, function.name.c_str()));
    ASSERT_NE(call, nullptr) << "the library does not export it";
    const Order order(function.name);
    const uint64_t argument = function.gives_nothing ? 1 : 0;
    const Given given = call(argument, 0, 0, 0, 0, 0);
    if (function.gives_pointer) {
      EXPECT_EQ(given.value, 0u);
    } else if (function.gives_code) {
      EXPECT_EQ(static_cast<uint32_t>(given.value), static_cast<uint32_t>(MOQ_ERROR_INTERNAL));
    }
    if (function.gives_text) {
      EXPECT_STREQ(given.text, moq_last_error());
      moq_free_str(given.text);
    }
    EXPECT_NE(std::string(moq_last_error()).find("injected at " + function.name), std::string::npos)
        << moq_last_error();
  }
  ExpectHealth();
}

// The scenarios, by border. Each orders its panic, makes it come, and looks at what became of it.
using Scenario = std::function<void(const std::string& border)>;

void DuringOpen(const std::string& border) {
  const ScriptedPeer peer("polite");
  const Order order(border, kClientThread);
  Client client(peer.options());
  ExpectInternalEnd(client);
}

void DuringARequest(const std::string& border) {
  const ScriptedPeer peer("polite");
  Client client(peer.options());
  ASSERT_NE(client.Wait(client.handle(), MOQ_RECORD_STATE), nullptr);
  const std::string track = TrackOptions("t", "");
  MoqHandle subscription = 0;
  {
    const Order order(border, kClientThread);
    ASSERT_EQ(moq_subscription_open(client.handle(), track.data(), track.size(), &subscription),
              MOQ_OK);
    EXPECT_TRUE(order.Comes());
  }
  ExpectInternalEnd(client);
  const auto ends = client.Of(subscription, MOQ_RECORD_END);
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0]->header.code, static_cast<uint32_t>(MOQ_ERROR_INTERNAL));
}

void WhileATimeRunsOut(const std::string& border) {
  const SilentPeer peer;
  const Order order(border, kClientThread);
  Client client(peer.options(",\"connectTimeout\":200"));
  EXPECT_TRUE(order.Comes());
  ExpectInternalEnd(client);
}

void DuringShutdown(const std::string& border) {
  const ScriptedPeer peer("polite");
  Client client(peer.options());
  ASSERT_NE(client.Wait(client.handle(), MOQ_RECORD_STATE), nullptr);
  const Order order(border, kClientThread);
  EXPECT_EQ(moq_shutdown(), MOQ_OK) << moq_last_error();
  EXPECT_EQ(client.Of(client.handle(), MOQ_RECORD_END).size(), 0u);
  EXPECT_NE(client.Wait(client.handle(), MOQ_RECORD_END), nullptr);
}

// All clients of the thread end, and the next one gets a new thread.
void OfTheWholeThread(const std::string& border) {
  const ScriptedPeer peer("polite");
  const ScriptedPeer other_peer("polite");
  Client client(peer.options());
  Client other(other_peer.options());
  ASSERT_NE(client.Wait(client.handle(), MOQ_RECORD_STATE), nullptr);
  ASSERT_NE(other.Wait(other.handle(), MOQ_RECORD_STATE), nullptr);
  const Order order(border, kClientThread);
  const std::string track = TrackOptions("t", "");
  MoqHandle subscription = 0;
  moq_subscription_open(client.handle(), track.data(), track.size(), &subscription);
  EXPECT_TRUE(order.Comes());
  ExpectInternalEnd(client);
  ExpectInternalEnd(other);
}

void DuringALookUp(const std::string& border) {
  const Order order(border);
  Client client(std::string(R"({"url":"moqt://localhost:9","connectTimeout":10000})"));
  EXPECT_TRUE(order.Comes());
  const Record* end = client.Wait(client.handle(), MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_ERROR_CONNECTION_FAILED)) << end->payload;
  EXPECT_NE(end->payload.find("panicked"), std::string::npos) << end->payload;
}

// The client of the inherited functions ends and says so; its pointers are good for nothing and do
// no harm, and it connects again.
void OfTheCallbacks(const std::string& border) {
  const Relay relay;
  {
    Old client;
    ASSERT_EQ(client.Trust(relay), MOQ_OK);
    const Order order(border, kCallbackThread);
    EXPECT_EQ(client.Connect(relay.quic_url()), MOQ_ERROR_INTERNAL);
    EXPECT_NE(std::string(moq_last_error()).find("injected at " + border), std::string::npos)
        << moq_last_error();
    EXPECT_EQ(client.states().Count(MOQ_STATE_FAILED), 1u);
  }
  Client publisher(relay);
  const MoqHandle publication = publisher.Publish("callbacks");
  Heard<std::string> heard;
  Old client(relay);
  MoqSubscriber* subscriber = moq_subscribe(client.get(), "test", "callbacks", OnData, &heard);
  ASSERT_NE(subscriber, nullptr) << moq_last_error();
  EXPECT_EQ(Send(publication, "before"), MOQ_OK);
  ASSERT_TRUE(Within([&] { return heard.Count("before") == 1; }));
  {
    const Order order(border, kCallbackThread);
    EXPECT_EQ(Send(publication, "never"), MOQ_OK);
    EXPECT_TRUE(order.Comes());
  }
  EXPECT_TRUE(Within([&] { return client.states().Count(MOQ_STATE_DISCONNECTED) == 1; }));
  EXPECT_FALSE(moq_is_connected(client.get()));
  EXPECT_FALSE(moq_is_subscribed(subscriber));
  EXPECT_EQ(heard.Count("never"), 0u);
  EXPECT_EQ(moq_subscribe(client.get(), "test", "callbacks", OnData, &heard), nullptr);
  moq_subscriber_destroy(subscriber);
  EXPECT_EQ(client.Connect(relay.quic_url()), MOQ_OK) << moq_last_error();
}

// What a relay's HTTP side answers; empty when it hangs up.
std::string Ask(uint16_t port) {
  const int opened = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  EXPECT_EQ(::connect(opened, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::string request = "GET /stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(::send(opened, request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char bytes[4096];
  for (ssize_t count; (count = ::recv(opened, bytes, sizeof(bytes), 0)) > 0;)
    answer.append(bytes, static_cast<size_t>(count));
  ::close(opened);
  return answer;
}

void DuringAnHttpAnswer(const std::string& border) {
  MoqHandle relay = 0;
  const std::string options = R"({"http":"127.0.0.1:0"})";
  ASSERT_EQ(moq_relay_start(options.data(), options.size(), &relay), MOQ_OK) << moq_last_error();
  std::string info(4096, '\0');
  size_t needed = 0;
  ASSERT_EQ(moq_relay_info(relay, info.data(), info.size(), &needed), MOQ_OK);
  const std::string key = "\"httpUrl\":\"http://127.0.0.1:";
  const auto port = static_cast<uint16_t>(std::stoi(info.substr(info.find(key) + key.size())));
  {
    const Order order(border);
    EXPECT_EQ(Ask(port).find("HTTP/1.1 200"), std::string::npos);
    EXPECT_TRUE(order.Comes());
  }
  EXPECT_NE(Ask(port).find("HTTP/1.1 200"), std::string::npos) << "the next one is answered";
  EXPECT_EQ(moq_relay_stop(relay, 0), MOQ_OK);
}

struct Wakes {
  std::atomic<int> count{0};
  static void Call(void* user_data) { ++static_cast<Wakes*>(user_data)->count; }
};

// Whoever waits to be woken is woken: for the end.
void AroundTheWaker(const std::string& border) {
  const ScriptedPeer peer("polite");
  Client client(peer.options());
  ASSERT_NE(client.Wait(client.handle(), MOQ_RECORD_STATE), nullptr);
  Wakes wakes;
  ASSERT_EQ(moq_set_waker(client.handle(), Wakes::Call, &wakes), MOQ_OK);
  {
    const Order order(border, kClientThread);
    // Refused by us at once or by the peer in a moment: something to be woken for.
    const std::string track = TrackOptions("t", "");
    MoqHandle status = 0;
    ASSERT_EQ(moq_publication_open(client.handle(), track.data(), track.size(), &status), MOQ_OK);
    EXPECT_EQ(moq_handle_close(status), MOQ_OK);
    ASSERT_EQ(moq_client_close(client.handle(), 5000), MOQ_OK);
    EXPECT_TRUE(order.Comes());
  }
  for (int i = 0; i < 15000 && wakes.count == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GE(wakes.count, 1);
  EXPECT_NE(client.Wait(client.handle(), MOQ_RECORD_END), nullptr);
  ASSERT_EQ(moq_set_waker(client.handle(), nullptr, nullptr), MOQ_OK);
}

struct Heard {
  std::atomic<int> count{0};
  static void Call(void* user_data, uint32_t, const char*, size_t) {
    ++static_cast<Heard*>(user_data)->count;
  }
};

// One line is lost, and nothing else.
void AroundTheLog(const std::string& border) {
  Heard heard;
  ASSERT_EQ(moq_set_log(Heard::Call, &heard, 5), MOQ_OK);
  for (const char* thread : {kClientThread, kRelayThread}) {
    const Order order(border, thread);
    ExpectHealth();
    EXPECT_TRUE(order.Came());
  }
  const int before = heard.count;
  ExpectHealth();
  EXPECT_GT(heard.count, before) << "the log goes on";
  ASSERT_EQ(moq_set_log(nullptr, nullptr, 0), MOQ_OK);
}

const std::map<std::string, Scenario>& Scenarios() {
  static const std::map<std::string, Scenario> scenarios = {
      {"task:on_start", DuringOpen},
      {"task:on_connected", DuringOpen},
      {"task:on_event", DuringOpen},
      {"task:on_settled", DuringOpen},
      {"task:next_timeout", DuringOpen},
      {"task:on_wake", DuringARequest},
      {"task:on_timeout", WhileATimeRunsOut},
      {"task:on_stop", DuringShutdown},
      {"thread:io", OfTheWholeThread},
      {"thread:resolver", DuringALookUp},
      {"thread:relay-http", DuringAnHttpAnswer},
      {"thread:callbacks", OfTheCallbacks},
      {"callback:waker", AroundTheWaker},
      {"callback:log", AroundTheLog},
  };
  return scenarios;
}

TEST(T16_Panics, AtEveryThreadTaskAndCallbackEndOneThingWithAnErrorAndNothingElse) {
  for (const auto& [border, scenario] : Scenarios()) {
    SCOPED_TRACE(border);
    scenario(border);
    ExpectHealth();
  }
}

TEST(T16_Panics, EveryBorderOfTheLibraryHasAScenario) {
  std::set<std::string> tested;
  for (const auto& [border, scenario] : Scenarios())
    tested.insert(border);
  EXPECT_EQ(Lines(moq_test_borders()), tested);
}

// The relay's handler goes; its clients hear it, it can be stopped, and another one started.
TEST(T16_Panics, InARelayEndItsSessionsAndNotTheProcess) {
  for (const std::string& border : Lines(moq_test_borders())) {
    const bool task = border.rfind("task:", 0) == 0 || border == "thread:io";
    // A relay's start is answered by the call itself; its stop is below.
    if (!task || border == "task:on_start" || border == "task:on_stop")
      continue;
    SCOPED_TRACE(border);
    MoqHandle relay = 0;
    ASSERT_EQ(moq_relay_start("{}", 2, &relay), MOQ_OK) << moq_last_error();
    std::string info(4096, '\0');
    size_t needed = 0;
    ASSERT_EQ(moq_relay_info(relay, info.data(), info.size(), &needed), MOQ_OK);
    const size_t url = info.find("moqt://");
    Client client("{\"url\":\"" + info.substr(url, info.find('"', url) - url) +
                  "\",\"insecure\":true,\"reconnect\":false,\"connectTimeout\":3000}");
    if (border != "task:on_connected") {
      ASSERT_NE(client.Wait(client.handle(), MOQ_RECORD_STATE), nullptr);
    }
    {
      const Order order(border, kRelayThread);
      const std::string track = TrackOptions("t", "");
      MoqHandle publication = 0;
      moq_publication_open(client.handle(), track.data(), track.size(), &publication);
      // A relay is woken by its owner.
      char text[65536];
      if (border == "task:on_wake" || border == "task:on_timeout") {
        moq_relay_stats(relay, text, sizeof(text), &needed);
      }
      EXPECT_TRUE(order.Comes(20000));
    }
    const Record* end = client.Wait(client.handle(), MOQ_RECORD_END, 30000);
    ASSERT_NE(end, nullptr);
    EXPECT_NE(end->header.code, static_cast<uint32_t>(MOQ_OK)) << end->payload;
    EXPECT_EQ(moq_relay_stop(relay, 0), MOQ_OK) << moq_last_error();
    ExpectHealth();
  }
  {
    MoqHandle relay = 0;
    ASSERT_EQ(moq_relay_start("{}", 2, &relay), MOQ_OK) << moq_last_error();
    const Order order("task:on_stop", kRelayThread);
    EXPECT_EQ(moq_relay_stop(relay, 0), MOQ_OK) << moq_last_error();
  }
  MoqHandle relay = 0;
  {
    const Order order("task:on_start", kRelayThread);
    EXPECT_EQ(moq_relay_start("{}", 2, &relay), MOQ_ERROR_INTERNAL) << moq_last_error();
  }
  ExpectHealth();
}

} // namespace
