// The golden vectors, read as a C++ program reads records. Their description is JSON with one field
// on each line, so it needs no JSON library here.
#include <fstream>
#include <map>
#include <sstream>

#include "harness.h"

extern "C" uint32_t moq_test_plain_c(void);

namespace {

std::string ReadAll(const std::string& name) {
  std::ifstream file(std::string(MOQ_VECTORS) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

using Fields = std::map<std::string, std::string>;

std::vector<Fields> Describe(const std::string& json) {
  std::vector<Fields> all;
  std::istringstream lines(json.substr(json.find("\"records\"")));
  for (std::string line; std::getline(lines, line);) {
    if (line.find('{') != std::string::npos)
      all.emplace_back();
    const size_t colon = line.find("\": ");
    const size_t quote = line.find('"');
    if (colon == std::string::npos || all.empty())
      continue;
    std::string value = line.substr(colon + 3);
    if (value.back() == ',')
      value.pop_back();
    if (value.front() == '"')
      value = value.substr(1, value.size() - 2);
    all.back()[line.substr(quote + 1, colon - quote - 1)] = value;
  }
  return all;
}

std::string Hex(const std::string& bytes) {
  static const char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<uint8_t>(byte) >> 4];
    text += kDigits[static_cast<uint8_t>(byte) & 15];
  }
  return text;
}

TEST(Records, TheGoldenVectorsReadAsDescribed) {
  EXPECT_EQ(moq_test_plain_c(), static_cast<uint32_t>(MOQ_ABI_VERSION));
  const std::string bytes = ReadAll("records.bin");
  const std::vector<Fields> described = Describe(ReadAll("records.json"));
  ASSERT_GE(described.size(), 18u);
  size_t at = 0;
  for (const Fields& wanted : described) {
    const std::string& name = wanted.at("name");
    MoqRecordHeader header;
    ASSERT_LE(at + sizeof(header), bytes.size()) << name;
    std::memcpy(&header, bytes.data() + at, sizeof(header));
    EXPECT_EQ(std::to_string(at), wanted.at("offset")) << name;
    EXPECT_EQ(std::to_string(header.length), wanted.at("length")) << name;
    EXPECT_EQ(std::to_string(header.kind), wanted.at("kind")) << name;
    EXPECT_EQ(std::to_string(header.flags), wanted.at("flags")) << name;
    EXPECT_EQ(std::to_string(header.handle), wanted.at("handle")) << name;
    EXPECT_EQ(std::to_string(header.group), wanted.at("group")) << name;
    EXPECT_EQ(std::to_string(header.object), wanted.at("object")) << name;
    EXPECT_EQ(std::to_string(header.subgroup), wanted.at("subgroup")) << name;
    EXPECT_EQ(std::to_string(header.received_us), wanted.at("receivedUs")) << name;
    EXPECT_EQ(std::to_string(header.extra), wanted.at("extra")) << name;
    EXPECT_EQ(std::to_string(header.code), wanted.at("code")) << name;
    EXPECT_EQ(std::to_string(header.payload_length), wanted.at("payloadLength")) << name;
    const std::string payload = bytes.substr(at + MOQ_RECORD_HEADER_SIZE, header.payload_length);
    EXPECT_EQ(Hex(payload), wanted.at("payload")) << name;
    at += header.length;
  }
  EXPECT_EQ(at, bytes.size());
}

} // namespace
