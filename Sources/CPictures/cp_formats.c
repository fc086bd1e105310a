#include "cp_internal.h"

#include <dlfcn.h>
#include <string.h>

bool cp_load(const char *file, const cp_symbol *symbols, size_t count) {
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library) return false;
  for (size_t i = 0; i < count; i++) {
    void *found = dlsym(library, symbols[i].name);
    if (!found) return false;
    memcpy(symbols[i].address, &found, sizeof found);
  }
  return true;
}

typedef struct reader {
  cp_status (*open)(const uint8_t *, size_t, cp_picture *);
  cp_status (*decode)(const uint8_t *, size_t, const cp_picture *, uint8_t *);
  const char *library, *package;
} reader;

static const reader readers[] = {
    [CP_BMP] = {cp_bmp_open, cp_bmp_decode, NULL, NULL},
    [CP_PNM] = {cp_pnm_open, cp_pnm_decode, NULL, NULL},
    [CP_PNG] = {cp_png_open, cp_png_decode, "libpng16.so.16", "libpng16-16"},
    [CP_JPEG] = {cp_jpeg_open, cp_jpeg_decode, "libturbojpeg.so.0", "libturbojpeg0"},
    [CP_WEBP] = {cp_webp_open, cp_webp_decode, "libwebp.so.7", "libwebp7"},
    [CP_TIFF] = {cp_tiff_open, cp_tiff_decode, "libtiff.so.6", "libtiff6"},
    [CP_JPEG2000] = {cp_jpeg2000_open, cp_jpeg2000_decode, "libopenjp2.so.7", "libopenjp2-7"},
};

static bool begins(const uint8_t *bytes, size_t count, size_t at, const char *with, size_t length) {
  return count >= at + length && memcmp(bytes + at, with, length) == 0;
}
#define BEGINS(at, with) begins(bytes, count, at, with, sizeof(with) - 1)

static int format_of(const uint8_t *bytes, size_t count) {
  if (BEGINS(0, "\x89PNG\r\n\x1a\n")) return CP_PNG;
  if (BEGINS(0, "\xff\xd8\xff")) return CP_JPEG;
  if (BEGINS(0, "RIFF") && BEGINS(8, "WEBP")) return CP_WEBP;
  if (BEGINS(0, "\0\0\0\x0cjP  \r\n\x87\n") || BEGINS(0, "\xff\x4f\xff\x51")) return CP_JPEG2000;
  if (BEGINS(0, "II*\0") || BEGINS(0, "MM\0*") || BEGINS(0, "II+\0") || BEGINS(0, "MM\0+")) return CP_TIFF;
  if (BEGINS(0, "BM")) return CP_BMP;
  if (count > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6') return CP_PNM;
  return -1;
}

cp_status cp_open(const uint8_t *bytes, size_t count, cp_picture *picture) {
  memset(picture, 0, sizeof *picture);
  int format = format_of(bytes, count);
  if (format < 0) return CP_DAMAGED;
  picture->format = (cp_format)format;
  picture->library = readers[format].library;
  picture->package = readers[format].package;
  return readers[format].open(bytes, count, picture);
}

cp_status cp_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb) {
  return readers[picture->format].decode(bytes, count, picture, rgb);
}
