#ifndef CP_INTERNAL_H
#define CP_INTERNAL_H

#include "cpictures.h"

#include <stdbool.h>

// A function of a library: where its address goes.
typedef struct cp_symbol {
  const char *name;
  void *address;
} cp_symbol;

// Opens a library for good and finds all its functions; false where something is missing.
bool cp_load(const char *file, const cp_symbol *symbols, size_t count);

// Sets the size, if it is one that a picture may have.
static inline cp_status cp_set_size(cp_picture *picture, int64_t width, int64_t height, int64_t bytes_per_pixel) {
  if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX || width > (INT64_C(1) << 40) / height) return CP_DAMAGED;
  picture->width = width;
  picture->height = height;
  picture->work_bytes = width * height * bytes_per_pixel;
  return CP_OK;
}

static inline uint32_t cp_u16le(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t cp_u32le(const uint8_t *p) { return cp_u16le(p) | cp_u16le(p + 2) << 16; }
static inline uint32_t cp_u32be(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

// A number from 0 to `most` as one from 0 to 255.
static inline uint8_t cp_to_byte(uint64_t value, uint64_t most) { return (uint8_t)((value * 255 + most / 2) / most); }

#define CP_READER(name)                                                                      \
  cp_status cp_##name##_open(const uint8_t *bytes, size_t count, cp_picture *picture);         \
  cp_status cp_##name##_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb)
CP_READER(bmp);
CP_READER(pnm);
CP_READER(png);
CP_READER(jpeg);
CP_READER(webp);
CP_READER(tiff);
CP_READER(jpeg2000);
#undef CP_READER

#endif
