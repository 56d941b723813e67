#include <MoqCore/HandleTable.h>
#include <MoqCore/LogThrottle.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>

using moq::unreal::HandleTable;
using moq::unreal::LogThrottle;

TEST(HandleTable, FindsWhatWasInserted) {
  HandleTable<std::string> table;
  EXPECT_EQ(table.Find(0), nullptr);
  EXPECT_FALSE(table.Insert(0, "none"));
  EXPECT_TRUE(table.Insert(7, "seven"));
  EXPECT_FALSE(table.Insert(7, "other"));
  for (MoqHandle handle = 8; handle < 2000; ++handle)
    table.Insert(handle, std::to_string(handle));
  ASSERT_NE(table.Find(7), nullptr);
  EXPECT_EQ(*table.Find(7), "seven");
  EXPECT_EQ(*table.Find(1999), "1999");
  EXPECT_EQ(table.Find(2000), nullptr);
}

TEST(HandleTable, ForgetsWhatWasRemoved) {
  HandleTable<std::weak_ptr<int>> table;
  const auto value = std::make_shared<int>(1);
  table.Insert(3, value);
  EXPECT_NE(table.Find(3), nullptr);
  EXPECT_TRUE(table.Remove(3));
  EXPECT_EQ(table.Find(3), nullptr);
  EXPECT_FALSE(table.Remove(3));
  table.Insert(4, value);
  table.Insert(5, value);
  table.Find(4);
  EXPECT_EQ(table.TakeAll().size(), 2U);
  EXPECT_EQ(table.Find(4), nullptr);
  EXPECT_EQ(table.Size(), 0U);
}

TEST(LogThrottle, SaysOnceAndThenHowOften) {
  LogThrottle throttle(1000);
  std::uint64_t suppressed = 99;
  EXPECT_TRUE(throttle.ShouldLog("a", 0, suppressed));
  EXPECT_EQ(suppressed, 0U);
  for (std::uint64_t now = 1; now < 1000; ++now)
    EXPECT_FALSE(throttle.ShouldLog("a", now, suppressed));
  EXPECT_TRUE(throttle.ShouldLog("b", 500, suppressed));
  EXPECT_TRUE(throttle.ShouldLog("a", 1000, suppressed));
  EXPECT_EQ(suppressed, 999U);
  EXPECT_EQ(throttle.Suppressed(), 999U);
}

TEST(LogThrottle, CausesAreBounded) {
  LogThrottle throttle(1000);
  std::uint64_t suppressed = 0;
  int lines = 0;
  for (int i = 0; i < 10'000; ++i)
    lines += throttle.ShouldLog("cause " + std::to_string(i), 1, suppressed) ? 1 : 0;
  EXPECT_EQ(lines, static_cast<int>(LogThrottle::kMostCauses) + 1);
}
