// The kernels' names in the generated texts.
#define silu_flat chain_d8e02f758462cb61
#define silu_strided chain_a00dada208535b24
#define half_flat chain_064fa3e111adeae3
#define half_strided chain_3695cd65a9500e66
#define mixed_flat chain_74b57e5f7972af21
#define pairs_flat chain_bb8951c915450c60
#define casts_flat chain_9ea4c8d415d3f578
#define long_flat chain_02d3bf62190f6ebc
