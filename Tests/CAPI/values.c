/* Tensors, sequences, maps, strings, empty optionals, DLPack. */
#include "check.h"

#include <stdlib.h>

/* The structures of dlpack.h, version 1. */
typedef struct DLTensor {
  void *data;
  struct {
    int32_t device_type, device_id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} DLTensor;

struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *self);
};

struct DLManagedTensorVersioned {
  struct {
    uint32_t major, minor;
  } version;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensorVersioned *self);
  uint64_t flags;
  DLTensor dl_tensor;
};

static int released;
static void count_release(void *data, void *context) {
  ++released;
  *(void **)context = data;
}

static void wrapped(void) {
  float data[6] = {1, 2, 3, 4, 5, 6};
  int64_t dims[] = {2, 3};
  void *seen = NULL;
  pinion_value *value = NULL;
  pinion_tensor_view view = PINION_TENSOR_VIEW_INIT;
  released = 0;
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, NULL, count_release, &seen, &value));
  dims[0] = 99;
  CHECK(pinion_value_kind(value) == PINION_KIND_TENSOR);
  CHECK(pinion_tensor_element_type(value) == PINION_FLOAT32);
  CHECK(pinion_tensor_rank(value) == 2);
  CHECK(pinion_tensor_dims(value)[0] == 2 && pinion_tensor_dims(value)[1] == 3);
  CHECK(pinion_tensor_element_count(value) == 6);
  CHECK(pinion_tensor_byte_size(value) == sizeof data);
  CHECK(pinion_tensor_data(value) == data);
  CHECK_OK(pinion_tensor_describe(value, &view));
  CHECK(view.data == data && view.rank == 2 && view.dims[1] == 3 && view.byte_size == 24 && view.element_count == 6);
  CHECK(view.element_type == PINION_FLOAT32);
  CHECK(pinion_value_retain(value) == value);
  pinion_value_release(value);
  CHECK(released == 0);
  pinion_value_release(value);
  CHECK(released == 1 && seen == data);
}

static void strided(void) {
  float data[6] = {1, 2, 3, 4, 5, 6};
  const int64_t dims[] = {3, 2}, transposed[] = {1, 3}, row_major[] = {2, 1};
  const float expected[] = {1, 4, 2, 5, 3, 6};
  void *seen = NULL;
  pinion_value *value = NULL;
  released = 0;
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, transposed, count_release, &seen, &value));
  CHECK(released == 1);
  CHECK(pinion_tensor_data(value) != data);
  CHECK(memcmp(pinion_tensor_data(value), expected, sizeof expected) == 0);
  pinion_value_release(value);
  CHECK(released == 1);
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, row_major, NULL, NULL, &value));
  CHECK(pinion_tensor_data(value) == data);
  pinion_value_release(value);
}

