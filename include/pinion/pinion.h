#ifndef PINION_H
#define PINION_H
#include <stddef.h>
#include <stdint.h>
#endif
