// Portable bitmaps, graymaps and pixmaps, plain (P1 to P3) and raw (P4 to P6).
#include "cp_internal.h"

typedef struct cursor {
  const uint8_t *bytes;
  size_t count, at;
} cursor;

static bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// Past white space and comments, which reach to the end of their line.
static void skip(cursor *c) {
  while (c->at < c->count) {
    if (c->bytes[c->at] == '#') {
      while (c->at < c->count && c->bytes[c->at] != '\n' && c->bytes[c->at] != '\r') c->at++;
    } else if (is_space(c->bytes[c->at])) {
      c->at++;
    } else {
      return;
    }
  }
}

// The next number; -1 where there is none or a larger one than any that is allowed. `digits` limits its length.
static int64_t number(cursor *c, int digits) {
  int64_t value = 0;
  int read = 0;
  skip(c);
  for (; c->at < c->count && c->bytes[c->at] >= '0' && c->bytes[c->at] <= '9' && read < digits; c->at++, read++) {
    value = value * 10 + (c->bytes[c->at] - '0');
    if (value > INT32_MAX) return -1;
  }
  return read ? value : -1;
}

typedef struct header {
  bool plain, bits;
  int channels;
  int64_t width, height, most;
} header;

static bool read_header(cursor *c, header *h) {
  int kind = c->bytes[1] - '0';
  c->at = 2;
  h->plain = kind <= 3;
  h->bits = kind == 1 || kind == 4;
  h->channels = kind == 3 || kind == 6 ? 3 : 1;
  h->width = number(c, 20);
  h->height = number(c, 20);
  h->most = h->bits ? 1 : number(c, 20);
  if (h->width < 1 || h->height < 1 || h->most < 1 || h->most > 65535) return false;
  // Just one white space is between the header and the pixels.
  return c->at < c->count && is_space(c->bytes[c->at++]);
}

// Bytes that the pixels take at least. The size was looked at before.
static int64_t least_bytes(const header *h) {
  if (h->plain) return h->width * h->height * h->channels * (h->bits ? 1 : 2) - 1;
  return h->height * (h->bits ? (h->width + 7) / 8 : h->width * h->channels * (h->most > 255 ? 2 : 1));
}

cp_status cp_pnm_open(const uint8_t *bytes, size_t count, cp_picture *picture) {
  cursor c = {bytes, count, 0};
  header h;
  if (!read_header(&c, &h)) return CP_DAMAGED;
  cp_status status = cp_set_size(picture, h.width, h.height, 0);
  if (status != CP_OK) return status;
  return (int64_t)(count - c.at) >= least_bytes(&h) ? CP_OK : CP_DAMAGED;
}

static bool next_sample(cursor *c, const header *h, uint8_t *sample) {
  int64_t value;
  if (h->plain) {
    value = number(c, h->bits ? 1 : 20);
  } else {
    size_t size = h->most > 255 ? 2 : 1;
    if (c->count - c->at < size) return false;
    value = size == 2 ? c->bytes[c->at] << 8 | c->bytes[c->at + 1] : c->bytes[c->at];
    c->at += size;
  }
  if (value < 0 || value > h->most) return false;
  // In bitmaps 1 is black.
  *sample = h->bits ? (value ? 0 : 255) : cp_to_byte((uint64_t)value, (uint64_t)h->most);
  return true;
}

cp_status cp_pnm_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb) {
  cursor c = {bytes, count, 0};
  header h;
  if (!read_header(&c, &h) || h.width != picture->width || h.height != picture->height) return CP_DAMAGED;
  for (int64_t y = 0; y < h.height; y++) {
    if (h.bits && !h.plain) {
      size_t row = (size_t)((h.width + 7) / 8);
      if (count - c.at < row) return CP_DAMAGED;
      for (int64_t x = 0; x < h.width; x++, rgb += 3) rgb[0] = rgb[1] = rgb[2] = bytes[c.at + (size_t)(x / 8)] >> (7 - x % 8) & 1 ? 0 : 255;
      c.at += row;
      continue;
    }
    for (int64_t x = 0; x < h.width; x++, rgb += 3) {
      if (!next_sample(&c, &h, &rgb[0])) return CP_DAMAGED;
      rgb[1] = rgb[2] = rgb[0];
      if (h.channels == 3 && (!next_sample(&c, &h, &rgb[1]) || !next_sample(&c, &h, &rgb[2]))) return CP_DAMAGED;
    }
  }
  return CP_OK;
}
