import PinionBackend
import PinionBase
import PinionTensor

/// Memory in which a body's results take turns, while their types stay as they are: an iteration reads what the last one wrote, and
/// writes to the other half.
struct CarriedMemory {
  private var halves: [[Tensor]] = [[], []]
  private var turn = 0
  private let counter: Tensor
  private let condition: Tensor

  init(_ context: EagerContext) throws(PinionError) {
    counter = try context.scalar(Int64(0))
    condition = try context.scalar(true)
  }

  /// The iteration's number and a condition that holds; the next call writes over the number.
  func arguments(_ iteration: Int64) -> [Tensor] {
    counter.data.storeBytes(of: iteration, as: Int64.self)
    return [counter, condition]
  }

  /// Memory of these types that does not hold what the last iteration gave.
  mutating func next(_ types: [TensorType], _ context: EagerContext) throws(PinionError) -> [Tensor] {
    turn = 1 - turn
    let half = halves[turn]
    if half.count == types.count, zip(half, types).allSatisfy({ $0.type == $1 }) { return half }
    var made: [Tensor] = []
    for type in types { made.append(try context.allocate(type)) }
    halves[turn] = made
    return made
  }
}

extension Value {
  /// A tensor whose elements a kernel may write in place of the run's own; nil for text and what is no tensor.
  var plainTensor: Tensor? {
    guard case .tensor(let tensor) = self, tensor.element != .string else { return nil }
    return tensor
  }
}
