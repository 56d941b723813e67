// moq_ffi.hpp against the real relay: the visitor, budgets, ownership, the waker, and its list of
// functions.
#include <moq_ffi.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

namespace {

constexpr std::chrono::seconds kLimit(10);

// The value of a text field in JSON of the library.
std::string FieldOf(const std::string& json, const std::string& name) {
  const std::string key = "\"" + name + "\":\"";
  const size_t start = json.find(key);
  if (start == std::string::npos)
    return "";
  const size_t from = start + key.size();
  return json.substr(from, json.find('"', from) - from);
}

class CppLayer : public ::testing::Test {
protected:
  void SetUp() override {
    auto started = moq::Relay::start();
    ASSERT_TRUE(started) << started.error().message;
    relay = started.take();
    info = *relay.info();
  }

  moq::ClientOptions Options() const {
    return {FieldOf(info, "quicUrl"), {FieldOf(info, "certificateHash")}};
  }

  moq::Client Open() const {
    auto opened = moq::Client::open(Options());
    EXPECT_TRUE(opened) << opened.error().message;
    return opened.take();
  }

  // Drains until something holds.
  template <class Visitor, class Holds>
  static bool Until(moq::Client& client, Visitor visitor, Holds holds) {
    const auto end = std::chrono::steady_clock::now() + kLimit;
    while (std::chrono::steady_clock::now() < end) {
      client.drain(visitor);
      if (holds())
        return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  // A publication and a subscription to it, both accepted.
  void Join(moq::Client& from, moq::Client& to, const std::string& name, moq::Delivery delivery) {
    auto published = from.publish({{"cpp"}, name, delivery});
    ASSERT_TRUE(published) << published.error().message;
    publication = published.take();
    bool ready = false;
    ASSERT_TRUE(Until(
        from, [&](const moq::Ready&) { ready = true; }, [&] { return ready; }));
    moq::SubscribeOptions options;
    options.track_namespace = "cpp";
    options.name = name;
    auto subscribed = to.subscribe(options);
    ASSERT_TRUE(subscribed) << subscribed.error().message;
    subscription = subscribed.take();
    bool accepted = false;
    ASSERT_TRUE(Until(
        to, [&](const moq::Ready&) { accepted = true; }, [&] { return accepted; }));
  }

  moq::Relay relay;
  std::string info;
  moq::Publication publication;
  moq::Subscription subscription;
};

TEST_F(CppLayer, ABurstIsVisitedWholeAndInOrderWithinBudgets) {
  moq::Client publisher = Open();
  moq::Client subscriber = Open();
  Join(publisher, subscriber, "burst", moq::Delivery::Reliable);
  for (int i = 0; i < 60; ++i) {
    const std::string text = "object " + std::to_string(i);
    ASSERT_EQ(i == 0 ? publication.keyframe(text) : publication.send(text), MOQ_OK);
  }
  std::vector<std::string> seen;
  std::vector<bool> keyframes;
  const auto visitor = [&](const moq::Object& object) {
    EXPECT_EQ(object.handle(), subscription.get());
    EXPECT_GT(object.received_us(), 0u);
    seen.emplace_back(object.payload.text());
    keyframes.push_back(object.keyframe());
  };
  const auto end = std::chrono::steady_clock::now() + kLimit;
  bool stopped_by_budget = false;
  while (seen.size() < 60 && std::chrono::steady_clock::now() < end) {
    moq::Budget budget;
    budget.records = 7;
    const moq::Drained drained = subscriber.drain(visitor, budget);
    ASSERT_EQ(drained.code, MOQ_OK);
    ASSERT_LE(drained.records, 7u);
    if (drained.more) {
      EXPECT_EQ(drained.records, 7u);
      stopped_by_budget = true;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  ASSERT_EQ(seen.size(), 60u);
  EXPECT_TRUE(stopped_by_budget);
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i], "object " + std::to_string(i));
    EXPECT_EQ(keyframes[i], i == 0);
  }
}

TEST_F(CppLayer, AVisitorTakesTheTypesItNamesAndRecordsForTheRest) {
  moq::Client client = Open();
  auto published = client.publish({"cpp/kinds", "t"});
  ASSERT_TRUE(published);
  std::set<int> states;
  int others = 0;
  bool ended = false;
  const auto visitor = moq::overloaded{
      [&](const moq::StateChange& change) { states.insert(change.state()); },
      [&](const moq::End& end) {
        EXPECT_EQ(end.code(), MOQ_OK) << end.json();
        ended = end.handle() == published->get();
      },
      [&](const moq::Record&) { ++others; },
  };
  ASSERT_TRUE(Until(client, visitor, [&] { return others > 0; })); // Ready
  ASSERT_FALSE(published->end());
  ASSERT_TRUE(Until(client, visitor, [&] { return ended; }));
  EXPECT_EQ(states.count(MOQ_CLIENT_OPEN), 1u);
  const moq::Error again = published->end();
  EXPECT_EQ(again.code, MOQ_ERROR_CLOSED);
  EXPECT_FALSE(again.message.empty());
}

TEST_F(CppLayer, FetchStatusAndDiscoveryAnswer) {
  moq::Client publisher = Open();
  moq::Client subscriber = Open();
  Join(publisher, subscriber, "past", moq::Delivery::Reliable);
  ASSERT_EQ(publication.keyframe(std::string("k")), MOQ_OK);
  ASSERT_EQ(publication.send(std::vector<uint8_t>{1, 2, 3}), MOQ_OK);
  uint64_t group = 0;
  int live = 0;
  ASSERT_TRUE(Until(
      subscriber,
      [&](const moq::Object& object) {
        group = object.group();
        ++live;
      },
      [&] { return live == 2; }));

  auto fetched = subscriber.fetch({{"cpp"}, "past", group, group});
  auto status = subscriber.status("cpp", "past", 20'000);
  auto discovery = subscriber.discover("cpp", 20'000);
  ASSERT_TRUE(fetched && status && discovery);
  int objects = 0;
  int ends = 0;
  std::string found;
  uint64_t largest = 0;
  const auto visitor = moq::overloaded{
      [&](const moq::Object& object) { objects += object.handle() == fetched->get() ? 1 : 0; },
      [&](const moq::TrackStatus& answer) {
        ASSERT_TRUE(answer.has_largest());
        EXPECT_EQ(answer.largest_group(), group);
        largest = answer.largest_object();
      },
      [&](const moq::NamespaceChange& change) {
        EXPECT_FALSE(change.removed());
        found = change.json();
      },
      [&](const moq::End&) { ++ends; },
  };
  ASSERT_TRUE(Until(subscriber, visitor, [&] { return ends == 2 && !found.empty(); }));
  EXPECT_EQ(objects, 2);
  EXPECT_EQ(largest, 1u);
  EXPECT_EQ(found, "[\"cpp\"]");
  auto stats = subscriber.stats();
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_NE(stats->find("\"subscriptions\""), std::string::npos);
}

TEST_F(CppLayer, ATokenIsAskedForAndGivenOrRefused) {
  moq::ClientOptions options = Options();
  options.ask_token = true;
  options.reconnect.initial_delay = 50;
  options.reconnect.timeout = 0;
  auto opened = moq::Client::open(options);
  auto refused = moq::Client::open(options);
  ASSERT_TRUE(opened && refused) << opened.error().message;
  bool open = false;
  const auto give = moq::overloaded{
      [&](const moq::TokenWanted& wanted) {
        EXPECT_FALSE(opened->supply_token(wanted.attempt(), std::string("secret")));
      },
      [&](const moq::StateChange& change) { open = change.state() == MOQ_CLIENT_OPEN; },
  };
  EXPECT_TRUE(Until(*opened, give, [&] { return open; }));
  MoqResultCode code = MOQ_OK;
  std::string why;
  const auto refuse = moq::overloaded{
      [&](const moq::TokenWanted& wanted) {
        EXPECT_FALSE(refused->refuse_token(wanted.attempt(), "no service"));
      },
      [&](const moq::End& end) {
        code = end.code();
        why = end.json();
      },
  };
  // The first connection is one attempt.
  EXPECT_TRUE(Until(*refused, refuse, [&] { return code != MOQ_OK; }));
  EXPECT_EQ(code, MOQ_ERROR_UNAUTHORIZED);
  EXPECT_NE(why.find("no service"), std::string::npos) << why;
}

TEST_F(CppLayer, ARefusedCertificateTellsWhy) {
  moq::ClientOptions options = Options();
  options.certificate_hashes = {std::string(64, 'a')};
  auto client = moq::Client::open(options);
  ASSERT_TRUE(client) << client.error().message;
  MoqResultCode code = MOQ_OK;
  MoqCertificateReason why = MOQ_CERTIFICATE_OTHER;
  const auto visitor = [&](const moq::End& end) {
    code = end.code();
    why = end.certificate();
  };
  ASSERT_TRUE(Until(*client, visitor, [&] { return code != MOQ_OK; }));
  EXPECT_EQ(code, MOQ_ERROR_CERTIFICATE);
  EXPECT_EQ(why, MOQ_CERTIFICATE_WRONG_HASH);
}

TEST_F(CppLayer, ClosingInsideTheVisitorEndsTheDrain) {
  moq::Client publisher = Open();
  moq::Client subscriber = Open();
  Join(publisher, subscriber, "inside", moq::Delivery::Reliable);
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(publication.send(std::string("x")), MOQ_OK);
  int visits = 0;
  const auto visitor = [&](const moq::Object&) {
    ++visits;
    subscriber.close();
  };
  ASSERT_TRUE(Until(subscriber, visitor, [&] { return visits > 0; }));
  EXPECT_EQ(visits, 1);
  EXPECT_EQ(subscriber.drain(visitor).code, MOQ_ERROR_CLOSED);
  EXPECT_EQ(subscriber.get(), 0u);
  auto late = subscriber.publish({{"cpp"}, "late"});
  EXPECT_FALSE(late);
  EXPECT_EQ(late.error().code, MOQ_ERROR_INVALID_ARGUMENT);
}

TEST_F(CppLayer, TheWakerWakesAndIsNotCalledAfterItWasTakenBack) {
  moq::Client publisher = Open();
  moq::Client subscriber = Open();
  Join(publisher, subscriber, "wake", moq::Delivery::Datagram);
  std::mutex mutex;
  std::condition_variable woken;
  int wakes = 0;
  ASSERT_FALSE(subscriber.set_waker([&] {
    const std::lock_guard<std::mutex> lock(mutex);
    ++wakes;
    woken.notify_all();
  }));
  ASSERT_EQ(publication.send(std::string("up")), MOQ_OK);
  {
    std::unique_lock<std::mutex> lock(mutex);
    ASSERT_TRUE(woken.wait_for(lock, kLimit, [&] { return wakes > 0; }));
  }
  ASSERT_FALSE(subscriber.set_waker(nullptr));
  subscriber.drain([](const moq::Record&) {});
  const int before = wakes;
  ASSERT_EQ(publication.send(std::string("quiet")), MOQ_OK);
  int objects = 0;
  ASSERT_TRUE(Until(
      subscriber, [&](const moq::Object&) { ++objects; }, [&] { return objects > 0; }));
  EXPECT_EQ(wakes, before);
  // Replacing it, and closing with one set, free what was captured.
  const auto held = std::make_shared<int>(1);
  ASSERT_FALSE(subscriber.set_waker([held] {}));
  ASSERT_FALSE(subscriber.set_waker([held] {}));
  EXPECT_EQ(held.use_count(), 2);
  subscriber.close();
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(CppLayer, HandlesMoveAndCloseOnce) {
  moq::Client client = Open();
  auto published = client.publish({{"cpp"}, "moves"});
  ASSERT_TRUE(published);
  moq::Publication first = published.take();
  const MoqHandle handle = first.get();
  moq::Publication second = std::move(first);
  EXPECT_EQ(second.get(), handle);
  EXPECT_FALSE(first); // NOLINT: an empty object is what a moved-from one is documented to be
  second = moq::Publication();
  EXPECT_EQ(moq_handle_close(handle), MOQ_ERROR_CLOSED);
  moq::Client other = std::move(client);
  client = Open();
  EXPECT_NE(client.get(), other.get());
  EXPECT_FALSE(moq::Publication().send(std::string("x")) == MOQ_OK);
}

TEST_F(CppLayer, MistakesAreErrorsThatNameThem) {
  auto opened = moq::Client::open({"gopher://nowhere"});
  EXPECT_FALSE(opened);
  EXPECT_EQ(opened.error().code, MOQ_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(opened.error().message.find("\"url\""), std::string::npos) << opened.error().message;
  auto relay_options = moq::Relay::start("{\"listn\":1}");
  EXPECT_FALSE(relay_options);
  EXPECT_NE(relay_options.error().message.find("listn"), std::string::npos);
  moq::Client empty;
  EXPECT_FALSE(empty);
  EXPECT_TRUE(empty.set_waker([] {}));
  EXPECT_FALSE(empty.stats());
  // Quotes, backslashes and control characters in names reach the library as they are.
  moq::Client client = Open();
  EXPECT_TRUE(client.publish({{"cpp", "a\"b\\c\n"}, "q\"\t"}));
}

TEST(CppBytes, ViewWhatHasDataAndSize) {
  const std::array<unsigned char, 3> array = {1, 2, 3};
  EXPECT_EQ(moq::Bytes(array).size(), 3u);
  EXPECT_EQ(moq::Bytes(std::string_view("abc")).text(), "abc");
  EXPECT_TRUE(moq::Bytes().empty());
  int sum = 0;
  for (const std::uint8_t byte : moq::Bytes(array))
    sum += byte;
  EXPECT_EQ(sum, 6);
}

// Functions that the table names.
std::set<std::string> Listed() {
  return {
#define MOQ_NAME(name) #name,
      MOQ_FFI_FUNCTIONS(MOQ_NAME)
#undef MOQ_NAME
  };
}

TEST(CppApi, TheTableNamesEveryFunctionOfTheHeader) {
  std::ifstream file(MOQ_HEADER);
  ASSERT_TRUE(file) << MOQ_HEADER;
  std::set<std::string> declared;
  std::string line;
  while (std::getline(file, line)) {
    const size_t bracket = line.find('(');
    if (bracket == std::string::npos || line.find_first_of(" /#*") == 0)
      continue;
    const size_t name = line.find_last_of(" *", bracket) + 1;
    if (line.compare(name, 4, "moq_") == 0)
      declared.insert(line.substr(name, bracket - name));
  }
  // This layer stands beside the functions of the predecessor and needs none of them.
  for (const char* inherited : {"moq_init",
                                "moq_client_create",
                                "moq_client_destroy",
                                "moq_client_configure",
                                "moq_connect",
                                "moq_disconnect",
                                "moq_is_connected",
                                "moq_announce_namespace",
                                "moq_create_publisher",
                                "moq_create_publisher_ex",
                                "moq_publisher_destroy",
                                "moq_publish_data",
                                "moq_subscribe",
                                "moq_subscriber_destroy",
                                "moq_unsubscribe",
                                "moq_is_subscribed",
                                "moq_subscribe_announces",
                                "moq_subscribe_catalog",
                                "moq_catalog_refused",
                                "moq_free_str"})
    EXPECT_EQ(declared.erase(inherited), 1u) << inherited;
  EXPECT_EQ(declared, Listed());
}

} // namespace
