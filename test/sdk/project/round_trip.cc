// Publishes and reads a track over QUIC through the embedded relay, in C++17; says "received hello
// from C++".
#include <moq_ffi.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

static int Fail(const char* what, const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", what, why.c_str());
  return 1;
}

static std::string Field(const std::string& info, const std::string& name) {
  const std::string key = "\"" + name + "\":\"";
  const size_t start = info.find(key);
  if (start == std::string::npos)
    return "";
  const size_t from = start + key.size();
  return info.substr(from, info.find('"', from) - from);
}

static int Run() {
  auto relay = moq::Relay::start();
  if (!relay)
    return Fail("relay", relay.error().message);
  const std::string info = *relay->info();
  auto client = moq::Client::open({Field(info, "quicUrl"), {Field(info, "certificateHash")}});
  if (!client)
    return Fail("client", client.error().message);
  auto publication = client->publish({{"sdk"}, "cpp"});
  moq::SubscribeOptions options;
  options.track_namespace = "sdk";
  options.name = "cpp";
  options.wait = 10000;
  auto subscription = client->subscribe(options);
  if (!publication || !subscription)
    return Fail("requests", moq::last_error());
  if (publication->keyframe(std::string("hello from C++")) != MOQ_OK)
    return Fail("publish", moq::last_error());
  bool seen = false;
  for (int turn = 0; turn < 6000 && !seen; ++turn) {
    client->drain(
        [&](const moq::Object& object) { seen = object.payload.text() == "hello from C++"; });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return seen ? 0 : Fail("subscription", "nothing arrived");
}

int main() {
  const int code = Run();
  if (moq::shutdown())
    return Fail("shutdown", moq::last_error());
  if (code == 0)
    std::puts("received hello from C++");
  return code;
}
