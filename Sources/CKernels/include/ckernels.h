#ifndef PINION_CKERNELS_H
#define PINION_CKERNELS_H

#include "pk_convert.h"
#include "pk_gemm.h"
#include "pk_isa.h"
#include "pk_strided.h"
#include "pk_unary.h"

#endif
