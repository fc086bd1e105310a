#include "../../include/pinion/pinion.h"
