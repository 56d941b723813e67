// All that is looked at of a library of another version.
#include <cstdint>

extern "C" std::uint32_t moq_abi_version() {
  return 7;
}
