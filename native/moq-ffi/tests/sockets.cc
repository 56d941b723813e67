#include "sockets.h"

#include <gtest/gtest.h>

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

namespace moq_test {

namespace {

#ifdef _WIN32
using Descriptor = SOCKET;

struct Startup {
  Startup() {
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
  }
} const startup;

int Poll(pollfd* sockets, size_t count, int timeout_ms) {
  return ::WSAPoll(sockets, static_cast<ULONG>(count), timeout_ms);
}
#else
using Descriptor = int;

int Poll(pollfd* sockets, size_t count, int timeout_ms) {
  return ::poll(sockets, static_cast<nfds_t>(count), timeout_ms);
}
#endif

Descriptor DescriptorOf(Socket socket) {
  return static_cast<Descriptor>(socket);
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

} // namespace

Socket OpenSocket() {
  const auto opened = ::socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in any = Loopback(0);
  EXPECT_EQ(::bind(opened, reinterpret_cast<const sockaddr*>(&any), sizeof(any)), 0);
  return static_cast<Socket>(opened);
}

void CloseSocket(Socket socket) {
#ifdef _WIN32
  ::closesocket(DescriptorOf(socket));
#else
  ::close(DescriptorOf(socket));
#endif
}

uint16_t PortOf(Socket socket) {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  const int found =
      ::getsockname(DescriptorOf(socket), reinterpret_cast<sockaddr*>(&address), &size);
  EXPECT_EQ(found, 0);
  return ntohs(address.sin_port);
}

std::vector<size_t> Readable(const std::vector<Socket>& sockets, int timeout_ms) {
  std::vector<pollfd> polled;
  for (const Socket socket : sockets)
    polled.push_back({DescriptorOf(socket), POLLIN, 0});
  std::vector<size_t> found;
  if (Poll(polled.data(), polled.size(), timeout_ms) <= 0)
    return found;
  for (size_t i = 0; i < polled.size(); ++i) {
    if ((polled[i].revents & POLLIN) != 0)
      found.push_back(i);
  }
  return found;
}

bool Receive(Socket socket, std::string& data, uint16_t& from) {
  sockaddr_in source = {};
  socklen_t size = sizeof(source);
  data.resize(65536);
  const auto length = ::recvfrom(DescriptorOf(socket), data.data(), 65536, 0,
                                 reinterpret_cast<sockaddr*>(&source), &size);
  data.resize(length < 0 ? 0 : static_cast<size_t>(length));
  from = ntohs(source.sin_port);
  return length >= 0;
}

void SendTo(Socket socket, const std::string& data, uint16_t port) {
  const sockaddr_in to = Loopback(port);
#ifdef _WIN32
  const int length = static_cast<int>(data.size());
#else
  const size_t length = data.size();
#endif
  ::sendto(DescriptorOf(socket), data.data(), length, 0, reinterpret_cast<const sockaddr*>(&to),
           sizeof(to));
}

} // namespace moq_test
