// A peer that is there and says nothing.
#pragma once

#include <cstdint>
#include <string>

#include "sockets.h"

namespace moq_test {

// A UDP port that takes everything and says nothing.
class SilentPeer {
public:
  SilentPeer() : socket_(OpenSocket()), port_(PortOf(socket_)) {}
  ~SilentPeer() { CloseSocket(socket_); }
  SilentPeer(const SilentPeer&) = delete;
  SilentPeer& operator=(const SilentPeer&) = delete;

  std::string url() const { return "moqt://127.0.0.1:" + std::to_string(port_); }
  std::string options(const std::string& more) const {
    return "{\"url\":\"" + url() + "\"" + more + "}";
  }

private:
  const Socket socket_;
  const uint16_t port_;
};

} // namespace moq_test
