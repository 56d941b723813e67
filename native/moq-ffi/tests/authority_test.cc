// T15: a certificate of a private authority is accepted by its CA file, and refused otherwise.
#include <cstdio>
#include <cstdlib>

#include "child.h"
#include "harness.h"

using namespace moq_test;

namespace {

void ExpectRefused(const std::string& options) {
  Client client(options);
  const Record* end = client.Wait(client.handle(), MOQ_RECORD_END);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->header.code, static_cast<uint32_t>(MOQ_ERROR_CERTIFICATE)) << end->payload;
  EXPECT_TRUE(client.Of(client.handle(), MOQ_RECORD_STATE).empty());
}

// A folder with certificates of two private authorities, made by tests/peer.
class Certificates {
public:
  Certificates() {
    const char* temporary = std::getenv("TMPDIR");
    folder_ = std::string(temporary != nullptr ? temporary : "/tmp") + "/moq-ffi-trust-XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr) << folder_;
    EXPECT_EQ(Child({ScriptedPeerPath(), "certificates", folder_}).Finish(), 0);
  }
  ~Certificates() {
    for (const char* name : {"ca.pem", "leaf.pem", "leaf.key", "other-ca.pem"})
      std::remove(Path(name).c_str());
    std::remove(folder_.c_str());
  }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

private:
  std::string folder_;
};

TEST(T15_Trust, ACaFileDecidesWhoIsTrusted) {
  const Certificates certificates;
  const Relay relay("{\"certificate\":\"" + certificates.Path("leaf.pem") + "\",\"key\":\"" +
                    certificates.Path("leaf.key") + "\"}");
  const std::string ca = "\"" + certificates.Path("ca.pem") + "\"";
  const std::string other = "\"" + certificates.Path("other-ca.pem") + "\"";
  for (const std::string& url : {relay.quic_url(), relay.url()}) {
    const auto options = [&](const std::string& files) {
      return "{\"url\":\"" + url + "\",\"caFile\":" + files + "}";
    };
    for (const std::string& files : {ca, "[" + other + "," + ca + "]"}) {
      Client client(options(files));
      ASSERT_NE(client.Wait(client.handle(), MOQ_RECORD_STATE), nullptr) << url << " " << files;
    }
    ExpectRefused(options(other));
    ExpectRefused("{\"url\":\"" + url + "\"}");
  }
}

} // namespace
