// What CoreMinimal.h gives.
#pragma once

#include "Shim/Containers.h"
#include "Shim/Delegates.h"
#include "Shim/Log.h"
#include "Shim/Object.h"
#include "Shim/Pointers.h"
#include "Shim/Text.h"
