/* The inherited functions as a C program uses them, compiled as C11 and, by inherited_cxx.cc, as
 * C++17: types, numbers and layouts, then a run against the embedded relay. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <assert.h>
#include <moq_ffi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Numbers and layouts never change. */
static_assert(MOQ_OK == 0 && MOQ_ERROR_INVALID_ARGUMENT == 1 && MOQ_ERROR_CONNECTION_FAILED == 2 &&
                  MOQ_ERROR_NOT_CONNECTED == 3 && MOQ_ERROR_TIMEOUT == 4 &&
                  MOQ_ERROR_INTERNAL == 5 && MOQ_ERROR_UNSUPPORTED == 6 &&
                  MOQ_ERROR_BUFFER_TOO_SMALL == 7 && MOQ_ERROR_CLOSED == 8,
              "codes");
static_assert(MOQ_STATE_DISCONNECTED == 0 && MOQ_STATE_CONNECTING == 1 &&
                  MOQ_STATE_CONNECTED == 2 && MOQ_STATE_FAILED == 3,
              "states");
static_assert(MOQ_DELIVERY_DATAGRAM == 0 && MOQ_DELIVERY_STREAM == 1, "modes");
static_assert(sizeof(MoqResultCode) == 4 && sizeof(MoqConnectionState) == 4 &&
                  sizeof(MoqDeliveryMode) == 4,
              "enums are ints");
static_assert(offsetof(MoqResult, code) == 0 && offsetof(MoqResult, message) == sizeof(void*) &&
                  sizeof(MoqResult) == 2 * sizeof(void*),
              "MoqResult");
static_assert(offsetof(MoqTrackInfo, name) == 0 && offsetof(MoqTrackInfo, codec) == sizeof(void*) &&
                  offsetof(MoqTrackInfo, mime_type) == 2 * sizeof(void*) &&
                  offsetof(MoqTrackInfo, width) == 3 * sizeof(void*) &&
                  offsetof(MoqTrackInfo, height) == 3 * sizeof(void*) + 4 &&
                  offsetof(MoqTrackInfo, bitrate) == 3 * sizeof(void*) + 8 &&
                  offsetof(MoqTrackInfo, sample_rate) == 3 * sizeof(void*) + 12 &&
                  offsetof(MoqTrackInfo, language) == 3 * sizeof(void*) + 16 &&
                  sizeof(MoqTrackInfo) == 4 * sizeof(void*) + 16,
              "MoqTrackInfo");

/* Every function under the type that programs know it by. */
static bool (*const init)(void) = moq_init;
static MoqClient* (*const client_create)(void) = moq_client_create;
static void (*const client_destroy)(MoqClient*) = moq_client_destroy;
static MoqResult (*const connect_to)(MoqClient*, const char*, MoqConnectionCallback,
                                     void*) = moq_connect;
static MoqResult (*const disconnect)(MoqClient*) = moq_disconnect;
static bool (*const is_connected)(const MoqClient*) = moq_is_connected;
static MoqResult (*const announce_namespace)(MoqClient*, const char*) = moq_announce_namespace;
static MoqPublisher* (*const create_publisher)(MoqClient*, const char*,
                                               const char*) = moq_create_publisher;
static MoqPublisher* (*const create_publisher_ex)(MoqClient*, const char*, const char*,
                                                  MoqDeliveryMode) = moq_create_publisher_ex;
static void (*const publisher_destroy)(MoqPublisher*) = moq_publisher_destroy;
static MoqResult (*const publish_data)(MoqPublisher*, const uint8_t*, size_t,
                                       MoqDeliveryMode) = moq_publish_data;
static MoqSubscriber* (*const subscribe)(MoqClient*, const char*, const char*, MoqDataCallback,
                                         void*) = moq_subscribe;
static void (*const subscriber_destroy)(MoqSubscriber*) = moq_subscriber_destroy;
static MoqResult (*const unsubscribe)(MoqSubscriber*) = moq_unsubscribe;
static bool (*const is_subscribed)(const MoqSubscriber*) = moq_is_subscribed;
static MoqResult (*const subscribe_announces)(MoqClient*, MoqTrackCallback,
                                              void*) = moq_subscribe_announces;
static MoqSubscriber* (*const subscribe_catalog)(MoqClient*, const char*, const char*,
                                                 MoqCatalogCallback, void*) = moq_subscribe_catalog;
static void (*const free_str)(const char*) = moq_free_str;
static const char* (*const version)(void) = moq_version;
static const char* (*const last_error)(void) = moq_last_error;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
  int states[4];
  int objects;
  int in_order;
  int empty;
  int datagrams;
  int announced;
  int tracks;
} seen;

static void on_state(void* user_data, MoqConnectionState state) {
  (void)user_data;
  pthread_mutex_lock(&mutex);
  ++seen.states[state];
  pthread_mutex_unlock(&mutex);
}

static void on_data(void* user_data, const uint8_t* data, size_t len) {
  (void)user_data;
  pthread_mutex_lock(&mutex);
  if (len == 1 && data[0] == seen.objects)
    ++seen.in_order;
  if (len == 0)
    ++seen.empty;
  if (len == 8)
    ++seen.datagrams;
  else
    ++seen.objects;
  pthread_mutex_unlock(&mutex);
}

static void on_track(void* user_data, const char* ns, const char* track) {
  pthread_mutex_lock(&mutex);
  if (strcmp(ns, (const char*)user_data) == 0 && track[0] == '\0')
    ++seen.announced;
  pthread_mutex_unlock(&mutex);
}

