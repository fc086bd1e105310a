import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// A product of codes and constant codes whose result stays a number: MatMulIntegerToFloat. Where the result is made codes, too,
/// QuantizedOperator comes first.
struct QuantizedProduct: Rule {
  let anchors: [any Operator.Type] = [MatMul.self, Gemm.self]

  /// Terms whose sum fits 32 bits, whatever the codes.
  private static let depthLimit = 1 << 15

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let a = editor.codes(editor.input(index, 0), at: index), a.isPerTensor, a.element != .int32,
      let b = editor.codes(editor.input(index, 1), at: index), b.element != .int32, let codes = editor.constant(b.value), codes.shape.rank == 2,
      editor.fact(editor.input(index, 0), at: index).element == .float32
    else { return false }
    var isTransposed = false
    let bias = editor.input(index, 2)
    if editor.kind(index) == Gemm.self {
      guard let form = editor.op(index, Gemm.self)?.form, !form.transposition.a, form.alpha == 1, form.beta == 1 || bias == nil else { return false }
      isTransposed = form.transposition.b
    }
    let depth = codes.shape[isTransposed ? 1 : 0], columns = codes.shape[isTransposed ? 0 : 1]
    guard depth <= QuantizedProduct.depthLimit, b.isPerTensor || b.hasScale(forEachOf: isTransposed ? 0 : 1, of: codes),
      bias.map({ editor.fact($0, at: index).type?.dims == [columns] }) ?? true
    else { return false }
    var weights = b.value
    if isTransposed {
      guard let turned = try transposed(codes, context) else { return false }
      weights = editor.addConstant(turned)
    }
    // A vector of zeros says no more than none.
    let zero = b.zero?.numbers?.allSatisfy({ $0 == 0 }) ?? (b.zero == nil) ? nil : b.zeroID
    var inputs: [ValueID?] = [a.value, weights, a.scaleID, b.scaleID, a.zeroID, zero, bias]
    while let last = inputs.last, last == nil { inputs.removeLast() }
    let node = try Node(
      MatMulIntegerToFloat.self, name: editor[index].name, inputs: inputs, outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }

  /// A matrix of bytes with rows and columns exchanged; nil where there is no room for it.
  private func transposed(_ codes: Tensor, _ context: PassContext) throws(PinionError) -> Tensor? {
    let rows = codes.shape[0], columns = codes.shape[1]
    let type = TensorType(codes.element, try Shape([columns, rows]))
    guard let result = try context.folding.constant(type, allocator: context.allocator), let codes = try context.folding.source(codes) else { return nil }
    var poll = Poll(context.control)
    let source = codes.data.assumingMemoryBound(to: UInt8.self), target = result.data.assumingMemoryBound(to: UInt8.self)
    // Rows by the cache line, as they lie side by side in the result.
    for first in stride(from: 0, to: rows, by: 64) {
      for column in 0..<columns {
        try poll.count(64)
        for row in first..<min(rows, first &+ 64) { target[column &* rows &+ row] = source[row &* columns &+ column] }
      }
    }
    withExtendedLifetime(codes) {}
    return result
  }
}
