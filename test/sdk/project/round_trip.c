/* Publishes and reads a track over QUIC through the embedded relay, in C; says "received hello from
 * C". */
#define _POSIX_C_SOURCE 200809L
#include <moq_ffi.h>

#include <stdio.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

static void rest(void) {
#ifdef _WIN32
  Sleep(5);
#else
  const struct timespec tick = {0, 5 * 1000 * 1000};
  nanosleep(&tick, NULL);
#endif
}

static uint64_t buffer[8192];

static int failed(const char* what) {
  fprintf(stderr, "%s: %s\n", what, moq_last_error());
  return 1;
}

/* The text of a field of moq_relay_info. */
static int field(const char* info, const char* name, char* out, size_t size) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":\"", name);
  const char* from = strstr(info, key);
  if (from == NULL)
    return 0;
  from += strlen(key);
  const size_t length = strcspn(from, "\"");
  if (length >= size)
    return 0;
  memcpy(out, from, length);
  out[length] = '\0';
  return 1;
}

int main(void) {
  static const char track[] = "{\"namespace\":[\"sdk\"],\"name\":\"c\"}";
  static const char text[] = "hello from C";
  char info[2048], url[256], hash[128], options[640];
  size_t length = 0;
  MoqHandle relay = 0, client = 0, publication = 0, subscription = 0;
  int seen = 0;

  if (moq_relay_start("{}", 2, &relay) != MOQ_OK)
    return failed("relay");
  if (moq_relay_info(relay, info, sizeof info - 1, &length) != MOQ_OK)
    return failed("info");
  info[length] = '\0';
  if (!field(info, "quicUrl", url, sizeof url) ||
      !field(info, "certificateHash", hash, sizeof hash))
    return failed("the relay's address");
  snprintf(options, sizeof options, "{\"url\":\"%s\",\"serverCertificateHashes\":[\"%s\"]}", url,
           hash);
  if (moq_client_open(options, strlen(options), &client) != MOQ_OK)
    return failed("client");
  if (moq_publication_open(client, track, strlen(track), &publication) != MOQ_OK)
    return failed("publication");
  static const char wanted[] = "{\"namespace\":[\"sdk\"],\"name\":\"c\",\"wait\":10000}";
  if (moq_subscription_open(client, wanted, strlen(wanted), &subscription) != MOQ_OK)
    return failed("subscription");

  for (int turn = 0; turn < 6000 && !seen; turn++) {
    MoqPollResult polled = {0};
    polled.struct_size = sizeof polled;
    if (moq_poll(client, (uint8_t*)buffer, sizeof buffer, &polled) != MOQ_OK)
      return failed("poll");
    const char* at = (const char*)buffer;
    for (size_t i = 0; i < polled.count; i++) {
      const MoqRecordHeader* record = (const MoqRecordHeader*)at;
      const char* payload = at + MOQ_RECORD_HEADER_SIZE;
      if (record->kind == MOQ_RECORD_READY && record->handle == subscription &&
          moq_publish(publication, 0, (const uint8_t*)text, strlen(text)) != MOQ_OK)
        return failed("publish");
      if (record->kind == MOQ_RECORD_OBJECT && record->payload_length == strlen(text) &&
          memcmp(payload, text, strlen(text)) == 0)
        seen = 1;
      if (record->kind == MOQ_RECORD_END) {
        fprintf(stderr, "ended: %.*s\n", (int)record->payload_length, payload);
        return 1;
      }
      at += record->length;
    }
    rest();
  }
  if (!seen) {
    fprintf(stderr, "nothing arrived\n");
    return 1;
  }
  if (moq_shutdown() != MOQ_OK)
    return failed("shutdown");
  printf("received %s\n", text);
  return 0;
}
