// PNG by libpng's simplified interface, which keeps its long jumps to itself.
#include "cp_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// png_image of libpng 1.6, version 1.
typedef struct image {
  void *opaque;
  uint32_t version, width, height, format, flags, colormap_entries, warning_or_error;
  char message[64];
} image;

enum { VERSION = 1, RGBA = 3, SIXTEEN_BITS_ARE_SRGB = 4 };

static int (*begin_read)(image *, const void *, size_t);
static int (*finish_read)(image *, const void *, void *, int32_t, void *);
static void (*free_image)(image *);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;

static void load(void) {
  const cp_symbol symbols[] = {
      {"png_image_begin_read_from_memory", &begin_read},
      {"png_image_finish_read", &finish_read},
      {"png_image_free", &free_image},
  };
  is_loaded = cp_load("libpng16.so.16", symbols, 3);
}

cp_status cp_png_open(const uint8_t *bytes, size_t count, cp_picture *picture) {
  pthread_once(&once, load);
  if (!is_loaded) return CP_NO_LIBRARY;
  if (count < 33 || memcmp(bytes + 12, "IHDR", 4) != 0) return CP_DAMAGED;
  cp_status status = cp_set_size(picture, cp_u32be(bytes + 16), cp_u32be(bytes + 20), 4);
  picture->work_bytes += (int64_t)count;
  return status;
}

// The chunks that make the pixels. Without the others no gamma is applied, and none of their compressed contents is expanded.
static size_t copy_chunks(const uint8_t *bytes, size_t count, uint8_t *to) {
  static const char kept[][5] = {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"};
  size_t at = 8, size = 8;
  memcpy(to, bytes, 8);
  while (count - at >= 12) {
    size_t length = cp_u32be(bytes + at);
    if (count - at - 12 < length) break;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
      if (memcmp(bytes + at + 4, kept[i], 4) != 0) continue;
      memcpy(to + size, bytes + at, length + 12);
      size += length + 12;
    }
    at += length + 12;
  }
  return size;
}

cp_status cp_png_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb) {
  size_t pixels = (size_t)(picture->width * picture->height);
  uint8_t *chunks = malloc(count);
  // With alpha, which is then left out: without, libpng would mix the colours with a background.
  uint8_t *rgba = malloc(pixels * 4);
  cp_status status = CP_NO_MEMORY;
  if (chunks && rgba) {
    image file = {.version = VERSION};
    size_t size = copy_chunks(bytes, count, chunks);
    status = CP_DAMAGED;
    if (begin_read(&file, chunks, size) && file.width == picture->width && file.height == picture->height) {
      file.format = RGBA;
      file.flags |= SIXTEEN_BITS_ARE_SRGB;
      if (finish_read(&file, NULL, rgba, 0, NULL)) status = CP_OK;
    }
    free_image(&file);
  }
  for (size_t i = 0; status == CP_OK && i < pixels; i++) memcpy(rgb + 3 * i, rgba + 4 * i, 3);
  free(rgba);
  free(chunks);
  return status;
}