static void refused(void) {
  float data[2] = {1, 2};
  const int64_t negative[] = {-1}, huge[] = {INT64_MAX, INT64_MAX}, one[] = {2};
  pinion_value *value = (pinion_value *)data;
  void *seen = NULL;
  released = 0;
  CHECK_STATUS(pinion_tensor_wrap(data, PINION_FLOAT32, 1, negative, NULL, count_release, &seen, &value), PINION_INVALID_SHAPE);
  CHECK(value == NULL && released == 0);
  CHECK_STATUS(pinion_tensor_wrap(data, PINION_FLOAT32, 2, huge, NULL, NULL, NULL, &value), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_tensor_wrap(NULL, PINION_FLOAT32, 1, one, NULL, NULL, NULL, &value), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_tensor_wrap(data, PINION_FLOAT32, 1, NULL, NULL, NULL, NULL, &value), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_tensor_wrap(data, PINION_FLOAT32, -1, one, NULL, NULL, NULL, &value), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_tensor_wrap(data, PINION_UNDEFINED, 1, one, NULL, NULL, NULL, &value), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(
      pinion_tensor_wrap(data, (pinion_element_type)999, 1, one, NULL, NULL, NULL, &value), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_tensor_wrap(data, PINION_STRING, 1, one, NULL, NULL, NULL, &value), PINION_UNSUPPORTED);
  CHECK_STATUS(pinion_tensor_wrap(data, PINION_FLOAT32, 1, one, NULL, NULL, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_tensor_create(NULL, PINION_FLOAT32, 2, huge, &value), PINION_INVALID_SHAPE);
  CHECK(value == NULL);
}

static void owned(void) {
  static const struct {
    pinion_element_type type;
    size_t bytes;
  } sizes[] = {
      {PINION_FLOAT32, 20},       {PINION_UINT8, 5},          {PINION_INT8, 5},         {PINION_UINT16, 10},
      {PINION_INT16, 10},         {PINION_INT32, 20},         {PINION_INT64, 40},       {PINION_BOOL, 5},
      {PINION_FLOAT16, 10},       {PINION_FLOAT64, 40},       {PINION_UINT32, 20},      {PINION_UINT64, 40},
      {PINION_COMPLEX64, 40},     {PINION_COMPLEX128, 80},    {PINION_BFLOAT16, 10},    {PINION_FLOAT8E4M3FN, 5},
      {PINION_FLOAT8E4M3FNUZ, 5}, {PINION_FLOAT8E5M2, 5},     {PINION_FLOAT8E5M2FNUZ, 5}, {PINION_UINT4, 3},
      {PINION_INT4, 3},           {PINION_FLOAT4E2M1, 3},     {PINION_FLOAT8E8M0, 5},   {PINION_UINT2, 2},
      {PINION_INT2, 2},
  };
  const int64_t dims[] = {5}, none[] = {3, 0};
  size_t i;
  pinion_value *value;
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    CHECK_OK(pinion_tensor_create(NULL, sizes[i].type, 1, dims, &value));
    CHECK(pinion_tensor_byte_size(value) == sizes[i].bytes);
    CHECK(pinion_tensor_element_type(value) == sizes[i].type);
    CHECK((uintptr_t)pinion_tensor_data(value) % 64 == 0);
    memset(pinion_tensor_data(value), 0, sizes[i].bytes);
    pinion_value_release(value);
  }
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 0, NULL, &value));
  CHECK(pinion_tensor_rank(value) == 0 && pinion_tensor_element_count(value) == 1 && pinion_tensor_byte_size(value) == 4);
  CHECK(pinion_tensor_dims(value) == NULL);
  pinion_value_release(value);
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, none, &value));
  CHECK(pinion_tensor_element_count(value) == 0 && pinion_tensor_byte_size(value) == 0 && pinion_tensor_data(value) == NULL);
  pinion_value_release(value);
}

static void strings(void) {
  const char *items[] = {"one", "", "three"};
  const char *with_zero[] = {"a\0b"};
  const size_t lengths[] = {3};
  const int64_t dims[] = {3}, one[] = {1};
  const char *data;
  size_t length;
  pinion_value *value;
  CHECK_OK(pinion_tensor_create_strings(items, NULL, 1, dims, &value));
  CHECK(pinion_tensor_element_type(value) == PINION_STRING);
  CHECK(pinion_tensor_data(value) == NULL && pinion_tensor_byte_size(value) == 0);
  CHECK_OK(pinion_tensor_string(value, 2, &data, &length));
  CHECK(length == 5 && memcmp(data, "three", 5) == 0);
  CHECK_OK(pinion_tensor_string(value, 1, &data, &length));
  CHECK(length == 0);
  CHECK_STATUS(pinion_tensor_string(value, 3, &data, &length), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_tensor_string(value, -1, &data, &length), PINION_NOT_FOUND);
  CHECK(data == NULL && length == 0);
  pinion_value_release(value);
  CHECK_OK(pinion_tensor_create_strings(with_zero, lengths, 1, one, &value));
  CHECK_OK(pinion_tensor_string(value, 0, &data, &length));
  CHECK(length == 3 && memcmp(data, "a\0b", 3) == 0);
  pinion_value_release(value);
}

