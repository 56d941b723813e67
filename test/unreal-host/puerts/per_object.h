#pragma once

namespace moq_test {

// Makes the class MoqPerObject known to Puerts: see per_object.cc.
void RegisterPerObject();

} // namespace moq_test
