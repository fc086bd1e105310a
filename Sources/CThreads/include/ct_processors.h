#ifndef PINION_CT_PROCESSORS_H
#define PINION_CT_PROCESSORS_H

#include <stdint.h>

/// The number of processors that this process may use, at least 1. Thread-safe.
int32_t ct_processor_count(void);

#endif
