typedef struct ct_pool ct_pool;
