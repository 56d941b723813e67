// Loading: what a game sees whose library is missing, broken or of another version, and what is
// left after it was shut down.
#include "fake_library.h"
#include "support/system_loader.h"

#include <MoqCore/Host.h>
#include <MoqCore/Library.h>

#include <gtest/gtest.h>

#include <string>

using moq::unreal::Host;
using moq::unreal::Library;
using moq::unreal::LogLine;
using moq_test::FakeLibrary;

namespace {

void ExpectUnavailable(Library& library, const std::string& why) {
  EXPECT_FALSE(library.IsAvailable());
  EXPECT_EQ(library.Api(), nullptr);
  EXPECT_EQ(library.Version(), "");
  const std::string problem = library.Problem();
  EXPECT_NE(problem.find(why), std::string::npos) << problem;
  EXPECT_NE(problem.find("reinstall the Moq plugin"), std::string::npos) << problem;
  EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
  Host host(library);
  moq::Error error;
  EXPECT_EQ(host.Open("{}", error), 0U);
  EXPECT_EQ(error.code, MOQ_ERROR_UNAVAILABLE);
  EXPECT_EQ(error.message, problem);
}

} // namespace

TEST(Library, SaysWhatIsWrongBeforeItIsLoaded) {
  Library library;
  EXPECT_FALSE(library.IsAvailable());
  EXPECT_NE(library.Problem(), "");
}

TEST(Library, MissingFile) {
  FakeLibrary fake;
  fake.Missing = true;
  Library library;
  EXPECT_FALSE(library.Load(fake.Loader(), "/plugin/libmoq_ffi.so"));
  ExpectUnavailable(library, "/plugin/libmoq_ffi.so could not be loaded: no such file");
  EXPECT_EQ(fake.Unloads, 0);
}

TEST(Library, NoLibraryOfThisPlatform) {
  // A file that is no library at all, through the operating system.
  Library library;
  EXPECT_FALSE(library.Load(moq_test::SystemLoader(), "/proc/self/cmdline"));
  ExpectUnavailable(library, "/proc/self/cmdline could not be loaded: ");
}

TEST(Library, OtherAbi) {
  FakeLibrary fake;
  fake.AbiVersion = MOQ_ABI_VERSION + 6;
  Library library;
  EXPECT_FALSE(library.Load(fake.Loader(), "x"));
  ExpectUnavailable(library, "it has ABI 7 and this plugin needs 1");
  EXPECT_EQ(fake.Unloads, 1);
}

TEST(Library, FunctionMissing) {
  FakeLibrary fake;
  fake.MissingFunction = "moq_handle_hold";
  Library library;
  EXPECT_FALSE(library.Load(fake.Loader(), "x"));
  ExpectUnavailable(library, "it has no function moq_handle_hold");
  EXPECT_EQ(fake.Unloads, 1);
}

TEST(Library, LoadsAfterAFailure) {
  FakeLibrary fake;
  fake.Missing = true;
  Library library;
  EXPECT_FALSE(library.Load(fake.Loader(), "x"));
  fake.Missing = false;
  EXPECT_TRUE(library.Load(fake.Loader(), "x"));
  EXPECT_TRUE(library.IsAvailable());
  EXPECT_EQ(library.Problem(), "");
  EXPECT_EQ(library.Version(), "0.0.0-fake");
  EXPECT_TRUE(library.Load(fake.Loader(), "x"));
  EXPECT_TRUE(library.Shutdown());
  EXPECT_EQ(fake.Unloads, 1);
}

TEST(Library, StaysLoadedWhileASessionHoldsIt) {
  FakeLibrary fake;
  Library library;
  ASSERT_TRUE(library.Load(fake.Loader(), "x"));
  Host host(library);
  moq::Error error;
  const MoqHandle client = host.Open("{}", error);
  const auto session = host.Find(client);
  EXPECT_TRUE(library.Shutdown());
  EXPECT_FALSE(library.IsAvailable());
  EXPECT_EQ(fake.Shutdowns, 1);
  EXPECT_EQ(fake.Unloads, 0);
  host.CloseAll();
  EXPECT_EQ(fake.Unloads, 0);
  // A caller on another thread may hold it still.
  EXPECT_EQ(session->Publish(2, 0, "x", 1), MOQ_ERROR_CLOSED);
  EXPECT_EQ(session->LastError(), "the fake said no");
}

TEST(Library, RefusesToShutDownInsideACallback) {
  FakeLibrary fake;
  Library library;
  ASSERT_TRUE(library.Load(fake.Loader(), "x"));
  fake.ShutdownResult = MOQ_ERROR_BUSY;
  EXPECT_FALSE(library.Shutdown());
  EXPECT_TRUE(library.IsAvailable());
  fake.ShutdownResult = MOQ_OK;
  EXPECT_TRUE(library.Shutdown());
  EXPECT_TRUE(library.Shutdown());
  EXPECT_EQ(fake.Shutdowns, 1);
}

TEST(Library, KeepsABoundedLog) {
  FakeLibrary fake;
  Library library;
  ASSERT_TRUE(library.Load(fake.Loader(), "x"));
  fake.Log(1, "before");
  library.CollectLog(2);
  for (int i = 0; i < 300; ++i)
    fake.Log(2, "line " + std::to_string(i));
  EXPECT_EQ(library.DroppedLogLines(), 44U);
  LogLine line;
  ASSERT_TRUE(library.TakeLogLine(line));
  EXPECT_EQ(line.Level, 2U);
  EXPECT_EQ(line.Text, "line 0");
  int lines = 1;
  while (library.TakeLogLine(line))
    ++lines;
  EXPECT_EQ(lines, 256);
  library.Shutdown();
  fake.Log(1, "after");
  EXPECT_FALSE(library.TakeLogLine(line));
}
