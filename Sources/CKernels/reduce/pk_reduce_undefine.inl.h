// Frees the names that describe a type, for the next.
#undef T
#undef KEY
#undef NAME
#undef MAX_KEY
#undef MIN_KEY
#undef OF_KEY
#undef ROW_MOST
#undef ROW_LEAST
#undef FOR_ARG
#undef LEAST
#undef GREATEST
#undef PART
#undef TOTAL
#undef MAGNITUDE
#undef MATH
#undef MATH_LOOP
