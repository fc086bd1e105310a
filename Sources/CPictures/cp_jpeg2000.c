// JPEG 2000, in a JP2 file or as a bare code stream, by OpenJPEG.
#include "cp_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// opj_image_comp_t and the beginning of opj_image_t of OpenJPEG 2.
typedef struct component {
  uint32_t dx, dy, w, h, x0, y0, prec, bpp, sgnd, resolutions, factor;
  int32_t *data;
  uint16_t alpha;
} component;

typedef struct image {
  uint32_t x0, y0, x1, y1, count;
  int32_t space;
  component *components;
} image;

enum { CODEC_J2K = 0, CODEC_JP2 = 2, SPACE_SYCC = 3, SPACE_EYCC = 4, SPACE_CMYK = 5, PARAMETERS = 1 << 16 };

static void *(*create_stream)(size_t, int);
static void (*destroy_stream)(void *);
static void (*set_read)(void *, size_t (*)(void *, size_t, void *));
static void (*set_skip)(void *, int64_t (*)(int64_t, void *));
static void (*set_seek)(void *, int (*)(int64_t, void *));
static void (*set_source)(void *, void *, void (*)(void *));
static void (*set_length)(void *, uint64_t);
static void *(*create_codec)(int);
static void (*destroy_codec)(void *);
static void (*set_defaults)(void *);
static int (*setup)(void *, void *);
static int (*read_header)(void *, void *, image **);
static int (*decode)(void *, void *, image *);
static int (*end)(void *, void *);
static void (*destroy_image)(image *);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;

static void load(void) {
  const cp_symbol symbols[] = {
      {"opj_stream_create", &create_stream},
      {"opj_stream_destroy", &destroy_stream},
      {"opj_stream_set_read_function", &set_read},
      {"opj_stream_set_skip_function", &set_skip},
      {"opj_stream_set_seek_function", &set_seek},
      {"opj_stream_set_user_data", &set_source},
      {"opj_stream_set_user_data_length", &set_length},
      {"opj_create_decompress", &create_codec},
      {"opj_destroy_codec", &destroy_codec},
      {"opj_set_default_decoder_parameters", &set_defaults},
      {"opj_setup_decoder", &setup},
      {"opj_read_header", &read_header},
      {"opj_decode", &decode},
      {"opj_end_decompress", &end},
      {"opj_image_destroy", &destroy_image},
  };
  is_loaded = cp_load("libopenjp2.so.7", symbols, sizeof symbols / sizeof *symbols);
}

typedef struct source {
  const uint8_t *bytes;
  size_t count, at;
} source;

static size_t read_bytes(void *to, size_t size, void *context) {
  source *s = context;
  size_t left = s->count - s->at;
  if (left == 0) return (size_t)-1;
  if (size > left) size = left;
  memcpy(to, s->bytes + s->at, size);
  s->at += size;
  return size;
}

static int64_t skip(int64_t size, void *context) {
  source *s = context;
  if (size < 0) return -1;
  if ((uint64_t)size > s->count - s->at) size = (int64_t)(s->count - s->at);
  s->at += (size_t)size;
  return size;
}

static int seek(int64_t to, void *context) {
  source *s = context;
  if (to < 0 || (uint64_t)to > s->count) return 0;
  s->at = (size_t)to;
  return 1;
}

typedef struct file {
  source source;
  void *stream, *codec;
  image *picture;
} file;

static void close_file(file *f) {
  if (f->picture) destroy_image(f->picture);
  if (f->codec) destroy_codec(f->codec);
  if (f->stream) destroy_stream(f->stream);
}

static bool open_file(file *f, const uint8_t *bytes, size_t count) {
  memset(f, 0, sizeof *f);
  f->source = (source){bytes, count, 0};
  f->stream = create_stream(1 << 16, 1);
  f->codec = create_codec(bytes[0] == 0xff ? CODEC_J2K : CODEC_JP2);
  if (!f->stream || !f->codec) return false;
  set_read(f->stream, read_bytes);
  set_skip(f->stream, skip);
  set_seek(f->stream, seek);
  set_source(f->stream, &f->source, NULL);
  set_length(f->stream, count);
  // More than opj_dparameters_t takes in any version.
  void *parameters = calloc(1, PARAMETERS);
  if (!parameters) return false;
  set_defaults(parameters);
  bool is_ready = setup(f->codec, parameters);
  free(parameters);
  return is_ready && read_header(f->stream, f->codec, &f->picture) && f->picture;
}

