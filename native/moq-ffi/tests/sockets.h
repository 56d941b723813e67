// UDP sockets on the loopback address, alike on every system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace moq_test {

// A descriptor, or a SOCKET on Windows.
using Socket = uintptr_t;

// Bound to a free port of 127.0.0.1.
Socket OpenSocket();
void CloseSocket(Socket socket);
uint16_t PortOf(Socket socket);
// Which of them, by index, have something to read; waits for the first one.
std::vector<size_t> Readable(const std::vector<Socket>& sockets, int timeout_ms);
// One datagram and the port that it came from; false when there is none.
bool Receive(Socket socket, std::string& data, uint16_t& from);
void SendTo(Socket socket, const std::string& data, uint16_t port);

} // namespace moq_test
