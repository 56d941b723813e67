// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"

#include <string>

namespace MoqLibraryFile {

/**
 * What is wrong with a library's file that the system would not say; empty when nothing is. Windows
 * and macOS refuse a file that is cut short; Linux maps it, and ends the process where it is read.
 */
std::string Problem(const FString& Path);

} // namespace MoqLibraryFile
