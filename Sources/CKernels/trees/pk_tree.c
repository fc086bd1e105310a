#include "pk_tree.h"

#define PK_T float
#define PK_NODE pk_tree_node_f32
#define PK_TREE_FN(name) name##_f32
#include "pk_tree.inl.h"

#define PK_T double
#define PK_NODE pk_tree_node_f64
#define PK_TREE_FN(name) name##_f64
#include "pk_tree.inl.h"
