// Stands for a moq_ffi of another version: it has the functions, and says so.
#include <moq_ffi.h>

uint32_t moq_abi_version(void) {
  return MOQ_ABI_VERSION + 1;
}
const char* moq_version(void) {
  return "99.0.0";
}
