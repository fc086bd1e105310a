import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Looks up words, positions and segments, adds what was found and normalises it over the last axis.
package struct EmbedLayerNormalization: CPUExecutable {
  package static let schema = Schema(
    "EmbedLayerNormalization", domain: "com.microsoft", since: 1,
    inputs: [
      "input_ids: int32", "segment_ids?: int32", "word_embedding: T", "position_embedding: T", "segment_embedding?: T", "gamma: T", "beta: T",
      "mask?: int32", "position_ids?: int32",
    ], outputs: ["output: T", "mask_index?: int32", "embedding_sum?: T"], types: ["T": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let normalization: RowNormalization

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    let epsilon = try attributes.float("epsilon", default: 1e-12)
    normalization = RowNormalization(epsilon: Double(epsilon), centers: true)
    attributes.ignore("mask_index_type")
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let ids = try context.type(0, rank: 2), words = try context.type(2, rank: 2)
    let width = words.dims[1]
    for (index, type) in [(0, ids), (1, context.optionalType(1)), (7, context.optionalType(7)), (8, context.optionalType(8))] {
      guard let type else { continue }
      let fits = type.dims == ids.dims || (index == 8 && type.dims == [1, ids.dims[1]])
      guard fits else {
        throw .invalidShape("input '\(Self.schema.inputName(index))' is \(type), expected int32\(ids.shape)")
      }
    }
    for index in [3, 4] {
      if let table = context.optionalType(index), table.rank != 2 || table.dims.last != width {
        throw .invalidShape("input '\(Self.schema.inputName(index))' is \(table), expected rows of \(width)")
      }
    }
    for index in [5, 6] {
      let parameter = try context.type(index)
      guard parameter.dims == [width] else { throw .invalidShape("gamma or beta is \(parameter), expected shape [\(width)]") }
    }
    guard context.has(1) == context.has(4) else { throw .invalidModel("segment_ids and segment_embedding come together only") }
    let output = TensorType(words.element, try Shape([ids.dims[0], ids.dims[1], width]))
    return [output, TensorType(.int32, try Shape([ids.dims[0]])), output]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let ids = context[0], words = context[2]
    let output = Fact(words.element, [ids.extent(0), ids.extent(1), words.extent(1)])
    return [output, Fact(.int32, [ids.extent(0)]), output]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(2).element == .float32 else { throw context.unsupportedTypes() }
    let ids = try context.type(0), width = try context.type(2).dims[1]
    let batch = ids.dims[0], length = ids.dims[1]
    var tables: [Table] = [Table(ids: 0, table: 2, rows: try context.type(2).dims[0], period: batch &* length)]
    let positionRows = try context.type(3).dims[0]
    if context.has(8) {
      tables.append(Table(ids: 8, table: 3, rows: positionRows, period: try context.type(8).count))
    } else {
      guard length <= positionRows else { throw .invalidShape("\(length) positions, but position_embedding has \(positionRows) rows") }
      tables.append(Table(ids: nil, table: 3, rows: positionRows, period: length))
    }
    if context.has(1) { tables.append(Table(ids: 1, table: 4, rows: try context.type(4).dims[0], period: batch &* length)) }
    let lookups = tables, function = try normalization.function(Float.self), keepsSum = context.wants(output: 2)
    let rows = Kernel.Stage.ranges(batch &* length, grain: max(1, 16_384 / max(width, 1))) { (frame, range) throws(PinionError) in
      for row in range {
        let y = frame.output(0, as: Float.self) + row &* width
        for (number, lookup) in lookups.enumerated() {
          let source = frame.input(lookup.table, as: Float.self) + (try lookup.row(row, frame)) &* width
          if number == 0 {
            y.update(from: source, count: width)
          } else {
            for index in 0..<width { y[index] += source[index] }
          }
        }
        if keepsSum { (frame.output(2, as: Float.self) + row &* width).update(from: y, count: width) }
        function.apply(y, y, count: width, scale: frame.input(5), bias: frame.input(6))
      }
    }
    var kernel = Kernel(stages: [rows], laneScratchBytes: 0)
    if context.wants(output: 1) {
      let hasMask = context.has(7)
      kernel.stages.append(
        Kernel.Stage(tasks: 1) { frame, _ in
          for entry in 0..<batch {
            var count: Int32 = 0
            if hasMask {
              let mask = frame.input(7, as: Int32.self) + entry &* length
              for position in 0..<length where mask[position] == 1 { count &+= 1 }
            }
            frame.output(1, as: Int32.self)[entry] = count
          }
        })
    }
    return kernel
  }

  /// A table of vectors and the input that names its rows, or the position where there is none.
  private struct Table: Sendable {
    let ids: Int?
    let table: Int
    let rows: Int
    let period: Int

    @inline(__always)
    func row(_ index: Int, _ frame: KernelFrame) throws(PinionError) -> Int {
      let position = index % period
      guard let ids else { return position }
      let id = frame.input(ids, as: Int32.self)[position]
      guard id >= 0, Int(id) < rows else { throw .invalidValue("id \(id) at position \(position) is out of range for \(rows) rows") }
      return Int(id)
    }
  }
}

/// EmbedLayerNormalization on quantised tables.
package struct QEmbedLayerNormalization: Operator {
  package static let schema = Schema(
    "QEmbedLayerNormalization", domain: "com.microsoft", since: 1,
    inputs: [
      "input_ids: int32", "segment_ids?: int32", "word_embedding_quant: T2", "position_embedding_quant: T2", "segment_embedding?: T2",
      "gamma_quant: T2", "beta_quant: T2", "mask?: int32", "word_embedding_scale: float32", "position_embedding_scale: float32",
      "segment_embedding_scale?: float32", "gamma_scale: float32", "beta_scale: float32", "word_embedding_zero_point: T2",
      "position_embedding_zero_point: T2", "segment_embedding_zero_point?: T2", "gamma_zero_point: T2", "beta_zero_point: T2",
    ], outputs: ["layernorm_out: float32", "mask_index_out: int32"], types: ["T2": .bytes])

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    (node.domain, node.name) = ("com.microsoft", EmbedLayerNormalization.schema.name)
    let given = node.inputs
    func operand(_ index: Int) -> NodeDraft.Operand { index < given.count ? given[index] : .none }
    guard given.count <= schema.inputs.count else {
      throw .invalidModel("the node has \(given.count) inputs, the operator takes at most \(schema.inputs.count)")
    }
    for index in [2, 3, 4, 5, 6] {
      guard node.has(input: index) else { continue }
      // A vector of one number would be one for each place of an axis.
      let scale = NodeDraft(newest: Squeeze.schema, inputs: [operand(index + 6)]), zero = NodeDraft(newest: Squeeze.schema, inputs: [operand(index + 11)])
      let numbers = NodeDraft(newest: DequantizeLinear.schema, inputs: [operand(index), .computed(scale), .computed(zero)])
      node.inputs[index] = .computed(numbers)
    }
    node.inputs = Array(node.inputs.prefix(8))
  }

  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try EmbedLayerNormalization(&attributes) }
}
