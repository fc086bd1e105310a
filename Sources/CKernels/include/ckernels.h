#ifndef PINION_CKERNELS_H
#define PINION_CKERNELS_H

#include "pk_binary.h"
#include "pk_conv.h"
#include "pk_conv_int8.h"
#include "pk_convert.h"
#include "pk_dot.h"
#include "pk_gemm.h"
#include "pk_gemm_int8.h"
#include "pk_index.h"
#include "pk_isa.h"
#include "pk_pool.h"
#include "pk_product.h"
#include "pk_quantize.h"
#include "pk_reduce.h"
#include "pk_resample.h"
#include "pk_strided.h"
#include "pk_move.h"
#include "pk_norm.h"
#include "pk_reduce.h"
#include "pk_softmax.h"
#include "pk_tree.h"
#include "pk_unary.h"
#include "pk_nbits.h"
#include "pk_peak.h"
#include "pk_pool.h"

#endif