// Width and height, which the components may have a part of.
static bool measure(const image *picture, int64_t *width, int64_t *height) {
  if (picture->x1 <= picture->x0 || picture->y1 <= picture->y0 || picture->count < 1 || picture->count > 4) return false;
  *width = (int64_t)picture->x1 - picture->x0;
  *height = (int64_t)picture->y1 - picture->y0;
  for (uint32_t i = 0; i < picture->count; i++) {
    const component *c = &picture->components[i];
    if (c->dx < 1 || c->dy < 1 || c->w < 1 || c->h < 1 || c->prec < 1 || c->prec > 31) return false;
  }
  return true;
}

cp_status cp_jpeg2000_open(const uint8_t *bytes, size_t count, cp_picture *picture) {
  pthread_once(&once, load);
  if (!is_loaded) return CP_NO_LIBRARY;
  file f;
  int64_t width, height;
  cp_status status = CP_DAMAGED;
  // Four bytes for each component of a pixel, in the picture and in its tiles.
  if (open_file(&f, bytes, count) && measure(f.picture, &width, &height)) status = cp_set_size(picture, width, height, 8 * f.picture->count);
  close_file(&f);
  return status;
}

static int sample(const component *c, int64_t x, int64_t y) {
  int64_t column = x / c->dx, row = y / c->dy;
  if (column >= c->w) column = c->w - 1;
  if (row >= c->h) row = c->h - 1;
  int64_t most = (INT64_C(1) << c->prec) - 1;
  int64_t value = c->data[row * c->w + column] + (c->sgnd ? INT64_C(1) << (c->prec - 1) : 0);
  if (value < 0) value = 0;
  if (value > most) value = most;
  return c->prec > 8 ? (int)(value >> (c->prec - 8)) : cp_to_byte((uint64_t)value, (uint64_t)most);
}

static uint8_t clamp(double value) { return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5); }

static void convert(const image *picture, const cp_picture *size, uint8_t *rgb) {
  const component *c = picture->components;
  for (int64_t y = 0; y < size->height; y++) {
    for (int64_t x = 0; x < size->width; x++, rgb += 3) {
      if (picture->count < 3) {
        rgb[0] = rgb[1] = rgb[2] = (uint8_t)sample(&c[0], x, y);
        continue;
      }
      int a = sample(&c[0], x, y), b = sample(&c[1], x, y), d = sample(&c[2], x, y);
      if (picture->space == SPACE_SYCC || picture->space == SPACE_EYCC) {
        // ITU-R BT.601, as sYCC has it.
        rgb[0] = clamp(a + 1.402 * (d - 128));
        rgb[1] = clamp(a - 0.344136 * (b - 128) - 0.714136 * (d - 128));
        rgb[2] = clamp(a + 1.772 * (b - 128));
      } else if (picture->space == SPACE_CMYK && picture->count == 4) {
        int black = 255 - sample(&c[3], x, y);
        rgb[0] = cp_to_byte((uint64_t)((255 - a) * black), 255 * 255);
        rgb[1] = cp_to_byte((uint64_t)((255 - b) * black), 255 * 255);
        rgb[2] = cp_to_byte((uint64_t)((255 - d) * black), 255 * 255);
      } else {
        rgb[0] = (uint8_t)a, rgb[1] = (uint8_t)b, rgb[2] = (uint8_t)d;
      }
    }
  }
}

cp_status cp_jpeg2000_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb) {
  file f;
  int64_t width, height;
  bool is_right = open_file(&f, bytes, count) && measure(f.picture, &width, &height) && width == picture->width &&
                  height == picture->height && decode(f.codec, f.stream, f.picture) && end(f.codec, f.stream) &&
                  // A palette or a selection may have changed the components.
                  measure(f.picture, &width, &height) && width == picture->width && height == picture->height;
  for (uint32_t i = 0; is_right && i < f.picture->count; i++) is_right = f.picture->components[i].data != NULL;
  if (is_right) convert(f.picture, picture, rgb);
  close_file(&f);
  return is_right ? CP_OK : CP_DAMAGED;
}