static void containers(void) {
  float numbers[] = {0.5f, 1.5f};
  int64_t labels[] = {7, 9};
  const int64_t two[] = {2};
  pinion_value *keys, *values, *map, *sequence, *element, *none;
  CHECK_OK(pinion_tensor_wrap(numbers, PINION_FLOAT32, 1, two, NULL, NULL, NULL, &values));
  CHECK_OK(pinion_tensor_wrap(labels, PINION_INT64, 1, two, NULL, NULL, NULL, &keys));

  CHECK_OK(pinion_map_create(keys, values, &map));
  CHECK(pinion_value_kind(map) == PINION_KIND_MAP);
  CHECK_OK(pinion_map_get_keys(map, &element));
  CHECK(((const int64_t *)pinion_tensor_data(element))[1] == 9);
  pinion_value_release(element);
  CHECK_OK(pinion_map_get_values(map, &element));
  CHECK(((const float *)pinion_tensor_data(element))[0] == 0.5f);
  pinion_value_release(element);
  CHECK_STATUS(pinion_map_get_keys(values, &element), PINION_INVALID_ARGUMENT);
  CHECK(element == NULL);

  CHECK_OK(pinion_sequence_create(&sequence));
  CHECK(pinion_value_kind(sequence) == PINION_KIND_SEQUENCE && pinion_sequence_count(sequence) == 0);
  CHECK_OK(pinion_sequence_append(sequence, values));
  CHECK_OK(pinion_sequence_append(sequence, values));
  CHECK_STATUS(pinion_sequence_append(sequence, keys), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_sequence_append(values, values), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_sequence_append(sequence, map), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_sequence_append(sequence, sequence), PINION_INVALID_VALUE);
  CHECK_OK(pinion_sequence_create(&element));
  CHECK_STATUS(pinion_sequence_append(element, sequence), PINION_INVALID_VALUE);
  CHECK_OK(pinion_none_create(&none));
  CHECK_STATUS(pinion_sequence_append(element, none), PINION_INVALID_VALUE);
  CHECK(pinion_sequence_count(element) == 0);
  CHECK_OK(pinion_sequence_append(element, map));
  pinion_value_release(none);
  pinion_value_release(element);
  pinion_value_release(values);
  CHECK(pinion_sequence_count(sequence) == 2);
  CHECK_OK(pinion_sequence_get(sequence, 1, &element));
  CHECK(((const float *)pinion_tensor_data(element))[1] == 1.5f);
  pinion_value_release(sequence);
  CHECK(((const float *)pinion_tensor_data(element))[1] == 1.5f);
  CHECK_STATUS(pinion_sequence_get(element, 0, &none), PINION_INVALID_ARGUMENT);
  pinion_value_release(element);
  pinion_value_release(map);
  pinion_value_release(keys);

  CHECK_OK(pinion_none_create(&none));
  CHECK(pinion_value_kind(none) == PINION_KIND_NONE);
  CHECK(pinion_tensor_rank(none) == -1 && pinion_tensor_element_type(none) == PINION_UNDEFINED);
  pinion_value_release(none);
}

static int deleted;
static void delete_legacy(struct DLManagedTensor *self) { ++deleted, (void)self; }
static void delete_versioned(struct DLManagedTensorVersioned *self) { ++deleted, (void)self; }

static void dlpack_in(void) {
  float data[6] = {1, 2, 3, 4, 5, 6};
  int64_t shape[] = {3, 2}, strides[] = {1, 3};
  struct DLManagedTensor legacy = {{data, {1, 0}, 2, {2, 32, 1}, shape, NULL, 0}, NULL, delete_legacy};
  struct DLManagedTensorVersioned versioned = {
      {1, 0}, NULL, delete_versioned, 0, {data, {1, 0}, 2, {2, 32, 1}, shape, strides, 0}};
  pinion_value *value;
  deleted = 0;
  CHECK_OK(pinion_tensor_from_dlpack(&legacy, &value));
  CHECK(pinion_tensor_data(value) == data && pinion_tensor_element_type(value) == PINION_FLOAT32);
  pinion_value_release(value);
  CHECK(deleted == 1);

  legacy.dl_tensor.byte_offset = 8;
  shape[0] = 2;
  CHECK_OK(pinion_tensor_from_dlpack(&legacy, &value));
  CHECK(((const float *)pinion_tensor_data(value))[0] == 3);
  pinion_value_release(value);
  CHECK(deleted == 2);
  shape[0] = 3;

  CHECK_OK(pinion_tensor_from_dlpack_versioned(&versioned, &value));
  CHECK(((const float *)pinion_tensor_data(value))[1] == 4);
  pinion_value_release(value);
  CHECK(deleted == 3);

  legacy.dl_tensor.device.device_type = 2;
  CHECK_STATUS(pinion_tensor_from_dlpack(&legacy, &value), PINION_UNSUPPORTED);
  CHECK(value == NULL && deleted == 3);
  legacy.dl_tensor.device.device_type = 1;
  legacy.dl_tensor.dtype.lanes = 4;
  CHECK_STATUS(pinion_tensor_from_dlpack(&legacy, &value), PINION_UNSUPPORTED);
  versioned.version.major = 2;
  CHECK_STATUS(pinion_tensor_from_dlpack_versioned(&versioned, &value), PINION_UNSUPPORTED);
  CHECK(deleted == 3);
}

