// WebP, lossy and lossless, without animations.
#include "cp_internal.h"

#include <pthread.h>

static int (*get_info)(const uint8_t *, size_t, int *, int *);
static uint8_t *(*decode_rgb)(const uint8_t *, size_t, uint8_t *, size_t, int);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;

static void load(void) {
  const cp_symbol symbols[] = {{"WebPGetInfo", &get_info}, {"WebPDecodeRGBInto", &decode_rgb}};
  is_loaded = cp_load("libwebp.so.7", symbols, 2);
}

cp_status cp_webp_open(const uint8_t *bytes, size_t count, cp_picture *picture) {
  int width, height;
  pthread_once(&once, load);
  if (!is_loaded) return CP_NO_LIBRARY;
  if (!get_info(bytes, count, &width, &height)) return CP_DAMAGED;
  // Lossless pictures are held whole, four bytes a pixel.
  return cp_set_size(picture, width, height, 8);
}

cp_status cp_webp_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb) {
  int width, height;
  if (!get_info(bytes, count, &width, &height) || width != picture->width || height != picture->height) return CP_DAMAGED;
  return decode_rgb(bytes, count, rgb, (size_t)width * (size_t)height * 3, width * 3) ? CP_OK : CP_DAMAGED;
}
