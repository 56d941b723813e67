/* The header is C: this file only has to compile as C11 and to lay structs out as documented. */
#include <moq_ffi.h>
#include <stddef.h>

_Static_assert(sizeof(MoqRecordHeader) == MOQ_RECORD_HEADER_SIZE, "record header");
_Static_assert(offsetof(MoqRecordHeader, kind) == 4, "kind");
_Static_assert(offsetof(MoqRecordHeader, handle) == 8, "handle");
_Static_assert(offsetof(MoqRecordHeader, group) == 16, "group");
_Static_assert(offsetof(MoqRecordHeader, received_us) == 40, "received_us");
_Static_assert(offsetof(MoqRecordHeader, payload_length) == 56, "payload_length");
_Static_assert(offsetof(MoqRecordHeader, code) == 60, "code");

uint32_t moq_test_plain_c(void);

uint32_t moq_test_plain_c(void) {
  return moq_abi_version();
}
