// Pictures in memory, decoded to 8 bits of red, green and blue. BMP and PNM are read here; the other formats by the libraries that the
// rest of the system uses for them, which are opened when the first such picture comes. Reads nothing outside the bytes it is given.
#ifndef CPICTURES_H
#define CPICTURES_H

#include <stddef.h>
#include <stdint.h>

typedef enum cp_status {
  CP_OK = 0,
  // No picture of a known format, or one that is damaged.
  CP_DAMAGED = 1,
  // The library for the format is not installed, or lacks a function: cp_picture.library and .package say which.
  CP_NO_LIBRARY = 2,
  CP_NO_MEMORY = 3,
} cp_status;

typedef enum cp_format { CP_BMP, CP_PNM, CP_PNG, CP_JPEG, CP_WEBP, CP_TIFF, CP_JPEG2000 } cp_format;

typedef struct cp_picture {
  cp_format format;
  // 1 to 2^31 - 1 each, and at most 2^40 pixels.
  int64_t width, height;
  // About how many bytes decoding takes besides the result.
  int64_t work_bytes;
  // The library that reads the format and Debian's package of it; NULL for those that are read here.
  const char *library, *package;
} cp_picture;

// Finds out format and size; decodes nothing.
cp_status cp_open(const uint8_t *bytes, size_t count, cp_picture *picture);

// Decodes what cp_open() described into height x width x 3 bytes.
cp_status cp_decode(const uint8_t *bytes, size_t count, const cp_picture *picture, uint8_t *rgb);

#endif