static void dlpack_out(void) {
  const int64_t dims[] = {2, 2};
  const char *items[] = {"a", "b", "c", "d"};
  struct DLManagedTensor *legacy;
  struct DLManagedTensorVersioned *versioned;
  pinion_value *value;
  CHECK_OK(pinion_tensor_create(NULL, PINION_INT32, 2, dims, &value));
  memset(pinion_tensor_data(value), 1, 16);
  CHECK_OK(pinion_tensor_to_dlpack(value, &legacy));
  CHECK_OK(pinion_tensor_to_dlpack_versioned(value, &versioned));
  CHECK(legacy->dl_tensor.data == pinion_tensor_data(value));
  pinion_value_release(value);
  CHECK(legacy->dl_tensor.ndim == 2 && legacy->dl_tensor.shape[1] == 2 && legacy->dl_tensor.device.device_type == 1);
  CHECK(legacy->dl_tensor.dtype.code == 0 && legacy->dl_tensor.dtype.bits == 32 && legacy->dl_tensor.dtype.lanes == 1);
  CHECK(versioned->version.major == 1 && versioned->dl_tensor.data == legacy->dl_tensor.data);
  legacy->deleter(legacy);
  CHECK(*(const int32_t *)versioned->dl_tensor.data == 0x01010101);
  versioned->deleter(versioned);

  CHECK_OK(pinion_tensor_create_strings(items, NULL, 2, dims, &value));
  CHECK_STATUS(pinion_tensor_to_dlpack(value, &legacy), PINION_UNSUPPORTED);
  CHECK(legacy == NULL);
  pinion_value_release(value);
}

static void flat_strings(void) {
  const char text[] = "onetwo\0x";
  const int64_t offsets[] = {1, 3, 3, 8}, dims[] = {3}, falling[] = {0, 2, 1, 3}, negative[] = {-1, 0, 0, 0}, empty[] = {5}, zero[] = {0};
  const int64_t *places;
  const char *data;
  size_t length;
  pinion_value *value, *numbers;
  CHECK_OK(pinion_tensor_create_text(text, offsets, 1, dims, &value));
  CHECK_OK(pinion_tensor_string(value, 0, &data, &length));
  CHECK(length == 2 && memcmp(data, "ne", 2) == 0);
  CHECK_OK(pinion_tensor_string(value, 1, &data, &length));
  CHECK(length == 0);
  CHECK_OK(pinion_tensor_strings(value, &data, &places));
  CHECK(places[0] == 0 && places[1] == 3 && places[2] == 4 && places[3] == 10 && memcmp(data, "ne\0\0two\0x", 10) == 0);
  {
    const int64_t *again;
    CHECK_OK(pinion_tensor_strings(value, &data, &again));
    CHECK(again == places);
  }
  pinion_value_release(value);
  CHECK_OK(pinion_tensor_create_text(NULL, empty, 1, zero, &value));
  CHECK_OK(pinion_tensor_strings(value, &data, &places));
  CHECK(places[0] == 0 && data != NULL);
  pinion_value_release(value);
  CHECK_STATUS(pinion_tensor_create_text(text, falling, 1, dims, &value), PINION_INVALID_ARGUMENT);
  CHECK(value == NULL);
  CHECK_STATUS(pinion_tensor_create_text(text, negative, 1, dims, &value), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_tensor_create_text(NULL, offsets, 1, dims, &value), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_tensor_create_text(text, NULL, 1, dims, &value), PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_tensor_create(NULL, PINION_INT32, 1, dims, &numbers));
  CHECK_STATUS(pinion_tensor_strings(numbers, &data, &places), PINION_INVALID_ARGUMENT);
  CHECK(data == NULL && places == NULL);
  pinion_value_release(numbers);
}

