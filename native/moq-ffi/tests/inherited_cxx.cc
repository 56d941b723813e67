// The same program as C++17: what programs in C++ see of the inherited functions.
#include "inherited_c.c" // NOLINT
