// Catalogs through the inherited functions: what C is told of them.
#include "inherited_harness.h"

using namespace moq_test;

namespace {

void OnCatalog(void* heard, const MoqTrackInfo* tracks, size_t count) {
  EXPECT_NE(tracks, nullptr);
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    const MoqTrackInfo& t = tracks[i];
    text += std::string(t.name) + "|" + t.codec + "|" + t.mime_type + "|" +
            std::to_string(t.width) + "x" + std::to_string(t.height) + "|" +
            std::to_string(t.bitrate) + "|" + std::to_string(t.sample_rate) + "|" + t.language +
            ";";
  }
  static_cast<Heard<std::string>*>(heard)->Add(text);
}

class InheritedCatalog : public ::testing::Test {
protected:
  void SetUp() override {
    publisher = moq_create_publisher(publishing.get(), "live/1", "catalog");
    ASSERT_NE(publisher, nullptr) << moq_last_error();
    ASSERT_EQ(Code(moq_announce_namespace(publishing.get(), "live/1")), MOQ_OK);
  }
  void Subscribe() {
    subscriber = moq_subscribe_catalog(reading.get(), "live/1", "catalog", OnCatalog, &heard);
    ASSERT_NE(subscriber, nullptr) << moq_last_error();
  }
  void TearDown() override {
    moq_subscriber_destroy(subscriber);
    moq_publisher_destroy(publisher);
  }
  // Publishes a catalog and waits for what C hears.
  std::string Told(const std::string& catalog) {
    const size_t before = heard.Count();
    EXPECT_EQ(moq_test::Send(publisher, catalog), MOQ_OK);
    EXPECT_TRUE(Within([&] { return heard.Count() > before; })) << catalog;
    return heard.All().back();
  }

  Relay relay;
  Old publishing{relay};
  Old reading{relay};
  MoqPublisher* publisher = nullptr;
  MoqSubscriber* subscriber = nullptr;
  Heard<std::string> heard;
};

TEST_F(InheritedCatalog, CommonCatalogFormatWithPatches) {
  Subscribe();
  EXPECT_EQ(Told(R"({"version":1,"streamingFormat":1,"streamingFormatVersion":"0.2",
      "commonTrackFields":{"packaging":"loc","selectionParams":{"lang":"en","bitrate":64000}},
      "tracks":[{"name":"video","selectionParams":{"codec":"av01","mimeType":"video/mp4",
      "width":1920,"height":1080,"bitrate":1500000}},
      {"name":"audio","selectionParams":{"codec":"opus","samplerate":48000}}]})"),
            "video|av01|video/mp4|1920x1080|1500000|0|en;audio|opus||0x0|64000|48000|en;");
  EXPECT_EQ(Told(R"([{"op":"add","path":"/tracks/-","value":{"name":"slides"}},
      {"op":"remove","path":"/tracks/0"}])"),
            "audio|opus||0x0|64000|48000|en;slides|||0x0|64000|0|en;");
  EXPECT_EQ(Told(R"([{"op":"remove","path":"/tracks/1"},{"op":"remove","path":"/tracks/0"}])"), "");
}

TEST_F(InheritedCatalog, MsfWithUpdates) {
  Subscribe();
  EXPECT_EQ(Told(R"({"version":"draft-01","tracks":[{"name":"hd","packaging":"loc","isLive":true,
      "codec":"av01","width":1920,"height":1080,"bitrate":5000000}]})"),
            "hd|av01||1920x1080|5000000|0|;");
  EXPECT_EQ(Told(R"({"generatedAt":1,"deltaUpdate":[
      {"op":"clone","tracks":[{"parentName":"hd","name":"sd","width":640,"height":360}]},
      {"op":"add","tracks":[{"name":"audio","codec":"opus","samplerate":48000,"lang":"fr"}]},
      {"op":"remove","tracks":[{"name":"hd"}]}]})"),
            "sd|av01||640x360|5000000|0|;audio|opus||0x0|0|48000|fr;");
}

TEST_F(InheritedCatalog, WhoComesLateHearsTheCatalog) {
  ASSERT_EQ(moq_test::Send(publisher, R"({"version":1,"tracks":[{"name":"a"}]})"), MOQ_OK);
  Subscribe();
  EXPECT_TRUE(Within([&] { return heard.Count("a|||0x0|0|0|;") == 1; }));
}

TEST_F(InheritedCatalog, MalformedOnesAreCountedAndChangeNothing) {
  Subscribe();
  Told(R"({"version":1,"tracks":[{"name":"a"}]})");
  const std::vector<std::string> broken = {
      "",
      "{",
      std::string("\0\xff", 2),
      "[[[[",
      R"({"version":9,"tracks":[]})",
      R"({"version":1,"tracks":[{"name":"b"},{"name":"b"}]})",
      R"([{"op":"remove","path":"/tracks/9"}])",
      R"({"version":1,"catalogs":[{"name":"c"}]})",
      R"({"version":1,"tracks":[{"name":"b\u0000"}]})",
      std::string(1 << 21, '['),
  };
  for (const std::string& text : broken)
    ASSERT_EQ(moq_test::Send(publisher, text), MOQ_OK);
  EXPECT_TRUE(Within([&] { return moq_catalog_refused(subscriber) == broken.size(); }))
      << moq_catalog_refused(subscriber);
  EXPECT_EQ(heard.Count(), 1u);
  EXPECT_TRUE(moq_is_subscribed(subscriber));
  EXPECT_EQ(Told(R"([{"op":"add","path":"/tracks/-","value":{"name":"b"}}])"),
            "a|||0x0|0|0|;b|||0x0|0|0|;");
}

} // namespace
