// Whole and damaged pictures, each at the end of a page behind which nothing may be read.
#define _GNU_SOURCE
#include "cpictures.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MOST_FILES = 64, MOST_BYTES = 1 << 16, MOST_PIXELS = 1 << 22 };

static bool are_libraries_missing;
static void *(*real_dlopen)(const char *, int);

// In place of the system's, so that libraries can be missing.
void *dlopen(const char *file, int flags) {
  if (are_libraries_missing) return NULL;
  if (!real_dlopen) real_dlopen = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
  return real_dlopen(file, flags);
}

typedef struct content {
  const char *name;
  size_t count;
  uint8_t bytes[MOST_BYTES];
} content;

static content files[MOST_FILES];
static int file_count;

static void read_files(char **names) {
  for (; *names && file_count < MOST_FILES; names++, file_count++) {
    FILE *file = fopen(*names, "rb");
    if (!file) {
      perror(*names);
      exit(1);
    }
    files[file_count].name = *names;
    files[file_count].count = fread(files[file_count].bytes, 1, MOST_BYTES, file);
    fclose(file);
  }
}

static uint64_t state;

static uint32_t random_number(uint32_t below) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((state >> 33) % below);
}

// Memory of MOST_BYTES in front of a page that cannot be read.
static uint8_t *guarded(void) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *memory = mmap(NULL, MOST_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory + MOST_BYTES, page, PROT_NONE)) exit(1);
  return memory;
}

static cp_status decode(const uint8_t *bytes, size_t count, cp_picture *picture) {
  cp_status status = cp_open(bytes, count, picture);
  if (status != CP_OK) return status;
  if (picture->width < 1 || picture->height < 1 || picture->work_bytes < 0) abort();
  // As a caller with a budget does.
  if (picture->width * picture->height > MOST_PIXELS || picture->work_bytes > 64 * MOST_PIXELS) return CP_NO_MEMORY;
  uint8_t *rgb = malloc((size_t)(picture->width * picture->height) * 3);
  if (!rgb) exit(1);
  status = cp_decode(bytes, count, picture, rgb);
  free(rgb);
  return status;
}

static void damage(uint8_t *bytes, size_t *count) {
  static const uint32_t numbers[] = {0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000u, 0xffffffffu};
  uint32_t changes = 1 + random_number(6);
  while (changes-- && *count > 8) {
    uint32_t at = random_number((uint32_t)*count);
    switch (random_number(6)) {
      case 0: bytes[at] ^= (uint8_t)(1u << random_number(8)); break;
      case 1: bytes[at] = (uint8_t)random_number(256); break;
      case 2: {
        uint32_t number = numbers[random_number(sizeof numbers / sizeof *numbers)];
        size_t size = 1u << random_number(3);
        for (size_t i = 0; i < size && at + i < *count; i++) bytes[at + i] = (uint8_t)(number >> (8 * (random_number(2) ? i : size - 1 - i)));
        break;
      }
      case 3: *count = at + 1; break;
      case 4: {
        const content *other = &files[random_number((uint32_t)file_count)];
        uint32_t from = random_number((uint32_t)other->count), size = random_number(32);
        for (uint32_t i = 0; i < size && at + i < *count && from + i < other->count; i++) bytes[at + i] = other->bytes[from + i];
        break;
      }
      // The headers are at the beginning.
      default: bytes[random_number(*count < 64 ? (uint32_t)*count : 64)] = (uint8_t)random_number(256);
    }
  }
}

// PNG checks its chunks before it looks at them.
static void mend_checksums(uint8_t *bytes, size_t count) {
  if (count < 8 || memcmp(bytes, "\x89PNG", 4) != 0) return;
  for (size_t at = 8; count - at >= 12;) {
    size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 | bytes[at + 3];
    if (count - at - 12 < length) return;
    uint32_t crc = 0xffffffffu;
    for (size_t i = at + 4; i < at + 8 + length; i++) {
      crc ^= bytes[i];
      for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++) bytes[at + 8 + length + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    at += 12 + length;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  cp_picture picture;
  int failures = 0;
  if (strcmp(argv[1], "missing") == 0) {
    read_files(argv + 2);
    are_libraries_missing = true;
    for (int i = 0; i < file_count; i++) {
      cp_status status = cp_open(files[i].bytes, files[i].count, &picture);
      bool is_own = picture.format == CP_BMP || picture.format == CP_PNM;
      bool is_right = is_own ? status == CP_OK : status == CP_NO_LIBRARY && strstr(picture.library, ".so.") && strstr(picture.package, "lib");
      if (!is_right) failures++, fprintf(stderr, "%s: status %d without libraries\n", files[i].name, status);
    }
    printf("pictures without libraries: %s\n", failures ? "wrong" : "ok");
    return failures != 0;
  }
  uint8_t *memory = guarded();
  bool is_damaging = strcmp(argv[1], "damage") == 0;
  if (is_damaging && argc < 5) return 2;
  read_files(argv + (is_damaging ? 4 : 2));
  if (!is_damaging) {
    for (int i = 0; i < file_count; i++) {
      // Each beginning of a file as well: what is cut off may be padding, but nothing behind the end is read.
      for (size_t count = files[i].count; count > 0; count--) {
        uint8_t *bytes = memory + MOST_BYTES - count;
        memcpy(bytes, files[i].bytes, count);
        cp_status status = decode(bytes, count, &picture);
        bool is_right = count == files[i].count ? status == CP_OK : status == CP_OK || status == CP_DAMAGED;
        if (!is_right) failures++, fprintf(stderr, "%s: status %d of %zu bytes\n", files[i].name, status, count);
      }
    }
    printf("whole and cut pictures: %s\n", failures ? "wrong" : "ok");
    return failures != 0;
  }
  time_t end = time(NULL) + atoi(argv[2]);
  state = strtoull(argv[3], NULL, 10);
  unsigned long long counts[CP_NO_MEMORY + 1] = {0}, total = 0;
  for (; time(NULL) < end; total++) {
    const content *file = &files[random_number((uint32_t)file_count)];
    static uint8_t bytes[MOST_BYTES];
    size_t count = file->count;
    memcpy(bytes, file->bytes, count);
    damage(bytes, &count);
    if (random_number(4)) mend_checksums(bytes, count);
    uint8_t *at = memory + MOST_BYTES - count;
    memcpy(at, bytes, count);
    cp_status status = decode(at, count, &picture);
    if ((int)status < 0 || status > CP_NO_MEMORY || status == CP_NO_LIBRARY) abort();
    counts[status]++;
  }
  printf("damaged pictures: %llu, of which %llu decoded, %llu refused, %llu too large\n", total, counts[CP_OK], counts[CP_DAMAGED],
         counts[CP_NO_MEMORY]);
  return 0;
}
