import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Finds shapes that do not fit whatever their open extents turn out to be.
///
/// Only for operators whose extents have to be equal, or equal or 1, or are of no consequence: where such shapes fit at all, they fit
/// with each open extent being 1, one of the other inputs' numbers, or a number that occurs nowhere else. All of that is tried. Channels
/// may also be what a group has, so often as there are groups.
extension KnownTypes {
  private static let operators: Set<String> = [
    "Add", "And", "BatchNormalization", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Concat", "Div", "Equal", "Gather", "Gemm", "Greater",
    "GreaterOrEqual", "Less", "LessOrEqual", "MatMul", "MatMulInteger", "Max", "Mean", "Min", "Mod", "Mul", "Or", "PRelu", "Pow", "Sub", "Sum",
    "Transpose", "Where", "Xor", "Conv", "LayerNormalization", "RMSNormalization", "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin",
    "Softmax", "LogSoftmax", "ArgMax", "ArgMin", "Unsqueeze", "Flatten",
  ]
  private static let tryLimit = 512
  /// Numbers for extents of which nothing is known; large enough for windows, and divisible by what groups divide by.
  private static let fresh = 5040

  func checkOpenExtents(_ node: Node, _ constants: ConstantTable) throws(PinionError) {
    guard node.schema.domain.isEmpty, KnownTypes.operators.contains(node.schema.name) else { return }
    let facts = node.inputs.map { $0.map(fact) }
    var extents: Set<Int> = [1, KnownTypes.fresh]
    /// Symbols, and open extents by their place.
    var open: [Int: Int] = [:]
    var openCount = 0
    for case let fact? in facts {
      guard fact.element != nil, let dims = fact.dims else { return }
      for extent in dims {
        if let extent, extent >= 0 {
          extents.insert(extent)
        } else if let extent {
          if open[extent] == nil { open[extent] = open.count }
        } else {
          openCount += 1
        }
      }
    }
    if case .int(let groups)? = node.attributes["group"], let groups = Int(exactly: groups), groups > 1 {
      for extent in extents {
        let channels = extent.multipliedReportingOverflow(by: groups)
        if !channels.overflow { extents.insert(channels.partialValue) }
        if extent % groups == 0 { extents.insert(extent / groups) }
      }
    }
    let choices = extents.sorted(by: >), count = open.count + openCount
    var combinations = 1
    for _ in 0..<count {
      combinations *= choices.count
      guard combinations <= KnownTypes.tryLimit else { return }
    }
    var message = "", isAlike = true
    for number in 0..<combinations {
      var digits: [Int] = [], rest = number
      for _ in 0..<count {
        digits.append(choices[rest % choices.count])
        rest /= choices.count
      }
      guard let error = misfit(node, facts, constants, digits, open) else { return }
      isAlike = isAlike && (message.isEmpty || message == error.message)
      message = error.message
    }
    // What the rule says of all choices alike is not about the open extents. The last choice is 1 for each.
    if isAlike { throw .invalidShape(message) }
    throw .invalidShape("the inputs' shapes do not fit together, whatever their open extents turn out to be; were they 1: \(message)")
  }

  /// What the operator's rule says against these numbers in the places of symbols, and then of other open extents; nil also where it
  /// cannot tell, as for tensors that would be too large.
  private func misfit(
    _ node: Node, _ facts: [Fact?], _ constants: ConstantTable, _ digits: [Int], _ open: [Int: Int]
  ) -> PinionError? {
    var place = open.count
    var types: [TensorType?] = []
    for fact in facts {
      guard let fact, let element = fact.element, let dims = fact.dims else {
        types.append(nil)
        continue
      }
      var numbers: [Int] = []
      for extent in dims {
        if let extent, extent >= 0 {
          numbers.append(extent)
        } else if let extent {
          numbers.append(digits[open[extent] ?? 0])
        } else {
          numbers.append(digits[place])
          place += 1
        }
      }
      guard let shape = try? Shape(numbers) else { return nil }
      types.append(TensorType(element, shape))
    }
    let values = node.inputs.map { input in input.flatMap { constants[$0] ?? fact($0).tensor } }
    do throws(PinionError) {
      _ = try node.op.outputTypes(
        InferenceContext(schema: node.schema, inputs: types, values: values, outputCount: node.outputs.count))
      return nil
    } catch { return error.code == .invalidShape ? error : nil }
  }
}
