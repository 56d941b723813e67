#pragma once
#include "ProjectEngine.h"
