"""Random cases of com.microsoft operators: attributes, optional inputs, element types, shapes, constants.

Each function takes a numpy generator and makes one case. Bounds:

* Codes(): both sides round a float32 number to an integer, and compute it in a different order; a number within the last
  place of a half goes either way.
* Numbers(): sums in float32 of some hundred products in a different order, or exponentials by different polynomials.
"""

from . import attention, elementwise, experts, forms, hybrids, products, recurrent, windows
from .draw import GENERATORS, Draw

__all__ = ["GENERATORS", "Draw", "attention", "elementwise", "experts", "forms", "hybrids", "products", "recurrent", "windows"]
