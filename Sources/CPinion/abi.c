#include "../../include/pinion/pinion.h"

#include "pinion_dlpack.h"

// Programs are compiled against these sizes and offsets; a change would break them without a message.
_Static_assert(sizeof(pinion_status) == 4 && sizeof(pinion_element_type) == 4 && sizeof(pinion_kind) == 4, "enums are 32 bits wide");
_Static_assert(sizeof(pinion_dl_tensor) == 48, "DLTensor");
_Static_assert(sizeof(pinion_dl_managed) == 64, "DLManagedTensor");
_Static_assert(sizeof(pinion_dl_versioned) == 80, "DLManagedTensorVersioned");
