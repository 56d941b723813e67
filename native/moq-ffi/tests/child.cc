#include "child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "harness.h"

extern char** environ;

namespace moq_test {

using Clock = std::chrono::steady_clock;

static int MsUntil(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  return left.count() < 0 ? 0 : static_cast<int>(left.count());
}

// A pipe that no other child inherits.
static void Pipe(int ends[2]) {
  EXPECT_EQ(::pipe(ends), 0);
  ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  ::fcntl(ends[1], F_SETFD, FD_CLOEXEC);
}

Child::Child(const std::vector<std::string>& command) {
  // Writing to a child that has ended is an error, not the end of the test.
  ::signal(SIGPIPE, SIG_IGN);
  int in[2] = {-1, -1};
  int out[2] = {-1, -1};
  Pipe(in);
  Pipe(out);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int failed =
      ::posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
  EXPECT_EQ(failed, 0) << command[0] << ": " << std::strerror(failed);
  if (failed != 0)
    pid_ = -1;
  posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  input_ = in[1];
  output_ = out[0];
}

Child::~Child() {
  Finish();
  ::close(output_);
}

std::string Child::LineWith(const std::string& text, int timeout_ms) {
  const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms) * Patience();
  for (;;) {
    for (size_t newline; (newline = pending_.find('\n')) != std::string::npos;) {
      const std::string line = pending_.substr(0, newline);
      pending_.erase(0, newline + 1);
      if (line.find(text) != std::string::npos)
        return line;
    }
    pollfd waiting = {output_, POLLIN, 0};
    if (::poll(&waiting, 1, MsUntil(end)) <= 0)
      return "";
    char bytes[4096];
    const ssize_t count = ::read(output_, bytes, sizeof(bytes));
    if (count <= 0)
      return "";
    pending_.append(bytes, static_cast<size_t>(count));
  }
}

int Child::Finish(int timeout_ms) {
  if (input_ >= 0)
    ::close(input_);
  input_ = -1;
  if (pid_ <= 0)
    return -1;
  const pid_t pid = pid_;
  pid_ = -1;
  const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms) * Patience();
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (Clock::now() >= end) {
      ADD_FAILURE() << "a program beside the test does not end";
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      return -1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string ScriptedPeerPath() {
  return MOQ_TEST_PEER;
}

ScriptedPeer::ScriptedPeer(const std::string& script, const std::string& argument)
    : child_({ScriptedPeerPath(), script, argument}) {
  const std::string line = child_.LineWith("ready ");
  EXPECT_FALSE(line.empty()) << "the peer did not start: " << script << " " << argument;
  const size_t port = line.find(' ') + 1;
  const size_t hash = line.find(' ', port) + 1;
  if (line.empty())
    return;
  port_ = static_cast<uint16_t>(std::stoi(line.substr(port)));
  hash_ = line.substr(hash);
}

std::string ScriptedPeer::options(const std::string& more) const {
  return ClientOptions("moqt://127.0.0.1:" + std::to_string(port_), hash_, more);
}

static std::vector<std::string> Impair(uint16_t target, const std::vector<std::string>& settings) {
  const std::string script =
      "const { runImpair } = await import(process.argv[1]);"
      "await runImpair(process.argv.slice(2),"
      " () => new Promise((done) => process.stdin.on('end', done).resume()));";
  std::vector<std::string> command = {
      "node", "--input-type=module", "-e",       script,
      "--",   "file://" MOQ_IMPAIR,  "--target", "127.0.0.1:" + std::to_string(target)};
  command.insert(command.end(), settings.begin(), settings.end());
  return command;
}

BadNetwork::BadNetwork(uint16_t target, const std::vector<std::string>& settings)
    : child_(Impair(target, settings)) {
  const std::string line = child_.LineWith("connect to");
  EXPECT_FALSE(line.empty()) << "tools/impair did not start; \"npm run build\" builds it";
  if (!line.empty())
    port_ = static_cast<uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
}

} // namespace moq_test