static pinion_value *map_of(const char *const *names, float *scores, int64_t count) {
  pinion_value *keys, *values, *map;
  CHECK_OK(pinion_tensor_create_strings(names, NULL, 1, &count, &keys));
  CHECK_OK(pinion_tensor_wrap(scores, PINION_FLOAT32, 1, &count, NULL, NULL, NULL, &values));
  CHECK_OK(pinion_map_create(keys, values, &map));
  pinion_value_release(keys);
  pinion_value_release(values);
  return map;
}

static void all_maps(void) {
  const char *names[] = {"a", "b", "c"}, *others[] = {"a", "B"};
  float scores[] = {1, 2, 3, 4};
  const int64_t *dims;
  pinion_value *sequence, *map, *keys, *values, *offsets;
  const char *data;
  size_t length;
  CHECK_OK(pinion_sequence_create(&sequence));
  CHECK_STATUS(pinion_sequence_get_maps(sequence, &keys, &values, &offsets), PINION_INVALID_ARGUMENT);
  CHECK(keys == NULL && values == NULL && offsets == NULL);
  map = map_of(names, scores, 2);
  CHECK_OK(pinion_sequence_append(sequence, map));
  pinion_value_release(map);
  map = map_of(names, scores + 2, 2);
  CHECK_OK(pinion_sequence_append(sequence, map));
  pinion_value_release(map);
  CHECK_OK(pinion_sequence_get_maps(sequence, &keys, &values, &offsets));
  CHECK(offsets == NULL && pinion_tensor_element_count(keys) == 2);
  dims = pinion_tensor_dims(values);
  CHECK(pinion_tensor_rank(values) == 2 && dims[0] == 2 && dims[1] == 2 && ((const float *)pinion_tensor_data(values))[3] == 4);
  pinion_value_release(keys);
  pinion_value_release(values);

  map = map_of(others, scores, 2);
  CHECK_OK(pinion_sequence_append(sequence, map));
  pinion_value_release(map);
  map = map_of(names, scores, 3);
  CHECK_OK(pinion_sequence_append(sequence, map));
  pinion_value_release(map);
  CHECK_OK(pinion_sequence_get_maps(sequence, &keys, &values, &offsets));
  pinion_value_release(sequence);
  CHECK(pinion_tensor_element_count(keys) == 9 && pinion_tensor_element_count(values) == 9 && pinion_tensor_rank(values) == 1);
  CHECK(offsets != NULL && pinion_tensor_element_count(offsets) == 5);
  CHECK(((const int64_t *)pinion_tensor_data(offsets))[3] == 6 && ((const int64_t *)pinion_tensor_data(offsets))[4] == 9);
  CHECK_OK(pinion_tensor_string(keys, 5, &data, &length));
  CHECK(length == 1 && *data == 'B');
  CHECK(((const float *)pinion_tensor_data(values))[8] == 3);
  pinion_value_release(keys);
  pinion_value_release(values);
  pinion_value_release(offsets);
  CHECK_STATUS(pinion_sequence_get_maps(NULL, &keys, &values, &offsets), PINION_INVALID_ARGUMENT);
}

