// For tests under Wine 8 only, which lacks this library of Windows: its one function, over an older
// one.
#include <windows.h>

#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(unsigned char* out, SIZE_T length);

BOOL WINAPI ProcessPrng(unsigned char* out, SIZE_T length) {
  return RtlGenRandom(out, (ULONG)length);
}
