import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Joins the columns of its inputs into one float32 matrix; columns beyond an input's declared number are cut, missing ones are 0.
package struct FeatureVectorizer: CPUExecutable {
  package static let schema = Schema(
    "FeatureVectorizer", domain: "ai.onnx.ml", since: 1, inputs: ["X...: indices|float32|float64"], outputs: ["Y: float32"])
  let widths: [Int64]

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    widths = try attributes.ints("inputdimensions", default: [])
    for width in widths where width < 0 || width > Int64(Int32.max) {
      throw .invalidModel("attribute 'inputdimensions' has the entry \(width)")
    }
  }

  /// Rows of the inputs, and for each its own columns and those it gets.
  private func layout(_ inputs: [TensorType?]) throws(PinionError) -> (rows: Int, columns: [(own: Int, given: Int)]) {
    guard widths.isEmpty || widths.count == inputs.count else {
      throw .invalidModel("attribute 'inputdimensions' has \(widths.count) entries for \(inputs.count) inputs")
    }
    var rows: Int?
    var columns: [(own: Int, given: Int)] = []
    for (index, input) in inputs.enumerated() {
      guard let type = input else { throw .invalidModel("input \(index) is missing") }
      let count = type.rank > 1 ? type.dims[0] : 1
      guard rows ?? count == count else { throw .invalidShape("input \(index) is \(type), the inputs before have \(rows ?? 0) rows") }
      rows = count
      let own = type.rank > 1 ? type.shape.count(1..<type.rank) : type.count
      columns.append((own, widths.isEmpty ? own : Int(widths[index])))
    }
    return (rows ?? 0, columns)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let (rows, columns) = try layout(context.inputs)
    var total = 0
    for column in columns { total = try total.adding(column.given) }
    return [TensorType(.float32, try Shape([rows, total]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let rows = context[0].rank.flatMap { $0 > 1 ? context[0].extent(0) : 1 }
    let columns = context.inputs.indices.map { index -> Int? in
      guard widths.isEmpty else { return index < widths.count ? Int(exactly: widths[index]) : nil }
      return context[index].dims.flatMap { context.symbols.product(of: $0.count > 1 ? Array($0.dropFirst()) : $0) }
    }
    return [Fact(.float32, [rows, context.symbols.sum(of: columns)])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let (rows, columns) = try layout(context.inference.inputs)
    let total = columns.reduce(0) { $0 &+ $1.given }
    var parts: [@Sendable (KernelFrame, Int, UnsafeMutablePointer<Float>) -> Void] = []
    var start = 0
    for (index, column) in columns.enumerated() {
      let element = try context.type(index).element
      let convert = try conversion(from: element, to: .float32)
      let width = element.byteWidth
      let place = start
      let copied = min(column.own, column.given)
      parts.append { frame, row, line in
        convert(frame.rawInput(index) + row &* column.own &* width, line + place, copied)
        (line + place + copied).update(repeating: 0, count: column.given &- copied)
      }
      start += column.given
    }
    let all = parts
    return .ranges(rows, grain: max(1, elementwiseGrain / max(total, 1))) { frame, range in
      for row in range {
        for part in all { part(frame, row, frame.output(0, as: Float.self) + row &* total) }
      }
    }
  }
}
