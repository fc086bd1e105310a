import PinionBase
