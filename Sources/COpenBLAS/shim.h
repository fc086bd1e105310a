#include <openblas-serial/cblas.h>