static void on_catalog(void* user_data, const MoqTrackInfo* tracks, size_t count) {
  (void)user_data;
  pthread_mutex_lock(&mutex);
  if (count == 1 && strcmp(tracks[0].name, "video") == 0 && strcmp(tracks[0].codec, "av01") == 0 &&
      tracks[0].width == 1920 && tracks[0].language[0] == '\0')
    ++seen.tracks;
  pthread_mutex_unlock(&mutex);
}

#define CHECK(what)                                                                                \
  do {                                                                                             \
    if (!(what)) {                                                                                 \
      fprintf(stderr, "line %d: %s: %s\n", __LINE__, #what, last_error());                         \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static void ok(MoqResult result, int line) {
  if (result.code != MOQ_OK || result.message != NULL) {
    fprintf(stderr, "line %d: %d %s\n", line, (int)result.code, result.message);
    free_str(result.message);
    exit(1);
  }
}
#define OK(call) ok(call, __LINE__)

/* Waits until a counter has reached a number. */
static void await(const int* counter, int wanted, int line) {
  for (int i = 0; i < 10000; ++i) {
    pthread_mutex_lock(&mutex);
    const int now = *counter;
    pthread_mutex_unlock(&mutex);
    if (now >= wanted)
      return;
    const struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
  fprintf(stderr, "line %d: %d did not come\n", line, wanted);
  exit(1);
}
#define AWAIT(counter, wanted) await(&(counter), wanted, __LINE__)

/* A value of moq_relay_info. */
static void field(const char* info, const char* name, char* out, size_t size) {
  char key[64];
  snprintf(key, sizeof(key), "\"%s\":\"", name);
  const char* start = strstr(info, key);
  CHECK(start != NULL);
  start += strlen(key);
  const char* end = strchr(start, '"');
  CHECK(end != NULL && (size_t)(end - start) < size);
  memcpy(out, start, (size_t)(end - start));
  out[end - start] = '\0';
}

int main(void) {
  char info[4096];
  char url[256];
  char hash[128];
  char options[512];
  size_t length = 0;
  MoqHandle relay = 0;
  CHECK(init() && init());
  CHECK(version()[0] != '\0');
  CHECK(moq_relay_start("{}", 2, &relay) == MOQ_OK);
  CHECK(moq_relay_info(relay, info, sizeof(info) - 1, &length) == MOQ_OK);
  info[length] = '\0';
  field(info, "url", url, sizeof(url));
  field(info, "certificateHash", hash, sizeof(hash));
  snprintf(options, sizeof(options), "{\"serverCertificateHashes\":[\"%s\"]}", hash);

  MoqClient* client = client_create();
  CHECK(client != NULL && !is_connected(client));
  char space[] = "match/7";
  OK(subscribe_announces(client, on_track, space));
  OK(moq_client_configure(client, options, strlen(options)));
  OK(connect_to(client, url, on_state, NULL));
  CHECK(is_connected(client) && seen.states[MOQ_STATE_CONNECTING] == 1 &&
        seen.states[MOQ_STATE_CONNECTED] == 1);

  OK(announce_namespace(client, "match/7"));
  AWAIT(seen.announced, 1);
  MoqPublisher* publisher = create_publisher(client, "match/7", "world");
  MoqPublisher* catalog = create_publisher_ex(client, "match/7", "catalog", MOQ_DELIVERY_STREAM);
  CHECK(publisher != NULL && catalog != NULL);
  MoqSubscriber* subscriber = subscribe(client, "match/7", "world", on_data, NULL);
  CHECK(subscriber != NULL && is_subscribed(subscriber));
  for (uint8_t i = 0; i < 60; ++i)
    OK(publish_data(publisher, &i, 1, MOQ_DELIVERY_STREAM));
  OK(publish_data(publisher, NULL, 0, MOQ_DELIVERY_STREAM));
  AWAIT(seen.empty, 1);
  CHECK(seen.in_order == 60 && seen.objects == 61);
  OK(publish_data(publisher, (const uint8_t*)"datagram", 8, MOQ_DELIVERY_DATAGRAM));
  AWAIT(seen.datagrams, 1);

  const char text[] = "{\"version\":1,\"streamingFormat\":1,\"streamingFormatVersion\":\"0.2\","
                      "\"commonTrackFields\":{\"selectionParams\":{\"codec\":\"av01\"}},"
                      "\"tracks\":[{\"name\":\"video\",\"selectionParams\":{\"width\":1920}}]}";
  OK(publish_data(catalog, (const uint8_t*)text, strlen(text), MOQ_DELIVERY_STREAM));
  MoqSubscriber* tracks = subscribe_catalog(client, "match/7", "catalog", on_catalog, NULL);
  CHECK(tracks != NULL);
  AWAIT(seen.tracks, 1);

  MoqResult refused = publish_data(publisher, NULL, 1, MOQ_DELIVERY_STREAM);
  CHECK(refused.code == MOQ_ERROR_INVALID_ARGUMENT && refused.message != NULL);
  CHECK(strcmp(refused.message, last_error()) == 0);
  free_str(refused.message);
  free_str(NULL);

  OK(unsubscribe(subscriber));
  CHECK(!is_subscribed(subscriber));
  subscriber_destroy(subscriber);
  subscriber_destroy(tracks);
  publisher_destroy(publisher);
  publisher_destroy(catalog);
  OK(disconnect(client));
  CHECK(!is_connected(client) && seen.states[MOQ_STATE_DISCONNECTED] == 1);
  client_destroy(client);
  CHECK(moq_relay_stop(relay, 0) == MOQ_OK);
  CHECK(moq_shutdown() == MOQ_OK);
  puts("every inherited function did what it should");
  return 0;
}
