// TIFF by libtiff's conversion to RGBA, of the file's first picture. Since libtiff 4.5 (libtiff.so.6) messages and limits belong to the
// open file, so that nothing of the process is changed.
#include "cp_internal.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct tiff tiff;
typedef struct options options;
typedef int (*message_handler)(tiff *, void *, const char *, const char *, va_list);
typedef int64_t (*transfer)(void *, void *, int64_t);

static options *(*options_alloc)(void);
static void (*options_free)(options *);
static void (*set_error_handler)(options *, message_handler, void *);
static void (*set_warning_handler)(options *, message_handler, void *);
static void (*set_most_memory)(options *, int64_t);
static tiff *(*client_open)(
    const char *, const char *, void *, transfer, transfer, uint64_t (*)(void *, uint64_t, int), int (*)(void *), uint64_t (*)(void *),
    int (*)(void *, void **, uint64_t *), void (*)(void *, void *, uint64_t), options *);
static void (*close_file)(tiff *);
static int (*get_field)(tiff *, uint32_t, ...);
static int (*set_field)(tiff *, uint32_t, ...);
static int (*is_tiled)(tiff *);
static uint64_t (*tile_size)(tiff *);
static uint64_t (*strip_size)(tiff *);
static int (*can_convert)(tiff *, char[1024]);
static int (*read_rgba)(tiff *, uint32_t, uint32_t, uint32_t *, int, int);

enum { WIDTH = 256, LENGTH = 257, ORIENTATION = 274, EXTRA_SAMPLES = 338, ASSOCIATED = 1, SEPARATE = 2 };

// Which way the first row and column of the file lie; from 5 on rows are columns of the picture.
enum { TOP_LEFT = 1, TOP_RIGHT, BOTTOM_RIGHT, BOTTOM_LEFT, LEFT_TOP, RIGHT_TOP, RIGHT_BOTTOM, LEFT_BOTTOM };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;

static void load(void) {
  const cp_symbol symbols[] = {
      {"TIFFOpenOptionsAlloc", &options_alloc},
      {"TIFFOpenOptionsFree", &options_free},
      {"TIFFOpenOptionsSetErrorHandlerExtR", &set_error_handler},
      {"TIFFOpenOptionsSetWarningHandlerExtR", &set_warning_handler},
      {"TIFFOpenOptionsSetMaxSingleMemAlloc", &set_most_memory},
      {"TIFFClientOpenExt", &client_open},
      {"TIFFClose", &close_file},
      {"TIFFGetField", &get_field},
      {"TIFFSetField", &set_field},
      {"TIFFIsTiled", &is_tiled},
      {"TIFFTileSize64", &tile_size},
      {"TIFFStripSize64", &strip_size},
      {"TIFFRGBAImageOK", &can_convert},
      {"TIFFReadRGBAImageOriented", &read_rgba},
  };
  is_loaded = cp_load("libtiff.so.6", symbols, sizeof symbols / sizeof *symbols);
}

// The file in memory, and whether libtiff found fault with it.
typedef struct source {
  const uint8_t *bytes;
  uint64_t count, at;
  bool is_damaged;
} source;

static int64_t read_bytes(void *context, void *to, int64_t size) {
  source *s = context;
  if (size < 0 || s->at >= s->count) return 0;
  uint64_t left = s->count - s->at, length = (uint64_t)size < left ? (uint64_t)size : left;
  memcpy(to, s->bytes + s->at, length);
  s->at += length;
  return (int64_t)length;
}

static int64_t write_bytes(void *context, void *from, int64_t size) {
  (void)context, (void)from, (void)size;
  return 0;
}

static uint64_t seek(void *context, uint64_t offset, int whence) {
  source *s = context;
  s->at = offset + (whence == 1 ? s->at : whence == 2 ? s->count : 0);
  return s->at;
}

static int close_source(void *context) {
  (void)context;
  return 0;
}

static uint64_t size_of(void *context) { return ((source *)context)->count; }

static int map(void *context, void **base, uint64_t *size) {
  (void)context, (void)base, (void)size;
  return 0;
}

static void unmap(void *context, void *base, uint64_t size) { (void)context, (void)base, (void)size; }

static int on_error(tiff *file, void *context, const char *module, const char *format, va_list arguments) {
  (void)file, (void)module, (void)format, (void)arguments;
  ((source *)context)->is_damaged = true;
  return 1;
}

