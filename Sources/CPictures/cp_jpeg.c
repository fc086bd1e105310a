// JPEG by libjpeg-turbo: the slow, exact inverse transform and smooth upsampling of colours.
#include "cp_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS_RGB = 0, PIXELS_CMYK = 11, SPACE_CMYK = 3, SPACE_YCCK = 4, STOP_ON_WARNING = 8192, LIMIT_SCANS = 32768 };

static void *(*init_decompress)(void);
static int (*read_header)(void *, const uint8_t *, unsigned long, int *, int *, int *, int *);
static int (*decompress)(void *, const uint8_t *, unsigned long, uint8_t *, int, int, int, int, int);
static char *(*error_text)(void *);
static int (*destroy)(void *);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;

static void load(void) {
  const cp_symbol symbols[] = {
      {"tjInitDecompress", &init_decompress},
      {"tjDecompressHeader3", &read_header},
      {"tjDecompress2", &decompress},
      {"tjGetErrorStr2", &error_text},
      {"tjDestroy", &destroy},
  };
  is_loaded = cp_load("libturbojpeg.so.0", symbols, 5);
}

cp_status cp_jpeg_open(const uint8_t *bytes, size_t count, cp_picture *picture) {
  int width, height, subsampling, space;
  pthread_once(&once, load);
  if (!is_loaded) return CP_NO_LIBRARY;
  void *handle = init_decompress();
  if (!handle) return CP_NO_MEMORY;
  cp_status status = CP_DAMAGED;
  if (read_header(handle, bytes, count, &width, &height, &subsampling, &space) == 0) {
    // Coefficients of a progressive file, of up to four components, two bytes each.
    status = cp_set_size(picture, width, height, space == SPACE_CMYK || space == SPACE_YCCK ? 12 : 8);
  }
  destroy(handle);
  return status;
}

// Bytes that nobody reads do no harm; every other warning means pixels that are not those of the picture.
static bool is_harmless(void *handle) { return strstr(error_text(handle), "extraneous bytes") != NULL; }

static bool decode(void *handle, const uint8_t *bytes, size_t count, const cp_picture *picture, int pixels, uint8_t *to) {
  int width = (int)picture->width, height = (int)picture->height;
  if (decompress(handle, bytes, count, to, width, 0, height, pixels, STOP_ON_WARNING | LIMIT_SCANS) == 0) return true;
  if (!is_harmless(handle)) return false;
  return decompress(handle, bytes, count, to, width, 0, height, pixels, LIMIT_SCANS) == 0 || is_harmless(handle);
}

// Writers of CMYK store how much ink is missing.
static cp_status decode_inks(void *handle, const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb) {
  size_t pixels = (size_t)(picture->width * picture->height);
  uint8_t *inks = malloc(pixels * 4);
  if (!inks) return CP_NO_MEMORY;
  bool is_right = decode(handle, bytes, count, picture, PIXELS_CMYK, inks);
  for (size_t i = 0; is_right && i < 3 * pixels; i++) rgb[i] = cp_to_byte((uint64_t)inks[i / 3 * 4 + i % 3] * inks[i / 3 * 4 + 3], 255 * 255);
  free(inks);
  return is_right ? CP_OK : CP_DAMAGED;
}

cp_status cp_jpeg_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb) {
  int width, height, subsampling, space;
  void *handle = init_decompress();
  if (!handle) return CP_NO_MEMORY;
  cp_status status = CP_DAMAGED;
  if (read_header(handle, bytes, count, &width, &height, &subsampling, &space) == 0 && width == picture->width && height == picture->height) {
    if (space == SPACE_CMYK || space == SPACE_YCCK) {
      status = decode_inks(handle, bytes, count, picture, rgb);
    } else if (decode(handle, bytes, count, picture, PIXELS_RGB, rgb)) {
      status = CP_OK;
    }
  }
  destroy(handle);
  return status;
}
