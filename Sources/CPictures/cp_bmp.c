// Windows and OS/2 bitmaps: palettes, 16 to 32 bits with or without masks, run-length encoding.
#include "cp_internal.h"

#include <string.h>

enum { RGB = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3, ALPHABITFIELDS = 6 };

typedef struct header {
  int64_t width, height, stride;
  bool is_top_down;
  uint32_t bits, compression, masks[3];
  // Where the pixels start.
  size_t pixels;
  const uint8_t *palette;
  uint32_t colors, color_size;
} header;

static bool read_header(const uint8_t *bytes, size_t count, header *h) {
  if (count < 26) return false;
  memset(h, 0, sizeof *h);
  h->pixels = cp_u32le(bytes + 10);
  uint32_t size = cp_u32le(bytes + 14);
  if (size < 12 || size > 1024 || count - 14 < size) return false;
  size_t palette = 14 + (size_t)size;
  uint32_t used = 0;
  if (size == 12) {
    h->width = cp_u16le(bytes + 18);
    h->height = cp_u16le(bytes + 20);
    h->bits = cp_u16le(bytes + 24);
    h->color_size = 3;
  } else {
    if (size < 40) return false;
    h->width = (int32_t)cp_u32le(bytes + 18);
    h->height = (int32_t)cp_u32le(bytes + 22);
    h->is_top_down = h->height < 0;
    if (h->is_top_down) h->height = -h->height;
    h->bits = cp_u16le(bytes + 28);
    h->compression = cp_u32le(bytes + 30);
    used = cp_u32le(bytes + 46);
    h->color_size = 4;
  }
  if (h->width < 1 || h->height < 1) return false;
  switch (h->compression) {
    case RGB:
      if (h->bits != 1 && h->bits != 2 && h->bits != 4 && h->bits != 8 && h->bits != 16 && h->bits != 24 && h->bits != 32) return false;
      break;
    case RLE8:
      if (h->bits != 8 || h->is_top_down) return false;
      break;
    case RLE4:
      if (h->bits != 4 || h->is_top_down) return false;
      break;
    case BITFIELDS:
    case ALPHABITFIELDS: {
      if (h->bits != 16 && h->bits != 32) return false;
      // In the header, or right behind a short one.
      if (size == 40) palette += h->compression == BITFIELDS ? 12 : 16;
      if (count < 66) return false;
      for (int i = 0; i < 3; i++) h->masks[i] = cp_u32le(bytes + 54 + 4 * i);
      break;
    }
    default: return false;
  }
  if (h->compression == RGB && h->bits == 16) h->masks[0] = 0x7c00, h->masks[1] = 0x03e0, h->masks[2] = 0x001f;
  if (h->compression == RGB && h->bits == 32) h->masks[0] = 0xff0000, h->masks[1] = 0xff00, h->masks[2] = 0xff;
  if (h->bits <= 8) {
    h->colors = used && used < 1u << h->bits ? used : 1u << h->bits;
    // Some writers leave out colours that no pixel has.
    if (palette > count) return false;
    size_t there = (count - palette) / h->color_size;
    if (h->colors > there) h->colors = (uint32_t)there;
    h->palette = bytes + palette;
  }
  h->stride = (h->width * h->bits + 31) / 32 * 4;
  return h->pixels <= count;
}

cp_status cp_bmp_open(const uint8_t *bytes, size_t count, cp_picture *picture) {
  header h;
  if (!read_header(bytes, count, &h)) return CP_DAMAGED;
  cp_status status = cp_set_size(picture, h.width, h.height, 0);
  if (status != CP_OK) return status;
  bool is_encoded = h.compression == RLE8 || h.compression == RLE4;
  return is_encoded || (int64_t)(count - h.pixels) / h.stride >= h.height ? CP_OK : CP_DAMAGED;
}

// An index beyond the palette is black, as elsewhere.
static void set_color(const header *h, uint32_t index, uint8_t *rgb) {
  if (index >= h->colors) {
    rgb[0] = rgb[1] = rgb[2] = 0;
    return;
  }
  const uint8_t *color = h->palette + (size_t)index * h->color_size;
  rgb[0] = color[2], rgb[1] = color[1], rgb[2] = color[0];
}

static uint8_t field(uint32_t value, uint32_t mask) {
  if (!mask) return 0;
  int shift = __builtin_ctz(mask);
  return cp_to_byte((value & mask) >> shift, mask >> shift);
}

static void decode_row(const header *h, const uint8_t *row, uint8_t *rgb) {
  for (int64_t x = 0; x < h->width; x++, rgb += 3) {
    switch (h->bits) {
      case 16:
      case 32: {
        uint32_t value = h->bits == 16 ? cp_u16le(row + 2 * x) : cp_u32le(row + 4 * x);
        for (int i = 0; i < 3; i++) rgb[i] = field(value, h->masks[i]);
        break;
      }
      case 24: rgb[0] = row[3 * x + 2], rgb[1] = row[3 * x + 1], rgb[2] = row[3 * x]; break;
      default: {
        int64_t bit = x * h->bits;
        set_color(h, row[bit / 8] >> (8 - h->bits - bit % 8) & ((1u << h->bits) - 1), rgb);
      }
    }
  }
}

// Runs and literal stretches from the lowest row upwards; what is left out has colour 0.
static cp_status decode_runs(const header *h, const uint8_t *bytes, size_t count, uint8_t *rgb) {
  for (int64_t i = 0; i < h->width * h->height; i++) set_color(h, 0, rgb + 3 * i);
  size_t at = h->pixels;
  int64_t x = 0, y = 0;
  while (count - at >= 2) {
    uint32_t length = bytes[at], code = bytes[at + 1];
    at += 2;
    if (length == 0 && code == 1) return CP_OK;
    if (length == 0 && code == 0) {
      x = 0, y++;
    } else if (length == 0 && code == 2) {
      if (count - at < 2) return CP_DAMAGED;
      x += bytes[at], y += bytes[at + 1];
      at += 2;
    } else {
      uint32_t pixels = length ? length : code;
      size_t size = length ? 0 : (pixels * h->bits + 15) / 16 * 2;
      if (count - at < size || y >= h->height || pixels > h->width - x) return CP_DAMAGED;
      for (uint32_t i = 0; i < pixels; i++, x++) {
        uint32_t byte = length ? code : h->bits == 8 ? bytes[at + i] : bytes[at + i / 2];
        uint32_t index = h->bits == 8 ? byte : i % 2 ? byte & 15 : byte >> 4;
        set_color(h, index, rgb + 3 * ((h->height - 1 - y) * h->width + x));
      }
      at += size;
    }
    if (x > h->width || y > h->height) return CP_DAMAGED;
  }
  return y >= h->height || (y == h->height - 1 && x == h->width) ? CP_OK : CP_DAMAGED;
}

cp_status cp_bmp_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb) {
  header h;
  if (!read_header(bytes, count, &h) || h.width != picture->width || h.height != picture->height) return CP_DAMAGED;
  if (h.compression == RLE8 || h.compression == RLE4) return decode_runs(&h, bytes, count, rgb);
  if ((int64_t)(count - h.pixels) / h.stride < h.height) return CP_DAMAGED;
  for (int64_t y = 0; y < h.height; y++) {
    const uint8_t *row = bytes + h.pixels + (size_t)((h.is_top_down ? y : h.height - 1 - y) * h.stride);
    decode_row(&h, row, rgb + 3 * h.width * y);
  }
  return CP_OK;
}
