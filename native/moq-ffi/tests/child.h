// Other programs that a test needs beside it: peers that misbehave, and bad networks. POSIX.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace moq_test {

// A program of ours; it ends when its standard input does, which is when this goes.
class Child {
public:
  explicit Child(const std::vector<std::string>& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Waits for a line that contains `text`; what came before it is passed over. Empty when none
  // came.
  std::string LineWith(const std::string& text, int timeout_ms = 15000);
  // Closes its standard input and gives its exit code; -1 when it had to be killed.
  int Finish(int timeout_ms = 15000);

private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string pending_;
};

// tests/peer: a relay that plays a script.
class ScriptedPeer {
public:
  explicit ScriptedPeer(const std::string& script, const std::string& argument = "");

  uint16_t port() const { return port_; }
  // Options of a client that connects to it and trusts it.
  std::string options(const std::string& more = "") const;
  // What it tells of the client: "closed CODE", "answered".
  std::string LineWith(const std::string& text) { return child_.LineWith(text); }

private:
  Child child_;
  uint16_t port_ = 0;
  std::string hash_;
};

// tools/impair: a seeded proxy in front of a port of this machine. `settings` are its flags.
class BadNetwork {
public:
  BadNetwork(uint16_t target, const std::vector<std::string>& settings);

  uint16_t port() const { return port_; }

private:
  Child child_;
  uint16_t port_ = 0;
};

// Where the programs are; empty when the build was not told.
std::string ScriptedPeerPath();

} // namespace moq_test
