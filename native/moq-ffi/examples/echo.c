/*
 * A track published and read in one process, in C: what each call is for, and how records are read.
 * Build: cc -std=c11 echo.c -I../include -lmoq_ffi
 */
#define _POSIX_C_SOURCE 200809L
#include <moq_ffi.h>
#include <stdio.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

enum { BUFFER_WORDS = 32 * 1024 };

static MoqHandle client, publication, subscription;
static uint64_t buffer[BUFFER_WORDS]; /* 8-byte aligned, so that headers can be read in place */

static int failed(const char* what) {
  fprintf(stderr, "%s: %s\n", what, moq_last_error());
  return 1;
}

static MoqResultCode send_text(const char* text) {
  return moq_publish(publication, 0, (const uint8_t*)text, strlen(text));
}

static void sleep_one_tick(void) {
#ifdef _WIN32
  Sleep(16);
#else
  const struct timespec tick = {.tv_nsec = 16 * 1000 * 1000};
  nanosleep(&tick, NULL);
#endif
}

/* What a record says; returns 1 when the example is over. */
static int on_record(const MoqRecordHeader* record, const char* payload) {
  const int length = (int)record->payload_length;
  if (record->kind == MOQ_RECORD_READY && record->handle == subscription) {
    send_text("hello");
    send_text("goodbye");
  } else if (record->kind == MOQ_RECORD_OBJECT) {
    printf("group %llu object %llu: %.*s\n", (unsigned long long)record->group,
           (unsigned long long)record->object, length, payload);
    return length == 7 && memcmp(payload, "goodbye", 7) == 0;
  } else if (record->kind == MOQ_RECORD_END) {
    fprintf(stderr, "handle %llu ended: %.*s\n", (unsigned long long)record->handle, length,
            payload);
    return 1;
  }
  return 0;
}

/* Everything that waits now; a game calls this once per tick. */
static int poll_all(void) {
  MoqPollResult polled = {.struct_size = sizeof polled};
  do {
    if (moq_poll(client, (uint8_t*)buffer, sizeof buffer, &polled) != MOQ_OK)
      return -1;
    const char* at = (const char*)buffer;
    for (size_t i = 0; i < polled.count; i++) {
      const MoqRecordHeader* record = (const MoqRecordHeader*)at;
      if (on_record(record, at + MOQ_RECORD_HEADER_SIZE))
        return 1;
      at += record->length;
    }
  } while (polled.more);
  return 0;
}

static int run(const char* memory_url) {
  static const char track[] = "{\"namespace\":[\"example\"],\"name\":\"echo\",\"wait\":5000}";
  static const char published[] = "{\"namespace\":[\"example\"],\"name\":\"echo\"}";
  char options[256];
  snprintf(options, sizeof options, "{\"url\":\"%s\"}", memory_url);
  if (moq_client_open(options, strlen(options), &client) != MOQ_OK)
    return failed("open");
  if (moq_publication_open(client, published, strlen(published), &publication) != MOQ_OK)
    return failed("publish");
  if (moq_subscription_open(client, track, strlen(track), &subscription) != MOQ_OK)
    return failed("subscribe");
  for (int i = 0; i < 600; i++) {
    const int done = poll_all();
    if (done < 0)
      return failed("poll");
    if (done > 0)
      return 0;
    sleep_one_tick();
  }
  fprintf(stderr, "nothing arrived in 10 s\n");
  return 1;
}

int main(void) {
  MoqHandle relay;
  char info[1024], url[128];
  size_t length;
  if (moq_abi_version() != MOQ_ABI_VERSION)
    return fprintf(stderr, "another ABI version\n"), 1;
  if (moq_relay_start("{}", 2, &relay) != MOQ_OK)
    return failed("relay");
  if (moq_relay_info(relay, info, sizeof info - 1, &length) != MOQ_OK)
    return failed("info");
  info[length] = '\0';
  const char* memory = strstr(info, "\"memoryUrl\":\"");
  if (memory == NULL || sscanf(memory, "\"memoryUrl\":\"%127[^\"]", url) != 1)
    return failed("url");
  const int code = run(url);
  /* Closes clients, stops relays and joins the library's threads. */
  return moq_shutdown() == MOQ_OK ? code : failed("shutdown");
}