static int on_warning(tiff *file, void *context, const char *module, const char *format, va_list arguments) {
  (void)file, (void)context, (void)module, (void)format, (void)arguments;
  return 1;
}

static tiff *open_source(source *s, int64_t most_memory) {
  options *with = options_alloc();
  if (!with) return NULL;
  set_error_handler(with, on_error, s);
  set_warning_handler(with, on_warning, s);
  set_most_memory(with, most_memory);
  tiff *file = client_open("memory", "rm", s, read_bytes, write_bytes, seek, close_source, size_of, map, unmap, with);
  options_free(with);
  return file;
}

// libtiff multiplies colours by an alpha that they are not multiplied by yet. The alpha is left out here, so that it must not.
static bool keep_colors(tiff *file) {
  uint16_t count = 0, *types = NULL, associated = ASSOCIATED;
  if (!get_field(file, EXTRA_SAMPLES, &count, &types) || count != 1 || types[0] != SEPARATE) return true;
  return set_field(file, EXTRA_SAMPLES, 1, &associated);
}

// Size and orientation of the picture in the file; false where it has none that can be read.
static bool measure(tiff *file, uint32_t *width, uint32_t *height, uint16_t *orientation) {
  if (!get_field(file, WIDTH, width) || !get_field(file, LENGTH, height)) return false;
  if (!get_field(file, ORIENTATION, orientation) || *orientation < TOP_LEFT || *orientation > LEFT_BOTTOM) *orientation = TOP_LEFT;
  return true;
}

cp_status cp_tiff_open(const uint8_t *bytes, size_t count, cp_picture *picture) {
  pthread_once(&once, load);
  if (!is_loaded) return CP_NO_LIBRARY;
  source s = {bytes, count, 0, false};
  tiff *file = open_source(&s, 1 << 26);
  if (!file) return CP_DAMAGED;
  uint32_t width = 0, height = 0;
  uint16_t orientation;
  char message[1024];
  cp_status status = CP_DAMAGED;
  if (measure(file, &width, &height, &orientation) && can_convert(file, message) && !s.is_damaged) {
    status = orientation < LEFT_TOP ? cp_set_size(picture, width, height, 4) : cp_set_size(picture, height, width, 4);
    // Planes that lie apart are read four at once.
    uint64_t part = is_tiled(file) ? tile_size(file) : strip_size(file);
    if (part > INT64_C(1) << 40) status = CP_DAMAGED;
    if (status == CP_OK) picture->work_bytes += 4 * (int64_t)part;
  }
  close_file(file);
  return status;
}

static void turn(const uint32_t *rgba, size_t width, size_t height, uint16_t orientation, uint8_t *rgb) {
  for (size_t row = 0; row < height; row++) {
    for (size_t column = 0; column < width; column++) {
      bool is_mirrored = orientation == TOP_RIGHT || orientation == BOTTOM_RIGHT || orientation == RIGHT_BOTTOM || orientation == LEFT_BOTTOM;
      bool is_reversed = orientation == BOTTOM_RIGHT || orientation == BOTTOM_LEFT || orientation == RIGHT_TOP || orientation == RIGHT_BOTTOM;
      size_t c = is_mirrored ? width - 1 - column : column, r = is_reversed ? height - 1 - row : row;
      uint8_t *to = rgb + 3 * (orientation < LEFT_TOP ? r * width + c : c * height + r);
      uint32_t from = rgba[row * width + column];
      to[0] = (uint8_t)from, to[1] = (uint8_t)(from >> 8), to[2] = (uint8_t)(from >> 16);
    }
  }
}

cp_status cp_tiff_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb) {
  source s = {bytes, count, 0, false};
  size_t pixels = (size_t)(picture->width * picture->height);
  uint32_t *rgba = malloc(pixels * 4);
  if (!rgba) return CP_NO_MEMORY;
  tiff *file = open_source(&s, picture->work_bytes + (1 << 26));
  bool is_right = false;
  uint32_t width = 0, height = 0;
  uint16_t orientation = TOP_LEFT;
  if (file) {
    // As the file has it, without a turn.
    is_right = measure(file, &width, &height, &orientation) && (size_t)width * height == pixels &&
               (orientation < LEFT_TOP ? width : height) == picture->width && keep_colors(file) &&
               read_rgba(file, width, height, rgba, orientation, 1) && !s.is_damaged;
    close_file(file);
  }
  if (is_right) turn(rgba, width, height, orientation, rgb);
  free(rgba);
  return is_right ? CP_OK : CP_DAMAGED;
}