static void described_elements(void) {
  const int64_t dims[] = {2, 3}, line[] = {4}, none[] = {0, 5};
  const int64_t *const shapes[] = {dims, line, none};
  const int32_t ranks[] = {2, 1, 2};
  pinion_tensor_view views[3] = {PINION_TENSOR_VIEW_INIT, PINION_TENSOR_VIEW_INIT, PINION_TENSOR_VIEW_INIT}, short_view = {0, 0, 0, NULL, NULL, 0, 0};
  pinion_value *sequence, *element;
  int i;
  CHECK_OK(pinion_sequence_create(&sequence));
  CHECK_OK(pinion_sequence_describe(sequence, 0, 0, NULL));
  for (i = 0; i < 3; ++i) {
    CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, ranks[i], shapes[i], &element));
    if (i < 2) memset(pinion_tensor_data(element), i + 1, pinion_tensor_byte_size(element));
    CHECK_OK(pinion_sequence_append(sequence, element));
    pinion_value_release(element);
    CHECK_OK(pinion_sequence_describe(sequence, 0, (size_t)i + 1, views));
  }
  CHECK(views[0].element_type == PINION_FLOAT32 && views[0].rank == 2 && views[0].dims[0] == 2 && views[0].dims[1] == 3);
  CHECK(views[0].byte_size == 24 && views[0].element_count == 6 && *(const char *)views[0].data == 1);
  CHECK(views[1].rank == 1 && views[1].dims[0] == 4 && views[1].byte_size == 16 && *(const char *)views[1].data == 2);
  CHECK(views[2].rank == 2 && views[2].dims[0] == 0 && views[2].dims[1] == 5 && views[2].data == NULL && views[2].element_count == 0);
  CHECK_OK(pinion_sequence_describe(sequence, 1, 1, views));
  CHECK(views[0].rank == 1 && views[0].dims[0] == 4);
  CHECK_STATUS(pinion_sequence_describe(sequence, 2, 2, views), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_sequence_describe(sequence, (size_t)-1, 1, views), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_sequence_describe(sequence, 0, (size_t)-1, views), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_sequence_describe(sequence, 0, 1, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_sequence_describe(sequence, 0, 1, &short_view), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_sequence_describe(NULL, 0, 1, views), PINION_INVALID_ARGUMENT);
  pinion_value_release(sequence);

  /* Strings are only counted, elements of less than a byte left out. */
  CHECK_OK(pinion_sequence_create(&sequence));
  CHECK_OK(pinion_tensor_create(NULL, PINION_INT4, 1, line, &element));
  CHECK_OK(pinion_sequence_append(sequence, element));
  CHECK_OK(pinion_sequence_describe(sequence, 0, 1, views));
  CHECK(views[0].element_type == PINION_UNDEFINED && views[0].data == NULL && views[0].dims == NULL);
  CHECK_STATUS(pinion_sequence_describe(element, 0, 1, views), PINION_INVALID_ARGUMENT);
  pinion_value_release(element);
  pinion_value_release(sequence);
  CHECK_OK(pinion_sequence_create(&sequence));
  CHECK_OK(pinion_tensor_create(NULL, PINION_STRING, 1, line, &element));
  CHECK_OK(pinion_sequence_append(sequence, element));
  pinion_value_release(element);
  CHECK_OK(pinion_sequence_describe(sequence, 0, 1, views));
  CHECK(views[0].element_type == PINION_STRING && views[0].data == NULL && views[0].byte_size == 0 && views[0].element_count == 4);
  pinion_value_release(sequence);
}

/* As many dimensions as pinion.h says, and no more. */
static void ranks(void) {
  static int64_t dims[4097];
  pinion_value *value = NULL;
  float one = 1;
  for (int axis = 0; axis < 4097; ++axis) dims[axis] = 1;
  for (int32_t rank = 64; rank <= 4096; rank += 2016) {
    CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, rank, dims, &value));
    CHECK(pinion_tensor_rank(value) == rank && pinion_tensor_element_count(value) == 1);
    pinion_value_release(value);
    CHECK_OK(pinion_tensor_wrap(&one, PINION_FLOAT32, rank, dims, NULL, NULL, NULL, &value));
    CHECK(pinion_tensor_dims(value)[rank - 1] == 1);
    pinion_value_release(value);
  }
  CHECK_STATUS(pinion_tensor_create(NULL, PINION_FLOAT32, 4097, dims, &value), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_tensor_create(NULL, PINION_FLOAT32, INT32_MAX, dims, &value), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_tensor_create(NULL, PINION_FLOAT32, -1, dims, &value), PINION_INVALID_ARGUMENT);
}

int main(void) {
  ranks();
  wrapped();
  strided();
  refused();
  owned();
  strings();
  containers();
  flat_strings();
  all_maps();
  described_elements();
  dlpack_in();
  dlpack_out();
  return check_result("values");
}
