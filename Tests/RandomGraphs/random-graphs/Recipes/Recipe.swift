import PinionTensor

/// Adds one or a few nodes to a model where what they need can be had.
struct Recipe: Sendable {
  /// The operators that it may add, with their domains outside ai.onnx.
  let operators: [String]
  /// The first opset that has them.
  let from: Int
  let weight: Int
  let make: @Sendable (GraphMaker) -> Void

  init(_ operators: String..., from: Int = 7, weight: Int = 4, make: @escaping @Sendable (GraphMaker) -> Void) {
    self.init(operators, from: from, weight: weight, make: make)
  }

  init(_ operators: [String], from: Int = 7, weight: Int = 4, make: @escaping @Sendable (GraphMaker) -> Void) {
    self.operators = operators
    self.from = from
    self.weight = weight
    self.make = make
  }

  static let all: [Recipe] =
    elementwise + views + shapes + gathering + reductions + products + windows + norms + recurrent + attention + quantization + sequences
    + strings + writtenOut + orderMasks + control + machineLearning + microsoft + vision + signals + training
}

/// float32 more often than the others.
let floats: [ElementType] = [.float32, .float32, .float32, .float32, .float32, .float64, .float16, .bfloat16]
let commonFloats: [ElementType] = [.float32, .float32, .float32, .float32, .float64, .float16]
let integers: [ElementType] = [.int32, .int64, .int64, .int8, .uint8, .int16, .uint16, .uint32, .uint64]
let numbers: [ElementType] = floats + integers
let anything: [ElementType] = numbers + [.bool, .bool, .string]

extension GraphMaker {
  /// A tensor that can be broadcast together with `other`.
  func partner(of other: Operand, fresh: Double = 0.4, _ contents: Contents? = nil) -> Operand? {
    guard let element = other.element else { return nil }
    if !random.chance(fresh),
      let found = existing(where: { candidate in
        guard candidate.element == element, candidate.tensor != nil else { return false }
        return GraphMaker.broadcasts(candidate.dims, other.dims)
      }) {
      return found
    }
    var dims = other.dims
    switch random.below(6) {
    case 0: dims = []
    case 1: dims = Array(dims.suffix(random.below(dims.count + 1)))
    case 2: for axis in dims.indices where random.chance(0.4) { dims[axis] = 1 }
    case 3: if !dims.isEmpty { dims = [dims[dims.count - 1]] }
    default: break
    }
    return new(element, dims, contents)
  }

  static func broadcasts(_ a: [Int], _ b: [Int]) -> Bool {
    for (x, y) in zip(a.reversed(), b.reversed()) where x != y && x != 1 && y != 1 { return false }
    return true
  }

  /// An axis of a rank, counted from either end.
  func axis(_ rank: Int) -> Int {
    let axis = random.below(rank)
    return opset >= 11 && random.chance(0.3) ? axis - rank : axis
  }
}
